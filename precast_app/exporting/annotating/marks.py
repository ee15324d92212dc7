"""Where a sheet is coloured, and what the comment there says."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from precast_app.importing.issues import Issue
from precast_app.models import Severity
from precast_app.spreadsheets import Book, Sweep, column_number

AUTHOR = "Import"
_COLOURS = {Severity.ERROR: "FFC7CE", Severity.WARNING: "FFEB9C"}


@dataclass(frozen=True, slots=True)
class Mark:
    """`row` and `column` count from 1; `colour` is an RGB value in hexadecimal."""

    row: int
    column: int
    colour: str
    text: str


class Marks:
    """The marks of a file by sheet."""

    def __init__(self, issues: Iterable[Issue], book: Book) -> None:
        """Take the errors and warnings that have a row; those that name no sheet are on the book's first."""
        self._book = book
        self._found: dict[str, dict[tuple[int, int], list[Issue]]] = {sheet: {} for sheet in book.sheets}
        for issue in issues:
            sheet = issue.sheet or book.sheets[0]
            if issue.severity in _COLOURS and issue.row and sheet in self._found:
                # What is wrong with a whole row is said in column A.
                place = issue.row, column_number(issue.column or "A")
                self._found[sheet].setdefault(place, []).append(issue)

    def of(self, sheet: str) -> Iterator[Mark]:
        """The marks of a sheet by row and column; those under a merged range are at its first cell."""
        found = self._found.get(sheet)
        if not found:
            return
        shown: dict[tuple[int, int], list[Issue]] = {}
        merged = Sweep(self._book.scan(sheet).merged)
        for place in sorted(found):
            area = merged.over(*place)
            first = place if area is None else (area.first_row, area.first_column)
            shown.setdefault(first, []).extend(found[place])
        for (row, column), issues in sorted(shown.items()):
            severities = {each.severity for each in issues}
            colour = _COLOURS[Severity.ERROR if Severity.ERROR in severities else Severity.WARNING]
            yield Mark(row, column, colour, "\n".join(each.message for each in issues))
