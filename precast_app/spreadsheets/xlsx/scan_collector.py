"""Collector for a worksheet's scan: the counter, and the head's cells before their shared strings are looked up."""

from __future__ import annotations

from dataclasses import dataclass

from precast_app.messages import Message
from precast_app.spreadsheets.errors import UnreadableFile, damaged
from precast_app.spreadsheets.scan_limits import ScanCounter
from precast_app.spreadsheets.sheet import HEAD_ROWS, Limits, SheetRow, SheetScan
from precast_app.spreadsheets.xlsx.cell_values import CellValues, stored_cells
from precast_app.spreadsheets.xlsx.shared_strings import SharedStrings
from precast_app.spreadsheets.xlsx.sheet_xml import StoredRow, parse_shared_index
from precast_app.spreadsheets.xlsx.styles import Styles


@dataclass(frozen=True, slots=True)
class ScanResult:
    """Result of scanning a worksheet.

    scan         the scan that `Book.scan` returns
    is_parsed    whether the sheet is in an unusual form, which only the XML parser reads
    """

    scan: SheetScan
    is_parsed: bool


class ScanCollector(ScanCounter):
    """Scan counter that also collects the head, whose shared strings are looked up at the end."""

    def __init__(self, limits: Limits, strings: SharedStrings, styles: Styles) -> None:
        super().__init__(limits)
        self._strings = strings
        self._styles = styles
        self._head: list[StoredRow] = []
        self.is_parsed = False

    @property
    def wants_head(self) -> bool:
        """Return whether the head has fewer than `HEAD_ROWS` rows."""
        return len(self._head) < HEAD_ROWS

    def add_head_row(self, row: StoredRow) -> None:
        """Add a row to the head."""
        self._head.append(row)

    def finish(self) -> ScanResult:
        """Look up the head's shared strings and return the result. Raise `UnreadableFile` if one is missing."""
        wanted = {
            parse_shared_index(cell.text) for row in self._head for cell in row.cells if cell.kind == "s" and cell.text
        }
        texts = self._strings.texts(wanted)
        values = CellValues(texts.__getitem__, self._styles)
        head = tuple(SheetRow(row.number, stored_cells(row, values)) for row in self._head)
        return ScanResult(self.finish_scan(head), self.is_parsed)


def rows_out_of_order(number: int, before: int) -> UnreadableFile:
    """Return the error for rows that are not in ascending order."""
    return damaged(Message("row %(row)s comes after row %(before)s", row=number, before=before))
