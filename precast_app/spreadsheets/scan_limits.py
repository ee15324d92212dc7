"""Counter that enforces the limits while a sheet is scanned row by row."""

from __future__ import annotations

from precast_app.messages import Message
from precast_app.spreadsheets.errors import UnreadableFile, too_many_cells, too_many_columns, too_many_rows
from precast_app.spreadsheets.merged_ranges import drop_overlapping
from precast_app.spreadsheets.sheet import CellError, Limits, MergedRange, SheetRow, SheetScan


class ScanCounter:
    """Counter of a sheet's rows, error cells and merged ranges. Its methods raise `UnreadableFile` over a limit."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._merged: list[MergedRange] = []
        self._faults: dict[tuple[int, int], CellError] = {}
        self._errors: dict[str, CellError] = {}
        self._first = self._last = 0
        self._columns = 0
        self.row_count = 0

    def add_row(self, number: int, last_column: int) -> None:
        """Count a row that is not blank."""
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
        # Some readers allocate the whole rectangle in memory, however few of its cells are filled.
        if (number - self._first + 1) * self._columns > limits.cells:
            raise too_many_cells(
                Message(
                    "extends from row %(first)s to row %(last)s, over %(columns)s columns",
                    first=self._first,
                    last=number,
                    columns=self._columns,
                ),
                limits.cells,
            )

    def add_error(self, row: int, column: int, text: str) -> CellError:
        """Record a cell that shows an error, and return the error."""
        # A wrong formula often shows the same error in thousands of rows, which share one object.
        error = self._errors.get(text)
        if error is None:
            error = self._errors[text] = CellError(text)
        self._faults[row, column] = error
        if len(self._faults) > self._limits.error_cells:
            raise UnreadableFile(
                "too_many_errors",
                Message(
                    "More than %(limit)s cells of the sheet show an error, such as %(error)s in row %(row)s. "
                    "Correct the formulas, or paste their results as values.",
                    limit=self._limits.error_cells,
                    error=error.text,
                    row=row,
                ),
            )
        return error

    def add_merged_range(self, merged: MergedRange) -> None:
        """Record a merged range."""
        self._merged.append(merged)
        if len(self._merged) > self._limits.merged_ranges:
            raise UnreadableFile(
                "too_many_merged_ranges",
                Message(
                    "The sheet has more than %(limit)s merged ranges. Select all data rows, choose Unmerge "
                    "Cells, and upload the file again.",
                    limit=self._limits.merged_ranges,
                ),
            )

    def append(self, behind: ScanCounter) -> None:
        """Count what `behind` has counted in the rows behind those of this counter."""
        if behind.row_count:
            self.row_count += behind.row_count - 1
            self._first = self._first or behind._first
            self.add_row(behind._last, behind._columns)
        for (row, column), error in behind._faults.items():
            self.add_error(row, column, error.text)
        for merged in behind._merged:
            self.add_merged_range(merged)

    def finish_scan(self, head: tuple[SheetRow, ...]) -> SheetScan:
        """Return the scan of the whole sheet."""
        return SheetScan(head, drop_overlapping(self._merged), self.row_count, self._faults)
