"""What a pass over a worksheet has found so far; the limits are held here, row by row."""

from __future__ import annotations

from dataclasses import dataclass

from precast_app.spreadsheets.errors import (
    FileRefused,
    damaged,
    too_many_cells,
    too_many_columns,
    too_many_rows,
)
from precast_app.spreadsheets.sheet import (
    HEAD_ROWS,
    CellError,
    Limits,
    MergedRange,
    SheetRow,
    SheetScan,
)
from precast_app.spreadsheets.xlsx_strings import SharedStrings
from precast_app.spreadsheets.xlsx_xml import StoredRow, shared_index


@dataclass(frozen=True, slots=True)
class Findings:
    """A finished pass.

    parsed      every cell went through the parser, so that its place and text are known for sure
    """

    scan: SheetScan
    parsed: bool


class Collector:
    """Takes rows, faults and merged ranges in the order of the file. Raises FileRefused."""

    def __init__(self, limits: Limits, strings: SharedStrings) -> None:
        self._limits = limits
        self._strings = strings
        self._head: list[StoredRow] = []
        self._merged: list[MergedRange] = []
        self._faults: dict[tuple[int, int], CellError] = {}
        self._errors: dict[str, CellError] = {}
        self._first = self._last = 0
        self._columns = 0
        self.row_count = 0
        self.parsed = False

    @property
    def wants_head(self) -> bool:
        """Whether the head is still short of rows."""
        return len(self._head) < HEAD_ROWS

    def head(self, row: StoredRow) -> None:
        """Take a row into the head."""
        self._head.append(row)

    def row(self, number: int, last_column: int) -> None:
        """Count a row that holds something."""
        limits = self._limits
        self.row_count += 1
        if self.row_count > limits.rows:
            raise too_many_rows(limits)
        if last_column > self._columns:
            if last_column > limits.columns:
                raise too_many_columns(number, last_column, limits)
            self._columns = last_column
        self._first = self._first or number
        self._last = number
        # A reader lays out a rectangle in memory, however few of its cells are filled.
        if (number - self._first + 1) * self._columns > limits.cells:
            raise too_many_cells(
                f"reaches from row {self._first} to row {number}, over {self._columns} columns",
                limits.cells,
            )

    def fault(self, row: int, column: int, text: str) -> None:
        """Take a cell that shows an error."""
        # A formula that goes wrong does so in thousands of rows: they share one object.
        error = self._errors.get(text)
        if error is None:
            error = self._errors[text] = CellError(text)
        self._faults[row, column] = error
        if len(self._faults) > self._limits.faults:
            raise FileRefused(
                "too_many_errors",
                f"More than {self._limits.faults} cells of the sheet show an error, such as "
                f"{error.text} in row {row}. Mend the formulas, or paste their results as values.",
            )

    def merge(self, merged: MergedRange) -> None:
        """Take a merged range."""
        self._merged.append(merged)
        if len(self._merged) > self._limits.merged_ranges:
            raise FileRefused(
                "too_many_merged_ranges",
                f"The sheet has more than {self._limits.merged_ranges} merged ranges. Select all "
                "data rows, choose Unmerge Cells, and upload the file again.",
            )

    def finish(self) -> Findings:
        """Look up the head's texts, and close the account."""
        wanted = {shared_index(cell.text) for row in self._head for cell in row.cells if cell.kind == "s" and cell.text}
        texts = self._strings.texts(wanted)
        head: list[SheetRow] = []
        for row in self._head:
            values = {cell.column: cell.value(texts.__getitem__) for cell in row.cells}
            width = max(values)
            head.append(SheetRow(row.number, [values.get(c, "") for c in range(1, width + 1)]))
        scan = SheetScan(tuple(head), tuple(self._merged), self.row_count, self._faults)
        return Findings(scan, self.parsed)


def bad_row_order(number: int, before: int) -> FileRefused:
    """The refusal of rows that are not in ascending order."""
    return damaged(f"row {number} comes after row {before}")
