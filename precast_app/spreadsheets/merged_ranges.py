"""Merged ranges. Spreadsheet programs let no two of them overlap, but a file may contain overlapping ones."""

from __future__ import annotations

import heapq
from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from operator import attrgetter

from precast_app.spreadsheets.sheet import Cell, MergedRange, SheetRow

_ORDER = attrgetter("first_row", "first_column")
# Rows below the first one that get the value of a merged range.
_MAX_FILLED_ROWS = 1_000


def drop_overlapping(ranges: Iterable[MergedRange]) -> tuple[MergedRange, ...]:
    """Return the ranges sorted by row and column, without invalid ones and those that overlap an earlier one."""
    sweep = MergedRangeSweep(())
    return tuple(each for each in sorted(ranges, key=_ORDER) if sweep.add(each))


class MergedRangeSweep:
    """A sweep over the rows of a sheet that knows which merged ranges cover the current row.

    Its time depends on the number of ranges, not on the number of their rows. `ranges` don't overlap and are sorted by
    row.
    """

    def __init__(self, ranges: Iterable[MergedRange]) -> None:
        self._coming: Iterator[MergedRange] = iter(ranges)
        self._next = next(self._coming, None)
        self._columns: list[int] = []
        self._by_column: dict[int, MergedRange] = {}
        self._ends: list[tuple[int, int]] = []

    def ranges_in_row(self, row: int) -> Mapping[int, MergedRange]:
        """Return the ranges that cover a row, by their first column. Call it with ascending row numbers."""
        while self._next is not None and self._next.first_row <= row:
            self.add(self._next)
            self._next = next(self._coming, None)
        self._forget_before(row)
        return self._by_column

    def range_at(self, row: int, column: int) -> MergedRange | None:
        """Return the range that covers a cell, or None. Call it with ascending row numbers."""
        by_column = self.ranges_in_row(row)
        place = bisect_left(self._columns, column + 1)
        found = by_column[self._columns[place - 1]] if place else None
        return found if found is not None and found.last_column >= column else None

    def add(self, new: MergedRange) -> bool:
        """Advance to the range's first row and add it; return False if it is invalid or overlaps another one."""
        self._forget_before(new.first_row)
        place = bisect_left(self._columns, new.first_column)
        is_right_free = place == len(self._columns) or self._columns[place] > new.last_column
        left = self._by_column[self._columns[place - 1]] if place else None
        is_left_free = left is None or left.last_column < new.first_column
        is_range = new.last_row >= new.first_row and new.last_column >= new.first_column
        if not (is_range and is_right_free and is_left_free):
            return False
        insort(self._columns, new.first_column)
        self._by_column[new.first_column] = new
        heapq.heappush(self._ends, (new.last_row, new.first_column))
        return True

    def _forget_before(self, row: int) -> None:
        while self._ends and self._ends[0][0] < row:
            _, column = heapq.heappop(self._ends)
            del self._columns[bisect_left(self._columns, column)]
            del self._by_column[column]


class MergedValues:
    """Fills the first column of ranges that are merged over several rows with the value of the first row.

    `ranges` share no cell.
    """

    def __init__(self, ranges: Iterable[MergedRange]) -> None:
        shortened = (replace(each, last_row=min(each.last_row, each.first_row + _MAX_FILLED_ROWS)) for each in ranges)
        self._sweep = MergedRangeSweep(sorted(shortened, key=_ORDER))
        self._values: dict[MergedRange, Cell] = {}

    def fill(self, row: SheetRow) -> SheetRow:
        """Return the row with the values of the ranges that cover it; rows come in ascending order."""
        covering = self._sweep.ranges_in_row(row.number)
        if not covering:
            self._values.clear()
            return row
        cells = list(row.cells)
        for first_column, area in covering.items():
            index = first_column - 1
            if area.first_row == row.number:
                self._values[area] = cells[index] if index < len(cells) else ""
            cells.extend([""] * (index + 1 - len(cells)))
            # Spreadsheet programs hide what the other cells of a range hold. A first row that is not read is blank.
            cells[index] = self._values.get(area, "")
        return SheetRow(row.number, cells)
