"""Workbooks of Excel 5 and 95 (BIFF5), written record by record, and the container file that they are in (OLE2)."""

from __future__ import annotations

import struct
from collections.abc import Sequence

_SECTOR = 512
_FREE, _END, _TABLE = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD
_SMALLEST_STREAM = 4096


def biff5(
    rows: Sequence[Sequence[str | float]],
    code_page: int | None,
    encoding: str,
    name_formula: bytes = b"",
    more_records: Sequence[tuple[int, bytes]] = (),
) -> bytes:
    """Return a workbook with one sheet; its texts are in the encoding, and `code_page` is what the file says of it.

    `name_formula` are the tokens of a defined name's formula; `more_records` follow the cells.
    """
    cells = b"".join(
        _cell(row, column, value, encoding) for row, values in enumerate(rows) for column, value in enumerate(values)
    )
    cells += b"".join(_record(kind, content) for kind, content in more_records)
    size = struct.pack("<HHHHH", 0, len(rows), 0, max(map(len, rows)), 0)
    sheet = _begin(0x10) + _record(0x200, size) + cells + _record(0x0A)
    head = _begin(0x05) + (b"" if code_page is None else _record(0x42, struct.pack("<H", code_page)))
    if name_formula:
        head += _record(
            0x18, struct.pack("<HBBHHHBBBB", 0, 0, 3, len(name_formula), 0, 0, 0, 0, 0, 0) + b"Key" + name_formula
        )
    name = b"Walls"
    entry_bytes = 4 + 7 + len(name)
    position = len(head) + entry_bytes + 4
    return head + _record(0x85, struct.pack("<IHB", position, 0, len(name)) + name) + _record(0x0A) + sheet


def _record(kind: int, content: bytes = b"") -> bytes:
    return struct.pack("<HH", kind, len(content)) + content


def _begin(kind: int) -> bytes:
    return _record(0x809, struct.pack("<HHHH", 0x500, kind, 0x1000, 1995))


def _cell(row: int, column: int, value: str | float, encoding: str) -> bytes:
    if isinstance(value, str):
        text = value.encode(encoding)
        return _record(0x204, struct.pack("<HHHH", row, column, 0, len(text)) + text)
    return _record(0x203, struct.pack("<HHHd", row, column, 0, value))


def container(
    stream: bytes,
    *,
    is_overlapping: bool = False,
    byte_order: int = 0xFFFE,
    extra_bytes: int = 0,
    name: str = "Book",
) -> bytes:
    """Return the file with one stream, the workbook.

    `is_overlapping` lets its directory begin in a sector of the workbook; the mark of the byte order and the size of
    the workbook can be wrong, too. `name` is that of the stream.
    """
    stream = stream.ljust(_SMALLEST_STREAM, b"\0")
    count = -(-len(stream) // _SECTOR)
    table = [_TABLE, 2 if is_overlapping else _END, *range(3, count + 2), _END]
    table += [_FREE] * (_SECTOR // 4 - len(table))
    directory = _entry("Root Entry", 5, _END, 0, child=1) + _entry(name, 2, 2, len(stream) + extra_bytes, child=_FREE)
    sectors = struct.pack(f"<{len(table)}I", *table) + directory.ljust(_SECTOR, b"\0") + stream.ljust(count * _SECTOR)
    return _header(byte_order) + sectors


def _header(byte_order: int) -> bytes:
    fields = struct.pack("<HHHHH", 0x3E, 3, byte_order, 9, 6) + bytes(6)
    fields += struct.pack("<9I", 0, 1, 1, 0, _SMALLEST_STREAM, _END, 0, _END, 0)
    return bytes.fromhex("d0cf11e0a1b11ae1") + bytes(16) + fields + struct.pack("<109I", 0, *[_FREE] * 108)


def _entry(name: str, kind: int, start: int, size: int, *, child: int) -> bytes:
    text = name.encode("utf-16-le") + b"\0\0"
    links = struct.pack("<HBBIII", len(text), kind, 1, _FREE, _FREE, child)
    return text.ljust(64, b"\0") + links + bytes(36) + struct.pack("<III", start, size, 0)
