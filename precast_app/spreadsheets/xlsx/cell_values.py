"""Values of the cells of an Excel workbook, converted from what the file stores."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, time

from precast_app.spreadsheets.number_formats import EXCEL_DIGITS, GENERAL, NumberFormat, round_to_excel
from precast_app.spreadsheets.sheet import Cell, CellError, FormattedNumber
from precast_app.spreadsheets.text_normalization import normalize_text
from precast_app.spreadsheets.xlsx.sheet_xml import (
    StoredCell,
    StoredRow,
    decode_escapes,
    decode_xml_text,
    parse_shared_index,
)
from precast_app.spreadsheets.xlsx.styles import Styles

# A text with entities, escapes, line ends, letters outside ASCII, or that may be an error.
_UNUSUAL_TEXT = re.compile(r"\A\s*(?:#|Err:)|[&\r\x80-\U0010ffff]|_x")
_DAY = re.compile(r"\A[0-9]{4}-")
_MAX_INDEX_DIGITS = 9  # digits
_MAX_CACHED_VALUES = 50_000  # for each kind and format of cell


class CellValues:
    """Converter from stored cells to values; `shared` returns a shared string by its index."""

    def __init__(self, shared: Callable[[int], str], styles: Styles) -> None:
        self._shared = shared
        self._styles = styles

    def value(self, cell: StoredCell) -> Cell:
        """Return a cell's value. Raise `UnreadableFile` if it refers to a shared string that does not exist."""
        error = cell.error()
        return error if error is not None else self.convert(cell.kind, cell.style, cell.text)

    def convert(self, kind: str, style: str, text: str) -> Cell:
        """Return the value of a stored text; `kind` and `style` are the cell's attributes `t` and `s`."""
        if kind == "s" and text:
            return normalize_text(self._shared(parse_shared_index(text)))
        if kind in ("inlineStr", "str") or not text:
            return normalize_text(decode_escapes(text))
        if kind == "e":
            return CellError(text)
        if kind == "b":
            return text.strip() not in ("0", "false")
        try:
            if kind == "d":
                moment = datetime.fromisoformat(text) if _DAY.match(text) else time.fromisoformat(text)
                return moment.replace(tzinfo=None)
            return self.number_format(style).value(float(text), self._styles.from_1904)
        except ValueError:
            return text

    def converter(self, kind: str, style: str, *, as_shown: bool = True) -> Callable[[bytes], Cell]:
        """Return a function from a cell's stored XML to its value, which is quick for usual values.

        Unless `as_shown`, numbers whose format shows no unit are converted to plain ones.
        """
        number_format = self.number_format(style)
        is_plain = self.is_plain_number(kind, style, as_shown=as_shown)

        def convert(stored: bytes) -> Cell:
            return self.convert(kind, style, decode_xml_text(stored))

        def convert_number(stored: bytes) -> Cell:
            try:
                # With so few characters there are no digits to round.
                number = float(stored) if len(stored) <= EXCEL_DIGITS else round_to_excel(float(stored))
            except ValueError:
                return convert(stored)  # a text, whatever the cell's attributes say
            return number if is_plain else FormattedNumber(number, number_format)

        def convert_text(stored: bytes) -> Cell:
            text = stored.decode("utf-8", "replace")
            return convert(stored) if _UNUSUAL_TEXT.search(text) else text

        def convert_shared(stored: bytes) -> Cell:
            if not stored.isdigit() or len(stored) > _MAX_INDEX_DIGITS:
                return convert(stored)
            text = self._shared(int(stored))
            return text if text.isascii() and text[:1] not in "#E " else normalize_text(text)

        if kind == "s":
            return convert_shared
        if kind in ("inlineStr", "str"):
            return convert_text
        return convert_number if kind == "n" and not number_format.is_date else convert

    def is_plain_number(self, kind: str, style: str, *, as_shown: bool) -> bool:
        """Return whether a cell is a number whose format does not matter."""
        number_format = self.number_format(style)
        is_needed = number_format.is_telling if as_shown else number_format.unit is not None
        return kind == "n" and not number_format.is_date and not is_needed

    def number_format(self, style: str) -> NumberFormat:
        """Return the number format of a cell format."""
        if not style.isascii() or not style.isdigit() or len(style) > 6:
            return GENERAL
        index, formats = int(style), self._styles.formats
        return formats[index] if index < len(formats) else GENERAL


def stored_cells(row: StoredRow, values: CellValues) -> list[Cell]:
    """Return the values of a row from column A."""
    cells: list[Cell] = []
    for cell in row.cells:
        if cell.column > len(cells):
            cells.extend([""] * (cell.column - len(cells)))
        cells[cell.column - 1] = values.value(cell)
    return cells


class CachedValues(dict[bytes, Cell]):
    """Values of one kind and format of cell by their stored XML; only so many are kept."""

    def __init__(self, convert: Callable[[bytes], Cell], most: int = _MAX_CACHED_VALUES) -> None:
        super().__init__()
        self._convert = convert
        self._most = most

    def __missing__(self, stored: bytes) -> Cell:
        value = self._convert(stored)
        if len(self) < self._most:
            self[stored] = value
        return value
