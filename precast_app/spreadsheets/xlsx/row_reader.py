"""Rows of a worksheet with their values.

A sheet in the form that the usual programs write is read by searching its bytes, several times as fast as an XML
parser could; `sheet_scan` has checked that form. The parser reads other sheets, and rows with unusual cells.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Set
from itertools import chain
from typing import NamedTuple

from precast_app.spreadsheets.errors import too_many_columns
from precast_app.spreadsheets.number_formats import EXCEL_DIGITS
from precast_app.spreadsheets.sheet import Cell, CellError, Limits, SheetRow, column_number
from precast_app.spreadsheets.xlsx.cell_values import CachedValues, CellValues, stored_cells
from precast_app.spreadsheets.xlsx.row_bytes import DATA_START, ROW_END, match_row
from precast_app.spreadsheets.xlsx.sheet_xml import (
    SheetParser,
    StoredRow,
    decode_xml_text,
    shorten_formula,
)

# Reference, other attributes, value or inline text.
USUAL_CELL = re.compile(rb'<c r="([A-Z]{1,3})[0-9]+"([^<>]*+)><(?:v|is><t(?: [^<>]*+)?)>([^<]*+)</(?:v|t></is)></c>')
# Reference, other attributes, formula with or without a blank value, value, inline text.
_CELL = re.compile(
    rb'<c r="([A-Z]{1,3})[0-9]+"([^<>]*)>\s*+'
    rb"(<f(?:\s[^<>]*)?(?:/>|>[^<]*</f>)\s*+(?:<v(?:\s*+/>|></v>)\s*+)?)?"
    rb"(?:<v(?:\s[^<>]*)?>([^<]*)</v>\s*+|<is>\s*+<t(?:\s[^<>]*)?>([^<]*)</t>\s*+</is>\s*+)?</c>"
)
_KIND = re.compile(rb"""\st=["']([^"'<>]*)["']""")
_STYLE = re.compile(rb"""\ss=["']([0-9]{1,6})["']""")
_FORMULA = re.compile(rb"<f(?:\s[^<>]*)?>([^<]*)</f>")
_DATA_END = b"</sheetData>"
_MAX_ATTRIBUTES = 4_096  # different attributes of cells that are remembered
_MAX_CACHES = 64


class ByteRowReader:
    """Reader of a sheet that was scanned as bytes."""

    def __init__(self, values: CellValues, limits: Limits, shown_columns: Set[int] | None = None) -> None:
        self._values = values
        self._limits = limits
        self._columns = _Columns(values, shown_columns)

    def rows(self, chunks: Iterator[bytes]) -> Iterator[SheetRow]:
        """Yield the rows that are not blank. Raise `UnreadableFile` if one is damaged or too wide."""
        unfinished: list[bytes] = []
        tail = b""
        for chunk in chain([_skip_preamble(chunks)], chunks):
            # A tag may be divided between two chunks.
            tail += chunk
            if ROW_END not in tail and _DATA_END not in tail:
                unfinished.append(chunk)
                tail = tail[-len(_DATA_END) :]
                continue
            *parts, rest = b"".join([*unfinished, chunk]).split(ROW_END)
            for part in parts:
                if b"</c>" not in part:
                    continue
                match = match_row(part)
                if match is None:
                    continue
                number = int(match[1])
                row = self._trim(number, self._cells(part, match.start()))
                if row is not None:
                    yield row
            if _DATA_END in rest:
                return
            unfinished, tail = [rest], rest[-len(_DATA_END) :]

    def _cells(self, part: bytes, start: int) -> list[Cell]:
        count = part.count(b"</c>", start)
        usual = USUAL_CELL.findall(part, start)
        if len(usual) == count:
            return self._place(usual)
        found = _CELL.findall(part, start)
        if len(found) == count:
            return self._place_formulas(found)
        rows: list[StoredRow] = []
        SheetParser(self._limits, rows.append, lambda _: None).feed(part[start:] + ROW_END, last=True)
        return stored_cells(rows[0], self._values)

    def _place(self, found: list[tuple[bytes, bytes, bytes]]) -> list[Cell]:
        columns = self._columns
        # Usually the last cell is the one furthest to the right.
        cells: list[Cell] = [""] * (columns[found[-1][0]].position + 1) if found else []
        try:
            for letters, attributes, stored in found:
                index, quick, careful = columns[letters]
                # With so few characters there are no digits to round.
                cells[index] = quick[attributes](stored) if len(stored) <= EXCEL_DIGITS else careful[attributes][stored]
        except (IndexError, ValueError):
            # Cells in another order, or a text in place of a number.
            return self._place_formulas([(letters, kind, b"", stored, b"") for letters, kind, stored in found])
        return cells

    def _place_formulas(self, found: list[tuple[bytes, bytes, bytes, bytes, bytes]]) -> list[Cell]:
        cells: list[Cell] = []
        for letters, attributes, formula, value, text in found:
            index, _, careful = self._columns[letters]
            if index >= len(cells):
                cells.extend([""] * (index + 1 - len(cells)))
            if formula and not value and not text:
                cells[index] = self._without_value(attributes, formula)
            else:
                cells[index] = careful[attributes][value or text]
        return cells

    def _without_value(self, attributes: bytes, formula: bytes) -> Cell:
        """Return the cell of a formula without a stored result, or with an empty text as its result."""
        kind = _KIND.search(attributes)
        if kind is not None and (kind[1] == b"e" or (kind[1] == b"str" and b"<v" in formula)):
            return ""
        written = _FORMULA.match(formula)
        return CellError(shorten_formula(decode_xml_text(written[1]) if written else ""))

    def _trim(self, number: int, cells: list[Cell]) -> SheetRow | None:
        """Return the row without blank cells at its end, or None if all its cells are blank."""
        while cells and cells[-1] == "":
            cells.pop()
        if len(cells) > self._limits.columns:
            raise too_many_columns(number, len(cells), self._limits)
        return SheetRow(number, cells) if has_content(cells) else None


def parsed_rows(chunks: Iterator[bytes], values: CellValues, limits: Limits) -> Iterator[SheetRow]:
    """Yield the rows of a sheet that are not blank, read by the XML parser. Raise `UnreadableFile` if it is damaged."""
    found: list[StoredRow] = []
    parser = SheetParser(limits, found.append, lambda _: None)
    for chunk in chunks:
        parser.feed(chunk)
        rows, found[:] = list(found), []
        for row in rows:
            cells = stored_cells(row, values)
            if has_content(cells):
                yield SheetRow(row.number, cells)
    parser.feed(b"", last=True)


def has_content(cells: list[Cell]) -> bool:
    """Return whether a cell is not blank."""
    return any(cell != "" and not (isinstance(cell, str) and cell.isspace()) for cell in cells)


def _skip_preamble(chunks: Iterator[bytes]) -> bytes:
    buffer = b""
    for chunk in chunks:
        buffer += chunk
        if (match := DATA_START.search(buffer)) is not None:
            return (b"</sheetData>" if match[1] else b"") + buffer[match.end() :]
    return b"</sheetData>"


class _Column(NamedTuple):
    """Index of a column (`position`), and the converters of its cells: quick ones for few characters, and others."""

    position: int
    quick: _QuickConverters
    careful: _Converters


class _Columns(dict[bytes, _Column]):
    """Columns by their letters; there are at most 26 + 26² + 26³."""

    def __init__(self, values: CellValues, shown_columns: Set[int] | None) -> None:
        super().__init__()
        self._shown_columns = shown_columns
        self._as_shown = _Converters(values, as_shown=True)
        self._as_numbers = _Converters(values, as_shown=False)

    def __missing__(self, letters: bytes) -> _Column:
        index = column_number(letters.decode()) - 1
        is_shown = self._shown_columns is None or index in self._shown_columns
        careful = self._as_shown if is_shown else self._as_numbers
        column = self[letters] = _Column(index, careful.quick, careful)
        return column


class _Converters(dict[bytes, CachedValues]):
    """Converters of stored values by a cell's attributes; cells of the same kind and format share one.

    Unless `as_shown`, numbers are converted to plain ones if their format shows no unit.
    """

    def __init__(self, values: CellValues, *, as_shown: bool) -> None:
        super().__init__()
        self._values = values
        self._as_shown = as_shown
        self._caches: dict[tuple[str, int], CachedValues] = {}
        self.quick = _QuickConverters(self)

    def __missing__(self, attributes: bytes) -> CachedValues:
        name, number = _kind_and_style(attributes)
        key = name, id(self._values.number_format(number)) if name == "n" else 0
        found = self._caches.get(key)
        if found is None:
            is_kept = len(self._caches) < _MAX_CACHES
            convert = self._values.converter(name, number, as_shown=self._as_shown)
            found = CachedValues(convert) if is_kept else CachedValues(convert, 0)
            if is_kept:
                self._caches[key] = found
        if len(self) < _MAX_ATTRIBUTES:
            self[attributes] = found
        return found

    def is_plain_number(self, attributes: bytes) -> bool:
        """Return whether cells with these attributes are numbers that need no format."""
        name, number = _kind_and_style(attributes)
        return self._values.is_plain_number(name, number, as_shown=self._as_shown)


class _QuickConverters(dict[bytes, Callable[[bytes], Cell]]):
    """Converters of values of up to 15 characters by a cell's attributes."""

    def __init__(self, careful: _Converters) -> None:
        super().__init__()
        self._careful = careful

    def __missing__(self, attributes: bytes) -> Callable[[bytes], Cell]:
        convert = float if self._careful.is_plain_number(attributes) else self._careful[attributes].__getitem__
        if len(self) < _MAX_ATTRIBUTES:
            self[attributes] = convert
        return convert


def _kind_and_style(attributes: bytes) -> tuple[str, str]:
    kind, style = _KIND.search(attributes), _STYLE.search(attributes)
    return kind[1].decode("utf-8", "replace") if kind else "n", style[1].decode() if style else "0"
