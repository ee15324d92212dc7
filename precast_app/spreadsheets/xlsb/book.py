"""Excel binary workbooks (.xlsb), read row by row in one pass over a sheet's records."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Set

import xlrd

from precast_app.messages import Message
from precast_app.spreadsheets.errors import cell_too_long, damaged, too_many_columns, too_much_text
from precast_app.spreadsheets.number_formats import GENERAL, NumberFormat
from precast_app.spreadsheets.scan_limits import ScanCounter
from precast_app.spreadsheets.sheet import (
    HEAD_ROWS,
    LAST_ROW,
    Cell,
    Limits,
    MergedRange,
    ReaderNote,
    SheetRow,
    SheetScan,
)
from precast_app.spreadsheets.workbook_parts import WorkbookParts
from precast_app.spreadsheets.xlsb.parts import read_number_formats, read_shared_texts, read_sheet_list
from precast_app.spreadsheets.xlsb.records import read_records, read_wide_text
from precast_app.spreadsheets.zip_package import ZipPackage

_LAST_COLUMN = 16_384

_ROW, _BLANK, _SMALL, _ERROR, _BOOL, _REAL, _TEXT, _SHARED = range(8)
_FORMULA_KINDS = {8: _TEXT, 9: _REAL, 10: _BOOL, 11: _ERROR}  # cells of formulas, with the result as the value
_SHORT_KINDS = range(12, 19)  # _BLANK to _SHARED without a column number: the next column after the previous cell
_RICH = 62
_SHEET_END, _DATA_END, _MERGED = 130, 146, 176
_RECORD_KINDS = frozenset((*range(19), _RICH, _SHEET_END, _DATA_END, _MERGED))

_COLUMN_AND_STYLE = struct.Struct("<II")  # the column, and the cell format in the lower 24 bits
_FORMAT = 0xFFFFFF
_UNSIGNED = struct.Struct("<I")
_SIGNED = struct.Struct("<i")
_DOUBLE = struct.Struct("<d")
_RANGE = struct.Struct("<IIII")


class XlsbBook:
    """Book over an Excel binary workbook."""

    format = "xlsb"
    decimal_comma = False
    notes: tuple[ReaderNote, ...] = ()

    def __init__(self, package: ZipPackage, parts: WorkbookParts, limits: Limits) -> None:
        """Read the list of sheets. Raise `UnreadableFile` if it is damaged."""
        self._package = package
        self._limits = limits
        self._workbook_parts = parts
        entries, self._from_1904 = read_sheet_list(package, parts.workbook, limits)
        sheets = parts.worksheets(entries, package, limits)
        self._parts = {sheet.name: sheet.part for sheet in sheets}
        self.hidden_sheets = frozenset(sheet.name for sheet in sheets if sheet.is_hidden)
        self._shared: tuple[list[str], list[NumberFormat]] | None = None
        self._scans: dict[str, SheetScan] = {}
        self.sheets = tuple(self._parts)

    def scan(self, sheet: str) -> SheetScan:
        """See Book."""
        if sheet not in self._scans:
            counter = ScanCounter(self._limits)
            head: list[SheetRow] = []
            for row in self._rows(sheet, counter):
                if len(head) < HEAD_ROWS:
                    head.append(row)
            self._scans[sheet] = counter.finish_scan(tuple(head))
        return self._scans[sheet]

    def rows(self, sheet: str, shown_columns: Set[int] | None = None) -> Iterator[SheetRow]:
        """See Book."""
        yield from self._rows(sheet, ScanCounter(self._limits))

    def _rows(self, sheet: str, counter: ScanCounter) -> Iterator[SheetRow]:
        part = self._parts[sheet]
        if self._shared is None:
            package, parts = self._package, self._workbook_parts
            texts = read_shared_texts(package, parts.find("sharedStrings", package), self._limits)
            self._shared = texts, read_number_formats(package, parts.find("styles", package))
        reader = _SheetReader(*self._shared, self._from_1904, counter, self._limits)
        return reader.rows(self._package.chunks(part))


class _SheetReader:
    """Reader of a sheet in one pass, in which rows and the cells of a row must be in ascending order."""

    def __init__(
        self, texts: list[str], formats: list[NumberFormat], from_1904: bool, counter: ScanCounter, limits: Limits
    ) -> None:
        self._texts = texts
        self._formats = formats
        self._from_1904 = from_1904
        self._counter = counter
        self._limits = limits
        self._row = 0
        self._column = 0  # of the last cell, whether blank or not
        self._cells: list[Cell] = []
        self._text_size = 0

    def rows(self, chunks: Iterator[bytes]) -> Iterator[SheetRow]:
        """Yield the rows that are not blank. Raise `UnreadableFile` if the sheet is damaged or exceeds a limit."""
        ended = is_behind_data = False
        try:
            for kind, content in read_records(chunks, _RECORD_KINDS):
                if kind == _DATA_END:
                    is_behind_data = True
                elif kind == _ROW:
                    if self._cells:
                        yield self._take_row()
                    self._start_row(content)
                elif kind == _MERGED:
                    self._merge(content)
                elif kind == _SHEET_END:
                    ended = True
                elif not is_behind_data:
                    # Behind the cells, Excel for Mac uses the kinds of cells for something else.
                    self._cell(kind, content)
            if self._cells:
                yield self._take_row()
        except (struct.error, IndexError) as error:
            raise damaged(
                Message("a cell or row of a sheet, in row %(row)s or the next one, is cut short", row=self._row)
            ) from error
        if not ended:
            raise damaged("a sheet breaks off")

    def _take_row(self) -> SheetRow:
        self._counter.add_row(self._row, len(self._cells))
        if self._text_size > self._limits.text_bytes:
            raise too_much_text()
        row, self._cells = SheetRow(self._row, self._cells), []
        return row

    def _start_row(self, content: bytes) -> None:
        number = _UNSIGNED.unpack_from(content)[0] + 1
        if not self._row < number <= LAST_ROW:
            raise damaged(Message("row %(row)s comes after row %(before)s", row=number, before=self._row))
        self._row, self._column = number, 0

    def _cell(self, kind: int, content: bytes) -> None:
        if kind in _SHORT_KINDS:
            kind, column, at = kind - _SHORT_KINDS.start + _BLANK, self._column + 1, 4
            (style,) = _UNSIGNED.unpack_from(content)
        else:
            column, style = _COLUMN_AND_STYLE.unpack_from(content)
            kind, column, at = _FORMULA_KINDS.get(kind, kind), column + 1, 8
        if not self._column < column <= _LAST_COLUMN or not self._row:
            raise damaged(
                Message(
                    "row %(row)s contains a cell in column %(column)s after one in column %(before)s",
                    row=self._row,
                    column=column,
                    before=self._column,
                )
            )
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
            return self._number(_unpack_small_number(content, at), style)
        if kind == _REAL:
            return self._number(_DOUBLE.unpack_from(content, at)[0], style)
        if kind == _BOOL:
            return content[at] != 0
        if kind == _ERROR:
            shown = xlrd.error_text_from_code.get(content[at], "#ERR")
            return self._counter.add_error(self._row, self._column, shown)
        # A rich text starts with a byte of flags.
        text, _ = read_wide_text(content, at + (kind == _RICH))
        if len(text) > self._limits.cell_characters:
            raise cell_too_long(self._row, self._column, self._limits)
        self._text_size += len(text)
        return "" if text.isspace() else text

    def _number(self, number: float, style: int) -> Cell:
        number_format = self._formats[style] if style < len(self._formats) else GENERAL
        return number_format.value(number, self._from_1904)

    def _merge(self, content: bytes) -> None:
        first_row, last_row, first_column, last_column = _RANGE.unpack_from(content)
        if not (first_row <= last_row < LAST_ROW and first_column <= last_column < _LAST_COLUMN):
            raise damaged("a range of merged cells is outside its sheet")
        self._counter.add_merged_range(MergedRange(first_row + 1, first_column + 1, last_row + 1, last_column + 1))


def _unpack_small_number(content: bytes, at: int) -> float:
    """Return a number packed in four bytes: an integer or the upper half of a double, either possibly times 100."""
    (packed,) = _SIGNED.unpack_from(content, at)
    number: float
    if packed & 2:
        number = float(packed >> 2)
    else:
        (number,) = _DOUBLE.unpack(b"\0\0\0\0" + _SIGNED.pack(packed & ~3))
    return number / 100 if packed & 1 else number
