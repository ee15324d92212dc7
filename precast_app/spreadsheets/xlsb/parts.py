"""The parts of a binary workbook beside its sheets: the list of sheets, the shared texts, the cell formats."""

from __future__ import annotations

import re
import struct

from precast_app.spreadsheets.errors import cell_too_long, damaged, too_many_texts, too_much_text
from precast_app.spreadsheets.sheet import Limits
from precast_app.spreadsheets.xlsb.records import records, wide_text
from precast_app.spreadsheets.zip_package import Package

WORKBOOK = "xl/workbook.bin"
_TEXTS = "xl/sharedStrings.bin"
_STYLES = "xl/styles.bin"

_WORKBOOK_SETTINGS, _SHEET = 153, 156
_TEXT = 19
_NUMBER_FORMAT, _CELL_FORMAT, _CELL_FORMATS, _CELL_FORMATS_END = 44, 47, 617, 618

_MOST_FORMATS = 65_536  # more than Excel has; a cell names its format by a number
_LONGEST_FORMAT = 255  # characters, Excel's own limit
_BUILT_IN_DATES = frozenset((*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)))
# What a number format shows as it stands, its colours and conditions; but for [h] and the like, which are hours.
_NO_FIELD = re.compile(r'"[^"]*"?|[\\_*].?|\[(?!(?:h+|m+|s+)\])[^\]]*\]?', re.IGNORECASE | re.DOTALL)
_FIELD = re.compile(r"[dmyhs]", re.IGNORECASE)


def sheet_list(package: Package, limits: Limits) -> tuple[list[tuple[str, str]], bool]:
    """(name, relationship id) of every sheet, and whether days count from 1904. Raises UnreadableFile."""
    found: list[tuple[str, str]] = []
    from_1904 = False
    try:
        for kind, content in records(package.chunks(WORKBOOK), (_WORKBOOK_SETTINGS, _SHEET)):
            if kind == _WORKBOOK_SETTINGS:
                from_1904 = bool(content[:1] and content[0] & 1)
                continue
            key, end = wide_text(content, 8)
            found.append((wide_text(content, end)[0], key))
            if len(found) > limits.parts:
                raise damaged("it names more sheets than it has parts")
    except struct.error as error:
        raise damaged("its list of sheets is incomplete") from error
    return found, from_1904


def shared_texts(package: Package, limits: Limits) -> list[str]:
    """The texts that cells refer to by their index; those of white space alone are ''. Raises UnreadableFile."""
    found: list[str] = []
    if _TEXTS not in package:
        return found
    size = 0
    try:
        for _, content in records(package.chunks(_TEXTS), (_TEXT,)):
            # A byte tells what follows the text: its formats and how it is pronounced.
            text, _ = wide_text(content, 1)
            size += len(text)
            if len(text) > limits.cell_characters:
                raise cell_too_long(0, 0, limits)
            if len(found) >= limits.shared_texts:
                raise too_many_texts(limits)
            if size > limits.text_bytes:
                raise too_much_text()
            found.append("" if text.isspace() else text)
    except struct.error as error:
        raise damaged("its list of texts is incomplete") from error
    return found


def date_formats(package: Package) -> list[bool]:
    """Whether the cell format of each index shows a number as a date or a time. Raises UnreadableFile."""
    found: list[bool] = []
    if _STYLES not in package:
        return found
    custom: dict[int, bool] = {}
    inside = False
    kinds = (_NUMBER_FORMAT, _CELL_FORMAT, _CELL_FORMATS, _CELL_FORMATS_END)
    try:
        for kind, content in records(package.chunks(_STYLES), kinds):
            if kind == _NUMBER_FORMAT:
                (number,) = struct.unpack_from("<H", content)
                custom[number] = _is_date(wide_text(content, 2)[0])
            elif kind != _CELL_FORMAT:
                inside = kind == _CELL_FORMATS
            elif inside:
                (number,) = struct.unpack_from("<2xH", content)
                found.append(custom.get(number, number in _BUILT_IN_DATES))
                if len(found) > _MOST_FORMATS:
                    raise damaged("it has more cell formats than Excel can have")
    except struct.error as error:
        raise damaged("its list of formats is incomplete") from error
    return found


def _is_date(number_format: str) -> bool:
    # What stands behind a semicolon is for negative numbers.
    fields = _NO_FIELD.sub("", number_format[:_LONGEST_FORMAT]).partition(";")[0]
    return _FIELD.search(fields) is not None
