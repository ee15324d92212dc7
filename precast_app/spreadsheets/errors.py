"""The exception for files that can't be read, and functions that create it for common reasons."""

from __future__ import annotations

from precast_app.messages import Message, as_message
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
        Message(
            "The workbook is damaged: %(detail)s. Open it in Excel, save it under a new name as an "
            "Excel workbook (.xlsx) and upload that file.",
            detail=as_message(detail),
        ),
    )


def too_many_rows(limits: Limits) -> UnreadableFile:
    """Return the error for a sheet with too many rows."""
    return UnreadableFile(
        "too_many_rows",
        Message(
            "The sheet has more than %(limit)s rows that are not blank. Split it into several files "
            "and upload them one after the other.",
            limit=limits.rows,
        ),
    )


def cell_too_long(row: int, column: int, limits: Limits) -> UnreadableFile:
    """Return the error for a text over the limit; it names no cell if `row` is 0."""
    where = Message("Cell %(cell)s", cell=f"{column_letter(column)}{row}") if row else Message("A cell")
    return UnreadableFile(
        "cell_too_long",
        Message(
            "%(where)s contains more than %(limit)s characters. Shorten its text and upload the file again.",
            where=where,
            limit=limits.cell_characters,
        ),
    )


def too_many_columns(row: int, column: int, limits: Limits) -> UnreadableFile:
    """Return the error for a sheet that is too wide; it names a cell beyond the limit."""
    return UnreadableFile(
        "too_many_columns",
        Message(
            "Row %(row)s has a value in column %(column)s. At most %(limit)s columns (up to "
            "%(last_column)s) are read. Delete the columns after that and upload the file again.",
            row=row,
            column=column_letter(column),
            limit=limits.columns,
            last_column=column_letter(limits.columns),
        ),
    )


def too_many_cells(reach: str, limit: int) -> UnreadableFile:
    """Return the error for a sheet that would take too much memory or time; `reach` says how large it is."""
    return UnreadableFile(
        "too_many_cells",
        Message(
            "The sheet %(reach)s: more than %(limit)s cells. Delete the cells far below or far to "
            "the right of the data, or split the file, and upload it again.",
            reach=as_message(reach),
            limit=limit,
        ),
    )


def too_many_texts(limits: Limits) -> UnreadableFile:
    """Return the error for a workbook with too many different texts."""
    return UnreadableFile(
        "too_many_cells",
        Message(
            "The workbook contains more than %(limit)s different texts. Split it into several files "
            "and upload them one after the other.",
            limit=limits.shared_texts,
        ),
    )


def too_much_text() -> UnreadableFile:
    """Return the error for a sheet whose texts, repeated in its cells, would fill the memory."""
    return UnreadableFile(
        "too_much_text",
        "The sheet's cells hold far more text than a list of element types. Shorten the "
        "long texts that are repeated in many cells, or split the file, and upload it again.",
    )


def unsupported_format(kind: str) -> UnreadableFile:
    """Return the error for a spreadsheet in a format that can't be read; `kind` says which."""
    return UnreadableFile(
        "unsupported_format",
        Message(
            "This is %(kind)s, which can't be read, whatever its file name says. Open it in Excel, "
            "choose Save As and the type Excel Workbook (.xlsx), and upload that file.",
            kind=as_message(kind),
        ),
    )


def not_a_spreadsheet(kind: str) -> UnreadableFile:
    """Return the error for a file that is no spreadsheet; `kind` says what it is."""
    return UnreadableFile(
        "not_a_spreadsheet",
        Message(
            "This is %(kind)s, whatever its file name says. Upload an Excel workbook (.xlsx) or a CSV file.",
            kind=as_message(kind),
        ),
    )
