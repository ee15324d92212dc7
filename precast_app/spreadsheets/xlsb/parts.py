"""Parts of a binary workbook other than its sheets: the list of sheets, the shared strings, the cell formats."""

from __future__ import annotations

import re
import struct

from precast_app.spreadsheets.errors import cell_too_long, damaged, too_many_texts, too_much_text
from precast_app.spreadsheets.sheet import Limits
from precast_app.spreadsheets.xlsb.records import read_records, read_wide_text
from precast_app.spreadsheets.zip_package import ZipPackage

WORKBOOK = "xl/workbook.bin"
_TEXTS = "xl/sharedStrings.bin"
_STYLES = "xl/styles.bin"

_WORKBOOK_SETTINGS, _SHEET = 153, 156
_TEXT = 19
_NUMBER_FORMAT, _CELL_FORMAT, _CELL_FORMATS, _CELL_FORMATS_END = 44, 47, 617, 618

_MAX_FORMATS = 65_536  # more than Excel allows
_LONGEST_FORMAT = 255  # characters, Excel's own limit
_BUILT_IN_DATES = frozenset((*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)))
# Literal text, colours and conditions of a number format, but not elapsed times such as [h].
_LITERAL = re.compile(r'"[^"]*"?|[\\_*].?|\[(?!(?:h+|m+|s+)\])[^\]]*\]?', re.IGNORECASE | re.DOTALL)
_DATE_FIELD = re.compile(r"[dmyhs]", re.IGNORECASE)


def read_sheet_list(package: ZipPackage, limits: Limits) -> tuple[list[tuple[str, str]], bool]:
    """Return (name, relationship id) of every sheet, and whether dates count from 1904.

    Raise `UnreadableFile` if the list is damaged.
    """
    found: list[tuple[str, str]] = []
    from_1904 = False
    try:
        for kind, content in read_records(package.chunks(WORKBOOK), (_WORKBOOK_SETTINGS, _SHEET)):
            if kind == _WORKBOOK_SETTINGS:
                from_1904 = bool(content[:1] and content[0] & 1)
                continue
            key, end = read_wide_text(content, 8)
            found.append((read_wide_text(content, end)[0], key))
            if len(found) > limits.parts:
                raise damaged("it names more sheets than it has parts")
    except struct.error as error:
        raise damaged("its list of sheets is incomplete") from error
    return found, from_1904


def read_shared_texts(package: ZipPackage, limits: Limits) -> list[str]:
    """Return the strings that cells refer to by index, with '' for those of white space only.

    Raise `UnreadableFile` if the list is damaged or exceeds a limit.
    """
    found: list[str] = []
    if _TEXTS not in package:
        return found
    size = 0
    try:
        for _, content in read_records(package.chunks(_TEXTS), (_TEXT,)):
            # The first byte is flags: whether formats or phonetic text follow the text.
            text, _ = read_wide_text(content, 1)
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


def read_date_formats(package: ZipPackage) -> list[bool]:
    """Return, for each cell format by index, whether it shows a number as a date or a time.

    Raise `UnreadableFile` if the list of formats is damaged.
    """
    found: list[bool] = []
    if _STYLES not in package:
        return found
    custom: dict[int, bool] = {}
    inside = False
    kinds = (_NUMBER_FORMAT, _CELL_FORMAT, _CELL_FORMATS, _CELL_FORMATS_END)
    try:
        for kind, content in read_records(package.chunks(_STYLES), kinds):
            if kind == _NUMBER_FORMAT:
                (number,) = struct.unpack_from("<H", content)
                custom[number] = _is_date(read_wide_text(content, 2)[0])
            elif kind != _CELL_FORMAT:
                inside = kind == _CELL_FORMATS
            elif inside:
                (number,) = struct.unpack_from("<2xH", content)
                found.append(custom.get(number, number in _BUILT_IN_DATES))
                if len(found) > _MAX_FORMATS:
                    raise damaged("it has more cell formats than Excel can have")
    except struct.error as error:
        raise damaged("its list of formats is incomplete") from error
    return found


def _is_date(number_format: str) -> bool:
    # The section after the first semicolon is for negative numbers.
    fields = _LITERAL.sub("", number_format[:_LONGEST_FORMAT]).partition(";")[0]
    return _DATE_FIELD.search(fields) is not None
