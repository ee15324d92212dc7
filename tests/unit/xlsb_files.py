"""Binary workbooks (.xlsb) made by hand, record by record."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import openpyxl

from tests.unit.xlsx_files import RELATIONS, zipped

SHEET_PART = "xl/worksheets/sheet1.bin"
DATE_STYLE, CUSTOM_DATE_STYLE, CUSTOM_STYLE = 1, 2, 3
ERRORS = {"#DIV/0!": 7, "#REF!": 23, "#N/A": 42}
# The flags and tokens of a formula that is the number 1.
_FORMULA = struct.pack("<HI3sI", 0, 3, b"\x1e\x01\x00", 0)
_FORMATS = {
    164: 'yyyy\\-mm\\-dd" at "hh:mm',
    165: '#,##0.00\\ "days m"',
}


def record(kind: int, content: bytes = b"", size: int | None = None) -> bytes:
    """Return a record; `size` is a false size to declare."""
    head = bytes([kind]) if kind < 0x80 else bytes([kind & 0x7F | 0x80, kind >> 7])
    left = len(content) if size is None else size
    while left > 0x7F:
        head += bytes([left & 0x7F | 0x80])
        left >>= 7
    return head + bytes([left]) + content


def wide(text: str) -> bytes:
    data = text.encode("utf-16-le")
    return struct.pack("<I", len(data) // 2) + data


def row(number: int, *cells: bytes) -> bytes:
    """Return a row; `number` is the row number that Excel shows."""
    return record(0, struct.pack("<IIHBBBI", number - 1, 0, 300, 0, 0, 0, 0)) + b"".join(cells)


def cell(kind: int, column: int, content: bytes = b"", style: int = 0) -> bytes:
    """Return a cell; `column` counts from 1."""
    return record(kind, struct.pack("<II", column - 1, style) + content)


def short(kind: int, content: bytes = b"", style: int = 0) -> bytes:
    """Return a cell without a column number, which follows the previous cell."""
    return record(kind, struct.pack("<I", style) + content)


def blank(column: int) -> bytes:
    return cell(1, column)


def small(column: int, packed: int, style: int = 0) -> bytes:
    return cell(2, column, struct.pack("<i", packed), style)


def error(column: int, text: str) -> bytes:
    return cell(3, column, bytes([ERRORS[text]]))


def truth(column: int, value: bool) -> bytes:
    return cell(4, column, bytes([value]))


def number(column: int, value: float, style: int = 0) -> bytes:
    return cell(5, column, struct.pack("<d", value), style)


def text(column: int, value: str) -> bytes:
    return cell(6, column, wide(value))


def shared(column: int, index: int) -> bytes:
    return cell(7, column, struct.pack("<I", index))


def formula(column: int, result: str | float | bool) -> bytes:
    """Return a formula with its stored result; a name of an error in `ERRORS` is that error."""
    if isinstance(result, bool):
        return cell(10, column, bytes([result]) + _FORMULA)
    if isinstance(result, float):
        return cell(9, column, struct.pack("<d", result) + _FORMULA)
    if result in ERRORS:
        return cell(11, column, bytes([ERRORS[result]]) + _FORMULA)
    return cell(8, column, wide(result) + _FORMULA)


def merge(first_row: int, first_column: int, last_row: int, last_column: int) -> bytes:
    return record(176, struct.pack("<IIII", first_row - 1, last_row - 1, first_column - 1, last_column - 1))


def sheet(*rows: bytes, merged: Sequence[bytes] = ()) -> bytes:
    dimension = record(148, struct.pack("<IIII", 0, 0, 0, 0))
    data = record(129) + dimension + record(145) + b"".join(rows) + record(146)
    if merged:
        data += record(177, struct.pack("<I", len(merged))) + b"".join(merged) + record(178)
    return data + record(130)


def texts(*values: str) -> bytes:
    items = b"".join(record(19, b"\0" + wide(value)) for value in values)
    return record(159, struct.pack("<II", len(values), len(values))) + items + record(160)


def styles() -> bytes:
    """Return cell formats: none, a built-in date, a custom date, and a number whose unit has the letters of a date."""

    def formats(*numbers: int) -> bytes:
        made = (struct.pack("<HHHHHBBHBB", 0, number, 0, 0, 0, 0, 0, 0x1000, 1, 0) for number in numbers)
        return b"".join(record(47, each) for each in made)

    custom = b"".join(record(44, struct.pack("<H", number) + wide(code)) for number, code in _FORMATS.items())
    return (
        record(278)
        + (record(615, struct.pack("<I", len(_FORMATS))) + custom + record(616))
        + (record(626, struct.pack("<I", 1)) + formats(14) + record(627))  # named styles, which cells do not use
        + (record(617, struct.pack("<I", 4)) + formats(0, 14, *_FORMATS) + record(618))
        + record(279)
    )


def parts(sheets: Mapping[str, bytes], strings: bytes | None = None, from_1904: bool = False) -> dict[str, str | bytes]:
    """Return the parts of a workbook with these sheets."""
    package = "http://schemas.openxmlformats.org/package/2006"
    named = {f"rId{number}": name for number, name in enumerate(sheets, 1)}
    listed = b"".join(
        record(156, struct.pack("<II", 0, number) + wide(key) + wide(name))
        for number, (key, name) in enumerate(named.items(), 1)
    )
    targets = {f"rId{number}": ("worksheet", f"worksheets/sheet{number}.bin") for number in range(1, len(sheets) + 1)}
    targets |= {"rIdS": ("styles", "styles.bin"), "rIdT": ("sharedStrings", "sharedStrings.bin")}
    kind = "application/vnd.ms-excel"
    found: dict[str, str | bytes] = {
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Default Extension="bin" ContentType="{kind}.sheet.binary.macroEnabled.main"/>'
        f'<Override PartName="/xl/styles.bin" ContentType="{kind}.styles"/>'
        f'<Override PartName="/xl/sharedStrings.bin" ContentType="{kind}.sharedStrings"/>'
        + "".join(
            f'<Override PartName="/xl/worksheets/sheet{number}.bin" ContentType="{kind}.worksheet"/>'
            for number in range(1, len(sheets) + 1)
        )
        + "</Types>",
        "_rels/.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="rId1" '
        f'Type="{RELATIONS}/officeDocument" Target="xl/workbook.bin"/></Relationships>',
        "xl/workbook.bin": record(131)
        + record(153, struct.pack("<II", int(from_1904), 0) + wide(""))
        + (record(143) + listed + record(144))
        + record(132),
        "xl/_rels/workbook.bin.rels": f'<Relationships xmlns="{package}/relationships">'
        + "".join(
            f'<Relationship Id="{key}" Type="{RELATIONS}/{what}" Target="{target}"/>'
            for key, (what, target) in targets.items()
        )
        + "</Relationships>",
        "xl/styles.bin": styles(),
        "xl/sharedStrings.bin": texts() if strings is None else strings,
    }
    found |= {f"xl/worksheets/sheet{number}.bin": content for number, content in enumerate(sheets.values(), 1)}
    return found


def convert_to_xlsb(path: Path) -> bytes:
    """Return all cells and merged ranges of a workbook (.xlsx) as a binary workbook."""
    book = openpyxl.load_workbook(path)
    merged = {
        each.title: [(area.min_row, area.min_col, area.max_row, area.max_col) for area in each.merged_cells.ranges]
        for each in book.worksheets
    }
    return workbook({each.title: list(each.values) for each in book.worksheets}, merged)


def workbook(
    sheets: Mapping[str, Sequence[Sequence[Any]]],
    merged: Mapping[str, Sequence[tuple[int, int, int, int]]],
) -> bytes:
    """Return a workbook with these rows of values, which start in column A."""
    indices: dict[str, int] = {}
    made = {}
    for name, rows in sheets.items():
        written = []
        for row_number, values in enumerate(rows, 1):
            cells = [
                shared(column, indices.setdefault(value, len(indices)))
                if isinstance(value, str)
                else small(column, value << 2 | 2)
                if isinstance(value, int)
                else number(column, value)
                for column, value in enumerate(values, 1)
                if value is not None
            ]
            written.append(row(row_number, *cells))
        made[name] = sheet(*written, merged=[merge(*area) for area in merged.get(name, ())])
    return zipped(parts(made, texts(*indices))).getvalue()
