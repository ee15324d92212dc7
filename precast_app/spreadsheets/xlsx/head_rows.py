"""Rows of a worksheet's head, read from their bytes if they have the usual form.

The scan needs each cell of the first rows with its kind and format. An XML parser takes ten times as long for them,
which was most of the time in which a small file is read.
"""

from __future__ import annotations

import re

from precast_app.spreadsheets.sheet import Limits, column_number
from precast_app.spreadsheets.xlsx.row_reader import USUAL_CELL
from precast_app.spreadsheets.xlsx.sheet_xml import StoredCell, StoredRow

# The XML parser rejects or converts these.
_ODD_BYTE = re.compile(rb"[&\x00-\x1f]")
_ATTRIBUTES = re.compile(rb'\A(?: (?:s="(?P<style>[0-9]{1,6})"|t="(?P<kind>n|s|str|inlineStr)"))*+\Z')


def read_usual_row(number: int, row: bytes, start: int, limits: Limits) -> StoredRow | None:
    """Return the row whose cells begin behind `start`; None if it must be parsed.

    `row` ends before `</row>`. The scan checks the references of its cells later.
    """
    if _ODD_BYTE.search(row, start) or not _is_utf8(row):
        return None
    found = USUAL_CELL.findall(row, start)
    if len(found) != row.count(b"</c>", start):
        return None
    cells = []
    for letters, attributes, stored in found:
        match = _ATTRIBUTES.match(attributes)
        column = column_number(letters.decode())
        if match is None or column > limits.columns or len(stored) > limits.cell_characters:
            return None
        if stored:
            kind, style = match["kind"] or b"n", match["style"] or b"0"
            cells.append(StoredCell(column, kind.decode(), style.decode(), stored.decode(), None, True))
    return StoredRow(number, tuple(cells))


def _is_utf8(row: bytes) -> bool:
    try:
        row.decode()
    except UnicodeDecodeError:
        return False
    return True
