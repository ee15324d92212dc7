"""The exception for files that can't be read, and functions that create it for common reasons."""

from __future__ import annotations

from precast_app.spreadsheets.sheet import Limits, column_letter


class UnreadableFile(Exception):
    """A file that can't be read, or not safely.

    `code` is stable and meant for programs; `message`, also `str()` of the exception, tells the user what to do.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message

    def __reduce__(self) -> tuple[type[UnreadableFile], tuple[str, str]]:
        # By default unpickling would call the class with the message only.
        return type(self), (self.code, self.message)


def damaged(detail: str) -> UnreadableFile:
    """Return the error for a workbook whose content is inconsistent; `detail` says where."""
    return UnreadableFile(
        "damaged_workbook",
        f"The workbook is damaged: {detail}. Open it in Excel, save it under a new name as "
        "an Excel workbook (.xlsx) and upload that file.",
    )


def too_many_rows(limits: Limits) -> UnreadableFile:
    """Return the error for a sheet with too many rows."""
    return UnreadableFile(
        "too_many_rows",
        f"The sheet has more than {limits.rows} rows that are not blank. Split it into several "
        "files and upload them one after the other.",
    )


def cell_too_long(row: int, column: int, limits: Limits) -> UnreadableFile:
    """Return the error for a text over the limit; it names no cell if `row` is 0."""
    where = f"Cell {column_letter(column)}{row}" if row else "A cell"
    return UnreadableFile(
        "cell_too_long",
        f"{where} contains more than {limits.cell_characters} characters. Shorten its text and upload the file again.",
    )


def too_many_columns(row: int, column: int, limits: Limits) -> UnreadableFile:
    """Return the error for a sheet that is too wide; it names a cell beyond the limit."""
    return UnreadableFile(
        "too_many_columns",
        f"Row {row} has a value in column {column_letter(column)}. At most {limits.columns} columns "
        f"(up to {column_letter(limits.columns)}) are read. Delete the columns after that and upload the "
        "file again.",
    )


def too_many_cells(reach: str, limit: int) -> UnreadableFile:
    """Return the error for a sheet that would take too much memory or time; `reach` says how large it is."""
    return UnreadableFile(
        "too_many_cells",
        f"The sheet {reach}: more than {limit} cells. Delete the cells far below or far to the "
        "right of the data, or split the file, and upload it again.",
    )


def too_many_texts(limits: Limits) -> UnreadableFile:
    """Return the error for a workbook with too many different texts."""
    return UnreadableFile(
        "too_many_cells",
        f"The workbook contains more than {limits.shared_texts} different texts. Split it into "
        "several files and upload them one after the other.",
    )


def too_much_text() -> UnreadableFile:
    """Return the error for a sheet whose texts, repeated in its cells, would fill the memory."""
    return UnreadableFile(
        "too_much_text",
        "The sheet's cells hold far more text than a list of element types. Shorten the "
        "long texts that are repeated in many cells, or split the file, and upload it again.",
    )
