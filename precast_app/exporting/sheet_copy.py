"""Cells of an upload, copied to a workbook of our own."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

import xlsxwriter

from precast_app.exporting import safe_text
from precast_app.spreadsheets import Book, Cell, CellError, MergedRange

NO_COLOURS: Mapping[int, str] = {}
# What Excel allows in the name of a sheet: 31 characters, of which those beyond U+FFFF count twice.
_NAME_LENGTH = 31
_NOT_IN_NAMES = re.compile(r"[\[\]:*?/\\\x00-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_UNNAMED = "Element Types"
# Excel keeps this name for itself.
_RESERVED = "history"
_LAST_COLUMN = 16_384
# Excel's dates begin here.
_FIRST_YEAR = 1900


def sheet_names(book: Book) -> dict[str, str]:
    """Return the name of each sheet of a file in a new workbook.

    Other formats allow longer names and more characters than Excel does.
    """
    names: dict[str, str] = {}
    taken: set[str] = {_RESERVED}
    for sheet in book.sheets:
        wanted = name = _sheet_name(_NOT_IN_NAMES.sub("_", sheet), _NAME_LENGTH)
        number = 2
        while name.casefold() in taken:
            # Short enough for the number, however many sheets there are.
            name = f"{_sheet_name(wanted, _NAME_LENGTH - 7)} ({number})"
            number += 1
        taken.add(name.casefold())
        names[sheet] = name
    return names


def _sheet_name(text: str, units: int) -> str:
    """Return the text cut to a number of UTF-16 units, without blanks and apostrophes around it."""
    # A cut through the middle of a character drops its first half.
    cut = text.strip(" '").encode("utf-16-le")[: 2 * units].decode("utf-16-le", "ignore")
    return cut.strip(" '") or _UNNAMED


class MergedRows:
    """The ranges of an upload that are merged within one row."""

    def __init__(self, areas: Iterable[MergedRange]) -> None:
        """Sort them by row."""
        self._by_row: dict[int, list[tuple[int, int]]] = defaultdict(list)
        for area in areas:
            if area.first_row == area.last_row and area.last_column > area.first_column:
                self._by_row[area.first_row].append((area.first_column, area.last_column))

    def of(self, row: int) -> Iterator[tuple[int, int]]:
        """Yield first and last column of each range in a row (from 1); ranges that overlap one before are left out."""
        reached = 0
        for first, last in sorted(self._by_row.get(row, ())):
            if first > reached and last <= _LAST_COLUMN:
                reached = last
                yield first, last


class SheetCopy:
    """A sheet being written row by row, with a colour behind some of its cells.

    `colour` below is an RGB value in hexadecimal, or empty.
    """

    def __init__(self, out: xlsxwriter.Workbook, name: str) -> None:
        """Add the sheet to a workbook."""
        self._out = out
        self.sheet = out.add_worksheet(name)
        self._formats: dict[tuple[bool, str], Any] = {}
        # Of the upload's sheet: what is merged within one row, by its number.
        self._merged: dict[int, list[MergedRange]] | None = None

    def row(self, line: int, cells: Sequence[Cell], colours: Mapping[int, str] = NO_COLOURS) -> None:
        """Write cells to a line (from 0); `colours` by the index of the cell."""
        for index, cell in enumerate(cells):
            self._cell(line, index, cell, colours.get(index, ""))
        for index in colours:
            if index >= len(cells):
                self._cell(line, index, "", colours[index])

    def merge_headings(self, line: int, cells: Sequence[Cell], merged: MergedRows) -> None:
        """Merge what is merged within this line of the upload, which stands at the same line of the copy."""
        for first, last in merged.of(line + 1):
            shown = str(cells[first - 1]) if first <= len(cells) else ""
            safe_text.merge(self.sheet, line, first - 1, last - 1, shown)

    def _cell(self, line: int, index: int, cell: Cell, colour: str) -> None:
        if isinstance(cell, CellError):
            safe_text.write(self.sheet, line, index, cell.text, self._format(colour))
        elif isinstance(cell, date) and cell.year < _FIRST_YEAR:
            safe_text.write(self.sheet, line, index, cell.isoformat(), self._format(colour))
        elif isinstance(cell, (date, datetime, time, timedelta)):
            self.sheet.write_datetime(line, index, cell, self._format(colour, is_date=True))
        elif isinstance(cell, bool):
            self.sheet.write_boolean(line, index, cell, self._format(colour))
        elif isinstance(cell, (int, float)) and not math.isfinite(cell):
            safe_text.write(self.sheet, line, index, str(cell), self._format(colour))
        elif isinstance(cell, (int, float)):
            self.sheet.write_number(line, index, cell, self._format(colour))
        elif isinstance(cell, str) and cell:
            safe_text.write(self.sheet, line, index, cell, self._format(colour))
        elif colour:
            self.sheet.write_blank(line, index, None, self._format(colour))

    def _format(self, colour: str, *, is_date: bool = False) -> Any:
        if not colour and not is_date:
            return None
        key = is_date, colour
        if key not in self._formats:
            wanted = {"num_format": "yyyy-mm-dd"} if is_date else {}
            self._formats[key] = self._out.add_format(wanted | ({"bg_color": f"#{colour}"} if colour else {}))
        return self._formats[key]


def with_decimal_points(read: Callable[[int, Cell], Cell] | None, cells: Sequence[Cell]) -> list[Cell]:
    """Cells as they are read outside of their file, by `importing.column_mapping.number_reader`."""
    return list(cells) if read is None else [read(index, cell) for index, cell in enumerate(cells)]
