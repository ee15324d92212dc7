"""Excel workbooks (.xlsx, .xlsm): calamine reads the rows, the scan adds what it leaves out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

from python_calamine import CalamineWorkbook

from precast_app.spreadsheets.errors import damaged
from precast_app.spreadsheets.sheet import Cell, CellError, Limits, Note, SheetRow, SheetScan
from precast_app.spreadsheets.xlsx.cell_limits import check_cells
from precast_app.spreadsheets.xlsx.scan_collector import ScanResult
from precast_app.spreadsheets.xlsx.shared_strings import SharedStrings
from precast_app.spreadsheets.xlsx.sheet_scan import scan
from precast_app.spreadsheets.zip_package import Package

# What calamine loads besides the sheet.
_LOADED_PARTS = ("xl/styles.xml", "xl/workbook.xml", "xl/_rels/workbook.xml.rels")


class XlsxBook:
    """A Book over a workbook's zip."""

    format = "xlsx"
    decimal_comma = False
    notes: tuple[Note, ...] = ()

    def __init__(self, file: BinaryIO, package: Package, limits: Limits) -> None:
        """Read the list of sheets. Raises UnreadableFile."""
        self._file = file
        self._package = package
        self._limits = limits
        self._parts = {sheet.name: sheet.part for sheet in package.worksheets(limits)}
        self._strings: SharedStrings | None = None
        self._findings: dict[str, ScanResult] = {}
        self.sheets = tuple(self._parts)

    def scan(self, sheet: str) -> SheetScan:
        """See Book."""
        return self._find(sheet).scan

    def rows(self, sheet: str) -> Iterator[SheetRow]:
        """See Book."""
        findings = self._find(sheet)
        if not findings.parsed:
            check_cells(self._package, self._parts[sheet], self._strings_read(), self._limits)
        for part in _LOADED_PARTS:
            if part in self._package:
                for _ in self._package.chunks(part):
                    pass  # unzipped to be counted
        self._strings = None  # their sizes are not needed while calamine holds them all
        yield from _with_errors(_calamine_rows(self._file, sheet), findings.scan.error_cells)

    def _find(self, sheet: str) -> ScanResult:
        if sheet not in self._findings:
            part = self._parts[sheet]
            self._findings[sheet] = scan(self._package, part, self._strings_read(), self._limits)
        return self._findings[sheet]

    def _strings_read(self) -> SharedStrings:
        if self._strings is None:
            self._strings = SharedStrings(self._package, self._limits)
        return self._strings


def _calamine_rows(file: BinaryIO, sheet: str) -> Iterator[tuple[int, list[Any]]]:
    """(row number, cells from column A) of every row up to the last one that holds a value."""
    try:
        file.seek(0)
        with CalamineWorkbook.from_filelike(file) as workbook:
            data = workbook.get_sheet_by_name(sheet)
        start, rows = data.start, data.iter_rows()
        # The rows hold the cells; the workbook's texts and XML are let go here.
        del workbook, data
        padding = [""] * (start[1] if start else 0)
        # calamine begins with row 1, and with the first column that holds a value.
        for number, cells in enumerate(rows, 1):
            yield number, padding + cells if padding else cells
    except (GeneratorExit, MemoryError):
        raise
    except BaseException as error:
        # A panic of the library is no Exception, and its class cannot be imported.
        if isinstance(error, Exception) or type(error).__name__ == "PanicException":
            raise damaged("a part of it cannot be read") from error
        raise


def _with_errors(
    rows: Iterator[tuple[int, list[Any]]], faults: Mapping[tuple[int, int], CellError]
) -> Iterator[SheetRow]:
    """Rows that hold something, with the errors in their places, also where calamine ends short."""
    by_row: dict[int, list[tuple[int, CellError]]] = {}
    for (row, column), fault in faults.items():
        by_row.setdefault(row, []).append((column, fault))
    for number, cells in rows:
        for column, fault in by_row.pop(number, ()) if by_row else ():
            _put_error(cells, column, fault)
        if _has_content(cells):
            yield SheetRow(number, cells)
    for number in sorted(by_row):
        left: list[Cell] = []
        for column, fault in by_row[number]:
            _put_error(left, column, fault)
        yield SheetRow(number, left)


def _put_error(cells: list[Any], column: int, fault: CellError) -> None:
    if len(cells) < column:
        cells.extend([""] * (column - len(cells)))
    cells[column - 1] = fault


def _has_content(cells: list[Any]) -> bool:
    return any(cell != "" and not (isinstance(cell, str) and cell.isspace()) for cell in cells)
