"""Where a sheet is coloured, and what the comment there says."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from precast_app.models import Issue, Severity
from precast_app.spreadsheets import Book, MergedRange, column_number

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
        merged = _Merged(self._book.scan(sheet).merged, sorted(found))
        for place in sorted(found):
            shown.setdefault(merged.first_cells.get(place, place), []).extend(found[place])
        for (row, column), issues in sorted(shown.items()):
            severities = {each.severity for each in issues}
            colour = _COLOURS[Severity.ERROR if Severity.ERROR in severities else Severity.WARNING]
            yield Mark(row, column, colour, "\n".join(each.message for each in issues))


class _Merged:
    """`first_cells`: of those places that a merged range covers, the range's first cell."""

    def __init__(self, areas: Iterable[MergedRange], places: list[tuple[int, int]]) -> None:
        """Look at places, which are sorted by row and column."""
        self.first_cells: dict[tuple[int, int], tuple[int, int]] = {}
        for area in areas:
            for place in places[bisect_left(places, (area.first_row, 0)) : bisect_left(places, (area.last_row + 1, 0))]:
                if area.first_column <= place[1] <= area.last_column:
                    self.first_cells[place] = area.first_row, area.first_column
