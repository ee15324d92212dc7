"""Head of a worksheet: its first rows as they are stored, whose shared strings are looked up at the end."""

from __future__ import annotations

from precast_app.spreadsheets.sheet import HEAD_ROWS, SheetRow
from precast_app.spreadsheets.xlsx.cell_values import CellValues, stored_cells
from precast_app.spreadsheets.xlsx.shared_strings import SharedStrings
from precast_app.spreadsheets.xlsx.sheet_xml import StoredRow, parse_shared_index
from precast_app.spreadsheets.xlsx.styles import Styles


class SheetHead:
    """The first `HEAD_ROWS` rows that are not blank."""

    def __init__(self, strings: SharedStrings, styles: Styles) -> None:
        self._strings = strings
        self._styles = styles
        self._rows: list[StoredRow] = []

    @property
    def wants_row(self) -> bool:
        """Return whether there are fewer than `HEAD_ROWS` rows."""
        return len(self._rows) < HEAD_ROWS

    def add_row(self, row: StoredRow) -> None:
        """Add a row."""
        self._rows.append(row)

    def read(self) -> tuple[SheetRow, ...]:
        """Return the rows with their values. Raise `UnreadableFile` if a shared string is missing."""
        wanted = {
            parse_shared_index(cell.text) for row in self._rows for cell in row.cells if cell.kind == "s" and cell.text
        }
        texts = self._strings.texts(wanted)
        values = CellValues(texts.__getitem__, self._styles)
        return tuple(SheetRow(row.number, stored_cells(row, values)) for row in self._rows)
