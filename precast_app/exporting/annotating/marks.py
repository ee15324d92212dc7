"""Marks: the colour and the comment of each cell with issues."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from precast_app.importing.issues import Issue
from precast_app.models import Severity
from precast_app.spreadsheets import Book, MergedRangeSweep, column_number

AUTHOR = "Import"
_COLOURS = {Severity.ERROR: "FFC7CE", Severity.WARNING: "FFEB9C"}


@dataclass(frozen=True, slots=True)
class Mark:
    """Colour and comment of a cell. `row` and `column` count from 1; `colour` is an RGB value in hexadecimal."""

    row: int
    column: int
    colour: str
    text: str


class Marks:
    """Marks of a file, grouped by sheet."""

    def __init__(self, issues: Iterable[Issue], book: Book) -> None:
        """Collect the errors and warnings that have a row; those without a sheet are put on the book's first sheet."""
        self._book = book
        self._issues: dict[str, dict[tuple[int, int], list[Issue]]] = {sheet: {} for sheet in book.sheets}
        for issue in issues:
            sheet = issue.sheet or book.sheets[0]
            if issue.severity in _COLOURS and issue.row and sheet in self._issues:
                # An issue of a whole row is shown in column A.
                position = issue.row, column_number(issue.column or "A")
                self._issues[sheet].setdefault(position, []).append(issue)

    def in_sheet(self, sheet: str) -> Iterator[Mark]:
        """Yield the marks of a sheet by row and column; a mark in a merged range is put on the range's first cell."""
        found = self._issues.get(sheet)
        if not found:
            return
        by_shown_cell: dict[tuple[int, int], list[Issue]] = {}
        merged = MergedRangeSweep(self._book.scan(sheet).merged)
        for position in sorted(found):
            merged_range = merged.range_at(*position)
            first = position if merged_range is None else (merged_range.first_row, merged_range.first_column)
            by_shown_cell.setdefault(first, []).extend(found[position])
        for (row, column), issues in sorted(by_shown_cell.items()):
            severities = {each.severity for each in issues}
            colour = _COLOURS[Severity.ERROR if Severity.ERROR in severities else Severity.WARNING]
            yield Mark(row, column, colour, "\n".join(each.message for each in issues))
