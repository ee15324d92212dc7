"""Warnings about single cells of rows that are imported. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from dataclasses import replace
from datetime import date, time, timedelta

from precast_app.enums import Severity
from precast_app.importing.cell_parsing import display_text
from precast_app.importing.issues import Issue
from precast_app.importing.schema import Column, ColumnMap
from precast_app.messages import Message
from precast_app.spreadsheets import Cell, FormattedNumber, SheetRow, column_letter
from precast_app.text import clean_text

_SHOWN_CHARACTERS = 200
_NUMBER_FORMAT_CHARACTERS = 60  # of a number format in a message
_DATES_AND_TIMES = (date, time, timedelta)

_DATE_MESSAGE = Message(
    "The cell has a date where text is expected; it was read as year-month-day. If Excel turned a text into this date, "
    "format the cell as text and type it again."
)
_TIME_MESSAGE = Message(
    "The cell has a time where text is expected; it was read as hours:minutes:seconds. If Excel turned a text into "
    "this time, format the cell as text and type it again."
)


def cell_at(row: SheetRow, index: int) -> Cell:
    """Return the cell at an index of a row; blank beyond its end."""
    return row.cells[index] if index < len(row.cells) else ""


def shown_value(cell: Cell) -> str:
    """Return a cell for an issue, shortened."""
    return display_text(cell)[:_SHOWN_CHARACTERS]


def type_warnings(
    row: SheetRow, types: Set[type], columns: ColumnMap, text_columns: Sequence[Column]
) -> Iterator[Issue]:
    """Yield the warnings about dates and formatted numbers; `types` are those of the row's cells."""
    if FormattedNumber in types:
        yield from _number_format_warnings(row, columns, text_columns)
    if any(issubclass(each, _DATES_AND_TIMES) for each in types):
        yield from _date_warnings(row, columns)


def _date_warnings(row: SheetRow, columns: ColumnMap) -> Iterator[Issue]:
    """Yield a warning for each date or time of a row: Excel turns names such as 1-2 into dates, and 1:2 into a time."""
    for column in columns.columns:
        cell = cell_at(row, column.index)
        if isinstance(cell, _DATES_AND_TIMES):
            yield columns.issue(
                severity=Severity.WARNING,
                code="date_in_text",
                message=_DATE_MESSAGE if isinstance(cell, date) else _TIME_MESSAGE,
                row=row.number,
                column=column,
                value=shown_value(cell),
            )


def _number_format_warnings(row: SheetRow, columns: ColumnMap, text_columns: Sequence[Column]) -> Iterator[Issue]:
    """Yield a warning for each number in a text column whose format is too complex to know what the cell shows."""
    for column in text_columns:
        cell = cell_at(row, column.index)
        if type(cell) is FormattedNumber and cell.shown is None:
            shown = shown_value(cell)
            yield columns.issue(
                severity=Severity.WARNING,
                code="complex_number_format",
                message=Message(
                    "The number format of the cell (%(format)s) is too complex to read the number as the cell "
                    "shows it; it was read as %(number)s. If that is wrong, format the cell as text and type "
                    "what it should say.",
                    format=cell.code[:_NUMBER_FORMAT_CHARACTERS],
                    number=shown,
                ),
                row=row.number,
                column=column,
                value=shown,
            )


def beyond_headings_warning(row: SheetRow, columns: ColumnMap) -> Iterator[Issue]:
    """Yield a warning for the first cell to the right of all headings, if there is one."""
    for index in range(columns.width, len(row.cells)):
        cell = row.cells[index]
        if clean_text(display_text(cell)):
            issue = columns.issue(
                severity=Severity.WARNING,
                code="cell_beyond_headings",
                message="The row is longer than the header row; cells beyond the last heading were ignored. Check that "
                "the cells of this row have not moved to the right.",
                row=row.number,
                value=shown_value(cell),
            )
            yield replace(issue, column=column_letter(index + 1))
            return
