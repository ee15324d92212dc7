"""Checks of a sheet's cell references and texts before calamine reads the sheet; the scan only assumes them.

calamine allocates the rectangle around all cells, wherever their references place them, and copies a shared string into
every cell that refers to it. A few kB of hostile XML could thus request more memory than any machine has, and a failed
allocation ends the whole process.
"""

from __future__ import annotations

import re

from precast_app.spreadsheets.errors import damaged, too_many_columns, too_much_text
from precast_app.spreadsheets.sheet import Limits, column_number
from precast_app.spreadsheets.xlsx.shared_strings import SharedStrings
from precast_app.spreadsheets.zip_package import ZipPackage

_ROW_END = b"</row>"
_ROW = re.compile(rb"""<row\s(?>(?:[^<>]*\s)?r=["']([0-9]{1,7})["'])""")
_REFERENCE_ROW = re.compile(rb'<c r="[A-Z]{1,3}([0-9]+)"')
_WIDE = re.compile(rb'<c r="([A-Z]{3})[0-9]+"[^<>]*(?<!/)>')  # beyond column ZZ, with content
# Anchored at the start of the tag, so that a tag with many `t="s"` is matched once and not once per attribute.
_SHARED = re.compile(rb"""<c(?=\s(?:[^<>]*\s)?t=["']s["'])[^<>]*>\s*<v>\s*([0-9]{1,9})\s*</v>""")


def check_cells(package: ZipPackage, part: str, strings: SharedStrings, limits: Limits) -> None:
    """Check the references and texts of all cells of a sheet that was scanned as bytes; takes as long as the scan.

    Raise `UnreadableFile` if a reference contradicts its row or the cells exceed the limits.
    """
    longest = max(strings.sizes, default=0)
    shared_cells = 0
    pending = b""
    for chunk in package.chunks(part):
        buffer = pending + chunk
        end = buffer.rfind(_ROW_END)
        block, pending = buffer[: end + len(_ROW_END)], buffer[end + len(_ROW_END) :]
        if end < 0:
            block, pending = b"", buffer
        shared_cells += block.count(b't="s"') + (block.count(b"t='s'") if b"'" in block else 0)
        rows = block.split(_ROW_END)
        for row in rows[:-1]:
            start = row.rfind(b"<row")
            number = _ROW.match(row, start)
            cell_rows = _REFERENCE_ROW.findall(row)
            if number is None or len(cell_rows) != row.count(b"<c r=") or set(cell_rows) - {number[1]}:
                raise damaged(f"row {_name(number)} contains cells of another row")
        for match in _WIDE.finditer(block):
            column = column_number(match[1].decode())
            if column > limits.columns:
                row_number = _REFERENCE_ROW.match(block, match.start())
                raise too_many_columns(int(row_number[1]) if row_number else 0, column, limits)
        if b"</sheetData>" in pending:
            break  # calamine loads nothing after the rows
    # This upper bound is cheap; the exact sum is only computed if the bound exceeds the limit.
    if shared_cells * longest > limits.text_bytes:
        _check_text(package, part, strings, limits)


def _check_text(package: ZipPackage, part: str, strings: SharedStrings, limits: Limits) -> None:
    sizes, total, pending = strings.sizes, 0, b""
    for chunk in package.chunks(part):
        buffer = pending + chunk
        found = buffer.rfind(b"</c>")
        end = found + 4 if found >= 0 else 0
        for index in map(int, _SHARED.findall(buffer, 0, end)):
            if index < len(sizes):
                total += sizes[index]
        if total > limits.text_bytes:
            raise too_much_text()
        pending = buffer[end:]
        if b"</sheetData>" in pending:
            break


def _name(number: re.Match[bytes] | None) -> str:
    return "without a number" if number is None else number[1].decode()
