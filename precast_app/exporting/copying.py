"""Cells of an upload, copied to a workbook of our own."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

import xlsxwriter

from precast_app.spreadsheets import Book, Cell, CellError, MergedRange, SheetScan

NOTHING: Mapping[int, str] = {}
# What Excel allows in the name of a sheet.
_NAME_LENGTH = 31
_NOT_IN_NAMES = re.compile(r"[\[\]:*?/\\]")
# Excel's dates begin here.
_FIRST_YEAR = 1900


def sheet_names(book: Book) -> dict[str, str]:
    """What each sheet of a file is called in a workbook; other formats allow longer names and more signs."""
    names: dict[str, str] = {}
    taken: set[str] = set()
    for sheet in book.sheets:
        wanted = _NOT_IN_NAMES.sub("_", sheet).strip("'")[:_NAME_LENGTH] or "Element Types"
        name, number = wanted, 2
        while name.lower() in taken:
            name = f"{wanted[: _NAME_LENGTH - 5]} ({number})"
            number += 1
        taken.add(name.lower())
        names[sheet] = name
    return names


class Copy:
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

    def row(self, line: int, cells: Sequence[Cell], colours: Mapping[int, str] = NOTHING) -> None:
        """Write cells to a line (from 0); `colours` by the index of the cell."""
        for index, cell in enumerate(cells):
            self._cell(line, index, cell, colours.get(index, ""))
        for index in colours:
            if index >= len(cells):
                self._cell(line, index, "", colours[index])

    def merge_headings(self, line: int, cells: Sequence[Cell], scan: SheetScan) -> None:
        """Merge what is merged within this line of the upload, which stands at the same line of the copy."""
        if self._merged is None:
            self._merged = defaultdict(list)
            for area in scan.merged:
                if area.first_row == area.last_row and area.last_column > area.first_column:
                    self._merged[area.first_row].append(area)
        for area in self._merged.get(line + 1, ()):
            shown = str(cells[area.first_column - 1]) if area.first_column <= len(cells) else ""
            self.sheet.merge_range(line, area.first_column - 1, line, area.last_column - 1, shown)

    def _cell(self, line: int, index: int, cell: Cell, colour: str) -> None:
        if isinstance(cell, CellError):
            self.sheet.write_string(line, index, cell.text, self._format(colour))
        elif isinstance(cell, date) and cell.year < _FIRST_YEAR:
            self.sheet.write_string(line, index, cell.isoformat(), self._format(colour))
        elif isinstance(cell, (date, datetime, time, timedelta)):
            self.sheet.write_datetime(line, index, cell, self._format(colour, is_date=True))
        elif isinstance(cell, bool):
            self.sheet.write_boolean(line, index, cell, self._format(colour))
        elif isinstance(cell, (int, float)) and not math.isfinite(cell):
            self.sheet.write_string(line, index, str(cell), self._format(colour))
        elif isinstance(cell, (int, float)):
            self.sheet.write_number(line, index, cell, self._format(colour))
        elif isinstance(cell, str) and cell:
            self.sheet.write_string(line, index, cell, self._format(colour))
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


def with_point(read: Callable[[int, Cell], Cell] | None, cells: Sequence[Cell]) -> list[Cell]:
    """Cells as they are read outside of their file, by `importing.headers.number_reader`."""
    return list(cells) if read is None else [read(index, cell) for index, cell in enumerate(cells)]
