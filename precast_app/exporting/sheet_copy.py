"""Copying of an upload's cells, row by row, to a sheet of a new workbook."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import xlsxwriter

from precast_app.exporting import safe_text
from precast_app.spreadsheets import Book, Cell, CellError, FormattedNumber, MergedRange, SheetRow

# Excel's limit for a sheet name, in UTF-16 units: characters beyond U+FFFF count twice.
_MAX_NAME_UNITS = 31
_NOT_IN_NAMES = re.compile(r"[\[\]:*?/\\\x00-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_DEFAULT_NAME = "Element Types"
# Excel reserves this name.
_RESERVED_NAME = "history"
_LAST_COLUMN = 16_384
_MAX_FORMATS = 4_000
# Excel can't store earlier dates.
_FIRST_YEAR = 1900


def unique_sheet_names(book: Book) -> dict[str, str]:
    """Return a valid and unique Excel name for each sheet of a file, by the sheet's own name.

    Other formats allow longer names and more characters than Excel.
    """
    names: dict[str, str] = {}
    taken: set[str] = {_RESERVED_NAME}
    for sheet in book.sheets:
        wanted = name = _shorten_name(_NOT_IN_NAMES.sub("_", sheet), _MAX_NAME_UNITS)
        number = 2
        while name.casefold() in taken:
            # Seven units leave room for " (9999)".
            name = f"{_shorten_name(wanted, _MAX_NAME_UNITS - 7)} ({number})"
            number += 1
        taken.add(name.casefold())
        names[sheet] = name
    return names


def _shorten_name(name: str, units: int) -> str:
    """Return the name cut to a number of UTF-16 units, without leading and trailing blanks and apostrophes."""
    # Decoding with "ignore" drops the first half of a character that was cut in two.
    cut = name.strip(" '").encode("utf-16-le")[: 2 * units].decode("utf-16-le", "ignore")
    return cut.strip(" '") or _DEFAULT_NAME


def merges_within_rows(
    merged: Iterable[MergedRange], last_column: int = _LAST_COLUMN
) -> Mapping[int, list[MergedRange]]:
    """Return the merged ranges that lie within one row, cut off after `last_column`, by row number."""
    by_row: dict[int, list[MergedRange]] = defaultdict(list)
    for each in merged:
        kept = replace(each, last_column=min(each.last_column, last_column))
        if kept.first_row == kept.last_row and kept.first_column < kept.last_column:
            by_row[kept.first_row].append(kept)
    return by_row


class SheetCopy:
    """Sheet of a new workbook that is written row by row.

    Colours are RGB values in hexadecimal; an empty text means no colour.
    """

    def __init__(self, out: xlsxwriter.Workbook, name: str) -> None:
        """Add the sheet to the workbook `out`."""
        self._out = out
        self.sheet = out.add_worksheet(name)
        self._formats: dict[tuple[str, str], Any] = {}

    def copy_row(self, line: int, cells: Sequence[Cell], colours: Mapping[int, str] | None = None) -> None:
        """Copy cells to a row, which counts from 0; `colours` are background colours by the index of the cell."""
        colours = colours or {}
        for index, cell in enumerate(cells):
            self._write_cell(line, index, cell, colours.get(index, ""))
        for index in colours:
            if index >= len(cells):
                self._write_cell(line, index, "", colours[index])

    def merge_cells(self, row: SheetRow, merges: Mapping[int, list[MergedRange]]) -> None:
        """Merge the cells of an already copied row that are merged in the upload (see `merges_within_rows`)."""
        for each in merges.get(row.number, ()):
            first, last = each.first_column - 1, each.last_column - 1
            shown = str(row.cells[first]) if first < len(row.cells) else ""
            safe_text.merge_cells(self.sheet, row.number - 1, first, last, shown)

    def _write_cell(self, line: int, index: int, cell: Cell, colour: str) -> None:
        text = _text_of(cell)
        if text:
            safe_text.write(self.sheet, line, index, text, self._format(colour))
        elif text is not None:
            if colour:
                self.sheet.write_blank(line, index, None, self._format(colour))
        elif isinstance(cell, bool):
            self.sheet.write_boolean(line, index, cell, self._format(colour))
        elif isinstance(cell, FormattedNumber):
            # A text column reads what the cell shows.
            code = cell.code if len(self._formats) < _MAX_FORMATS else ""
            self.sheet.write_number(line, index, cell, self._format(colour, code))
        elif isinstance(cell, (int, float)):
            self.sheet.write_number(line, index, cell, self._format(colour))
        else:
            self.sheet.write_datetime(line, index, cell, self._format(colour, "yyyy-mm-dd"))

    def _format(self, colour: str, number_format: str = "") -> Any:
        if not colour and not number_format:
            return None
        key = number_format, colour
        if key not in self._formats:
            properties = {"num_format": number_format} if number_format else {}
            self._formats[key] = self._out.add_format(properties | ({"bg_color": f"#{colour}"} if colour else {}))
        return self._formats[key]


def _text_of(cell: Cell) -> str | None:
    """Return the text of a cell that is copied as text, or None for one that keeps its type."""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, CellError):
        return cell.text
    if isinstance(cell, date) and cell.year < _FIRST_YEAR:
        return cell.isoformat()
    if isinstance(cell, float) and not math.isfinite(cell):
        return str(cell)
    return None


def with_decimal_points(read: Callable[[int, Cell], Cell] | None, cells: Sequence[Cell]) -> list[Cell]:
    """Return cells with decimal points, as read by `importing.column_mapping.number_reader` (None: unchanged)."""
    return list(cells) if read is None else [read(index, cell) for index, cell in enumerate(cells)]
