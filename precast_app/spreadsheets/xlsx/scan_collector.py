"""What a pass over a worksheet has found so far: a tally, and the head's cells as the file has them."""

from __future__ import annotations

from dataclasses import dataclass

from precast_app.spreadsheets.errors import UnreadableFile, damaged
from precast_app.spreadsheets.scan_limits import ScanCounter
from precast_app.spreadsheets.sheet import HEAD_ROWS, Limits, SheetRow, SheetScan
from precast_app.spreadsheets.xlsx.shared_strings import SharedStrings
from precast_app.spreadsheets.xlsx.sheet_xml import StoredRow, shared_index


@dataclass(frozen=True, slots=True)
class ScanResult:
    """A finished pass.

    parsed      every cell went through the parser, so that its place and text are known for sure
    """

    scan: SheetScan
    parsed: bool


class ScanCollector(ScanCounter):
    """A tally that also takes the head, whose texts are looked up at the end. Raises UnreadableFile."""

    def __init__(self, limits: Limits, strings: SharedStrings) -> None:
        super().__init__(limits)
        self._strings = strings
        self._head: list[StoredRow] = []
        self.parsed = False

    @property
    def wants_head(self) -> bool:
        """Whether the head is still short of rows."""
        return len(self._head) < HEAD_ROWS

    def add_head_row(self, row: StoredRow) -> None:
        """Take a row into the head."""
        self._head.append(row)

    def finish(self) -> ScanResult:
        """Look up the head's texts, and close the account."""
        wanted = {shared_index(cell.text) for row in self._head for cell in row.cells if cell.kind == "s" and cell.text}
        texts = self._strings.texts(wanted)
        head: list[SheetRow] = []
        for row in self._head:
            values = {cell.column: cell.value(texts.__getitem__) for cell in row.cells}
            width = max(values)
            head.append(SheetRow(row.number, [values.get(c, "") for c in range(1, width + 1)]))
        return ScanResult(self.finish_scan(tuple(head)), self.parsed)


def bad_row_order(number: int, before: int) -> UnreadableFile:
    """The refusal of rows that are not in ascending order."""
    return damaged(f"row {number} comes after row {before}")
