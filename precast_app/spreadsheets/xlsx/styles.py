"""Cell formats of an Excel workbook (`styles.xml`)."""

from __future__ import annotations

from dataclasses import dataclass

from precast_app.spreadsheets.number_formats import NumberFormat, built_in_format, parse_number_format
from precast_app.spreadsheets.xlsx.sheet_xml import Attributes, local_name, parse_chunk, xml_parser
from precast_app.spreadsheets.zip_package import ZipPackage

_MAX_FORMATS = 65_536  # more than Excel allows


@dataclass(frozen=True, slots=True)
class Styles:
    """Number format of each cell format by index, and whether dates count from 1904."""

    formats: tuple[NumberFormat, ...]
    from_1904: bool


def read_styles(package: ZipPackage, part: str | None, from_1904: bool) -> Styles:
    """Return the styles in a part, none if it is None. Raise `UnreadableFile` if it is damaged."""
    found: list[NumberFormat] = []
    if part is None:
        return Styles((), from_1904)
    custom: dict[str, NumberFormat] = {}
    is_inside = False

    def start(tag: str, attributes: Attributes) -> None:
        nonlocal is_inside
        name = local_name(tag)
        if name == "numFmt" and len(custom) < _MAX_FORMATS:
            custom.setdefault(attributes.get("numFmtId", ""), parse_number_format(attributes.get("formatCode", "")))
        elif name == "cellXfs":
            is_inside = True
        elif name == "xf" and is_inside and len(found) < _MAX_FORMATS:
            key = attributes.get("numFmtId", "0")
            number = int(key) if key.isascii() and key.isdigit() and len(key) < 10 else 0
            found.append(custom.get(key) or built_in_format(number))

    def end(tag: str) -> None:
        nonlocal is_inside
        if local_name(tag) == "cellXfs":
            is_inside = False

    parser = xml_parser(start, end)
    for chunk in package.chunks(part):
        parse_chunk(parser, chunk)
    parse_chunk(parser, b"", last=True)
    return Styles(tuple(found), from_1904)
