"""Excel binary workbooks (.xlsb): one pass over a sheet's records, a row at a time."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from datetime import datetime
from typing import BinaryIO

import xlrd

from precast_app.spreadsheets.errors import cell_too_long, damaged, too_many_columns, too_much_text
from precast_app.spreadsheets.scan_limits import ScanCounter
from precast_app.spreadsheets.sheet import (
    HEAD_ROWS,
    LAST_ROW,
    Cell,
    Limits,
    MergedRange,
    Note,
    SheetRow,
    SheetScan,
)
from precast_app.spreadsheets.xlsb.parts import date_formats, shared_texts, sheet_list
from precast_app.spreadsheets.xlsb.records import records, wide_text
from precast_app.spreadsheets.zip_package import Package

_RELATIONS = "xl/_rels/workbook.bin.rels"
_LAST_COLUMN = 16_384

_ROW, _BLANK, _SMALL, _ERROR, _BOOL, _REAL, _TEXT, _SHARED = range(8)
_FORMULA_KINDS = {8: _TEXT, 9: _REAL, 10: _BOOL, 11: _ERROR}  # with the result in the place of a value
_SHORT_KINDS = range(12, 19)  # _BLANK to _SHARED without a column: they stand to the right of the cell before
_RICH = 62
_SHEET_END, _MERGED = 130, 176
_WANTED = frozenset((*range(19), _RICH, _SHEET_END, _MERGED))

_PLACE = struct.Struct("<II")  # column, and the format in the lower 24 bits
_FORMAT = 0xFFFFFF
_UNSIGNED = struct.Struct("<I")
_SIGNED = struct.Struct("<i")
_DOUBLE = struct.Struct("<d")
_RANGE = struct.Struct("<IIII")


class XlsbBook:
    """A Book over a binary workbook's zip."""

    format = "xlsb"
    decimal_comma = False
    notes: tuple[Note, ...] = ()

    def __init__(self, file: BinaryIO, package: Package, limits: Limits) -> None:
        """Read the list of sheets. Raises UnreadableFile."""
        del file  # the package keeps it
        self._package = package
        self._limits = limits
        entries, self._from_1904 = sheet_list(package, limits)
        self._parts = {sheet.name: sheet.part for sheet in package.named_worksheets(_RELATIONS, entries, limits)}
        self._shared: tuple[list[str], list[bool]] | None = None
        self._scans: dict[str, SheetScan] = {}
        self.sheets = tuple(self._parts)

    def scan(self, sheet: str) -> SheetScan:
        """See Book."""
        if sheet not in self._scans:
            tally = ScanCounter(self._limits)
            head: list[SheetRow] = []
            for row in self._rows(sheet, tally):
                if len(head) < HEAD_ROWS:
                    head.append(row)
            self._scans[sheet] = tally.finish_scan(tuple(head))
        return self._scans[sheet]

    def rows(self, sheet: str) -> Iterator[SheetRow]:
        """See Book."""
        yield from self._rows(sheet, ScanCounter(self._limits))

    def _rows(self, sheet: str, tally: ScanCounter) -> Iterator[SheetRow]:
        part = self._parts[sheet]
        if self._shared is None:
            self._shared = shared_texts(self._package, self._limits), date_formats(self._package)
        reader = _Sheet(*self._shared, self._from_1904, tally, self._limits)
        return reader.rows(self._package.chunks(part))


class _Sheet:
    """One pass over a sheet. Rows, and the cells of a row, are in ascending order."""

    def __init__(
        self, texts: list[str], dates: list[bool], from_1904: bool, tally: ScanCounter, limits: Limits
    ) -> None:
        self._texts = texts
        self._dates = dates
        self._from_1904 = from_1904
        self._tally = tally
        self._limits = limits
        self._row = 0
        self._column = 0  # of the last cell, blank or not
        self._cells: list[Cell] = []
        self._text_size = 0

    def rows(self, chunks: Iterator[bytes]) -> Iterator[SheetRow]:
        """The rows that hold something. Raises UnreadableFile."""
        ended = False
        try:
            for kind, content in records(chunks, _WANTED):
                if kind == _ROW:
                    if self._cells:
                        yield self._taken()
                    self._start_row(content)
                elif kind == _MERGED:
                    self._merge(content)
                elif kind == _SHEET_END:
                    ended = True
                else:
                    self._cell(kind, content)
            if self._cells:
                yield self._taken()
        except (struct.error, IndexError) as error:
            raise damaged(f"a cell or row of a sheet, in row {self._row} or the next one, is cut short") from error
        if not ended:
            raise damaged("a sheet breaks off")

    def _taken(self) -> SheetRow:
        self._tally.add_row(self._row, len(self._cells))
        if self._text_size > self._limits.text_bytes:
            raise too_much_text()
        row, self._cells = SheetRow(self._row, self._cells), []
        return row

    def _start_row(self, content: bytes) -> None:
        number = _UNSIGNED.unpack_from(content)[0] + 1
        if not self._row < number <= LAST_ROW:
            raise damaged(f"row {number} comes after row {self._row}")
        self._row, self._column = number, 0

    def _cell(self, kind: int, content: bytes) -> None:
        if kind in _SHORT_KINDS:
            kind, column, at = kind - _SHORT_KINDS.start + _BLANK, self._column + 1, 4
            (style,) = _UNSIGNED.unpack_from(content)
        else:
            column, style = _PLACE.unpack_from(content)
            kind, column, at = _FORMULA_KINDS.get(kind, kind), column + 1, 8
        if not self._column < column <= _LAST_COLUMN or not self._row:
            raise damaged(f"row {self._row} contains a cell in column {column} after one in column {self._column}")
        self._column = column
        if kind == _BLANK:
            return
        value = self._value(kind, content, at, style & _FORMAT)
        if value == "":
            return
        if column > self._limits.columns:
            raise too_many_columns(self._row, column, self._limits)
        cells = self._cells
        if column - 1 > len(cells):
            cells.extend([""] * (column - 1 - len(cells)))
        cells.append(value)

    def _value(self, kind: int, content: bytes, at: int, style: int) -> Cell:
        if kind == _SHARED:
            (index,) = _UNSIGNED.unpack_from(content, at)
            if index >= len(self._texts):
                raise damaged("a cell refers to a text that is not in the workbook")
            text = self._texts[index]
            self._text_size += len(text)
            return text
        if kind == _SMALL:
            return self._number(_small(content, at), style)
        if kind == _REAL:
            return self._number(_DOUBLE.unpack_from(content, at)[0], style)
        if kind == _BOOL:
            return content[at] != 0
        if kind == _ERROR:
            shown = xlrd.error_text_from_code.get(content[at], "#ERR")
            return self._tally.add_error(self._row, self._column, shown)
        # In front of a text with formats there is a byte that tells of them.
        text, _ = wide_text(content, at + (kind == _RICH))
        if len(text) > self._limits.cell_characters:
            raise cell_too_long(self._row, self._column, self._limits)
        self._text_size += len(text)
        return "" if text.isspace() else text

    def _number(self, number: float, style: int) -> Cell:
        if style >= len(self._dates) or not self._dates[style]:
            return number
        try:
            moment: datetime = xlrd.xldate_as_datetime(number, int(self._from_1904))
        except (ValueError, OverflowError):
            return number
        return moment

    def _merge(self, content: bytes) -> None:
        first_row, last_row, first_column, last_column = _RANGE.unpack_from(content)
        if not (first_row <= last_row < LAST_ROW and first_column <= last_column < _LAST_COLUMN):
            raise damaged("a range of merged cells lies outside of its sheet")
        self._tally.add_merged_range(MergedRange(first_row + 1, first_column + 1, last_row + 1, last_column + 1))


def _small(content: bytes, at: int) -> float:
    """A number in four bytes: a whole one, or the upper half of a double; perhaps in hundredths."""
    (packed,) = _SIGNED.unpack_from(content, at)
    number: float
    if packed & 2:
        number = float(packed >> 2)
    else:
        (number,) = _DOUBLE.unpack(b"\0\0\0\0" + _SIGNED.pack(packed & ~3))
    return number / 100 if packed & 1 else number
