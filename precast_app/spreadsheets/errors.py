"""The one way in which a file is turned down."""

from __future__ import annotations

from precast_app.spreadsheets.sheet import Limits, column_letter


class UnreadableFile(Exception):
    """A file that cannot be read, or not safely.

    `code` is stable and meant for programs; `message`, also `str()` of the exception, says in plain
    words what to do.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message

    def __reduce__(self) -> tuple[type[UnreadableFile], tuple[str, str]]:
        # The default would call the class with the message alone when the exception is unpickled.
        return type(self), (self.code, self.message)


def damaged(detail: str) -> UnreadableFile:
    """The refusal of a workbook whose inside does not hold together; `detail` says where."""
    return UnreadableFile(
        "damaged_workbook",
        f"The workbook is damaged: {detail}. Open it in Excel, save it under a new name as "
        "an Excel workbook (.xlsx) and upload that file.",
    )


def too_many_rows(limits: Limits) -> UnreadableFile:
    """The refusal of a sheet that is too long."""
    return UnreadableFile(
        "too_many_rows",
        f"The sheet has more than {limits.rows} rows that hold something. Split it into several "
        "files and upload them one after the other.",
    )


def cell_too_long(row: int, column: int, limits: Limits) -> UnreadableFile:
    """The refusal of a text beyond the limit; without a place when `row` is 0."""
    where = f"Cell {column_letter(column)}{row}" if row else "A cell"
    return UnreadableFile(
        "cell_too_long",
        f"{where} contains more than {limits.cell_characters} characters. Shorten its text and upload the file again.",
    )


def too_many_columns(row: int, column: int, limits: Limits) -> UnreadableFile:
    """The refusal of a sheet that is too wide, naming a cell beyond the limit."""
    return UnreadableFile(
        "too_many_columns",
        f"Row {row} reaches to column {column_letter(column)}; at most {limits.columns} columns "
        f"(to {column_letter(limits.columns)}) are read. Delete what is beyond and upload the "
        "file again.",
    )


def too_many_cells(reach: str, limit: int) -> UnreadableFile:
    """The refusal of a sheet that would take too much memory or time; `reach` says how large."""
    return UnreadableFile(
        "too_many_cells",
        f"The sheet {reach}: more than {limit} cells. Delete what stands far below or far to the "
        "right of the data, or split the file, and upload it again.",
    )


def too_many_texts(limits: Limits) -> UnreadableFile:
    """The refusal of a workbook with too many different texts."""
    return UnreadableFile(
        "too_many_cells",
        f"The workbook contains more than {limits.shared_texts} different texts. Split it into "
        "several files and upload them one after the other.",
    )


def too_much_text() -> UnreadableFile:
    """The refusal of a sheet whose texts, repeated over its cells, would fill the memory."""
    return UnreadableFile(
        "too_much_text",
        "The sheet's cells hold far more text than a list of element types does. Shorten the "
        "long texts that are repeated in many cells, or split the file, and upload it again.",
    )
