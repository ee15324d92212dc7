"""Parts of a binary workbook other than its sheets: the list of sheets, the shared strings, the cell formats."""

from __future__ import annotations

import struct

from precast_app.spreadsheets.errors import cell_too_long, damaged, too_many_texts, too_much_text
from precast_app.spreadsheets.number_formats import NumberFormat, built_in_format, parse_number_format
from precast_app.spreadsheets.sheet import Limits
from precast_app.spreadsheets.xlsb.records import read_records, read_wide_text
from precast_app.spreadsheets.xlsx.sheet_xml import SheetEntry
from precast_app.spreadsheets.zip_package import ZipPackage

_WORKBOOK_SETTINGS, _SHEET = 153, 156
_TEXT = 19
_NUMBER_FORMAT, _CELL_FORMAT, _CELL_FORMATS, _CELL_FORMATS_END = 44, 47, 617, 618

_MAX_FORMATS = 65_536  # more than Excel allows


def read_sheet_list(package: ZipPackage, part: str, limits: Limits) -> tuple[list[SheetEntry], bool]:
    """Return the entries of every sheet in a workbook's main part, and whether dates count from 1904.

    Raise `UnreadableFile` if the list is damaged.
    """
    found: list[SheetEntry] = []
    from_1904 = False
    try:
        for kind, content in read_records(package.chunks(part), (_WORKBOOK_SETTINGS, _SHEET)):
            if kind == _WORKBOOK_SETTINGS:
                from_1904 = bool(content[:1] and content[0] & 1)
                continue
            key, end = read_wide_text(content, 8)
            found.append(SheetEntry(read_wide_text(content, end)[0], key, content[:4] != b"\0\0\0\0"))
            if len(found) > limits.parts:
                raise damaged("it names more sheets than it has parts")
    except struct.error as error:
        raise damaged("its list of sheets is incomplete") from error
    return found, from_1904


def read_shared_texts(package: ZipPackage, part: str | None, limits: Limits) -> list[str]:
    """Return the strings that cells refer to by index, with '' for those of white space only.

    Raise `UnreadableFile` if the list is damaged or exceeds a limit.
    """
    found: list[str] = []
    if part is None:
        return found
    size = 0
    try:
        for _, content in read_records(package.chunks(part), (_TEXT,)):
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


def read_number_formats(package: ZipPackage, part: str | None) -> list[NumberFormat]:
    """Return the number format of each cell format by index.

    Raise `UnreadableFile` if the list of formats is damaged.
    """
    found: list[NumberFormat] = []
    if part is None:
        return found
    custom: dict[int, NumberFormat] = {}
    inside = False
    kinds = (_NUMBER_FORMAT, _CELL_FORMAT, _CELL_FORMATS, _CELL_FORMATS_END)
    try:
        for kind, content in read_records(package.chunks(part), kinds):
            if kind == _NUMBER_FORMAT:
                (number,) = struct.unpack_from("<H", content)
                custom[number] = parse_number_format(read_wide_text(content, 2)[0])
            elif kind != _CELL_FORMAT:
                inside = kind == _CELL_FORMATS
            elif inside:
                (number,) = struct.unpack_from("<2xH", content)
                found.append(custom.get(number) or built_in_format(number))
                if len(found) > _MAX_FORMATS:
                    raise damaged("it has more cell formats than Excel can have")
    except struct.error as error:
        raise damaged("its list of formats is incomplete") from error
    return found
