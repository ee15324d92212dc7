"""Excel workbooks (.xlsx, .xlsm): calamine reads the rows, our own scan adds the error cells that calamine omits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

from python_calamine import CalamineWorkbook

from precast_app.spreadsheets.errors import damaged
from precast_app.spreadsheets.sheet import Cell, CellError, Limits, ReaderNote, SheetRow, SheetScan
from precast_app.spreadsheets.xlsx.cell_limits import check_cells
from precast_app.spreadsheets.xlsx.scan_collector import ScanResult
from precast_app.spreadsheets.xlsx.shared_strings import SharedStrings
from precast_app.spreadsheets.xlsx.sheet_scan import scan_sheet
from precast_app.spreadsheets.zip_package import ZipPackage

# Parts that calamine loads in addition to the sheet.
_LOADED_PARTS = ("xl/styles.xml", "xl/workbook.xml", "xl/_rels/workbook.xml.rels")


class XlsxBook:
    """Book over an Excel workbook."""

    format = "xlsx"
    decimal_comma = False
    notes: tuple[ReaderNote, ...] = ()

    def __init__(self, file: BinaryIO, package: ZipPackage, limits: Limits) -> None:
        """Read the list of sheets. Raise `UnreadableFile` if it is damaged."""
        self._file = file
        self._package = package
        self._limits = limits
        self._parts = {sheet.name: sheet.part for sheet in package.worksheets(limits)}
        self._strings: SharedStrings | None = None
        self._scans: dict[str, ScanResult] = {}
        self.sheets = tuple(self._parts)

    def scan(self, sheet: str) -> SheetScan:
        """See Book."""
        return self._scan(sheet).scan

    def rows(self, sheet: str) -> Iterator[SheetRow]:
        """See Book."""
        found = self._scan(sheet)
        if not found.is_parsed:
            check_cells(self._package, self._parts[sheet], self._shared_strings(), self._limits)
        for part in _LOADED_PARTS:
            if part in self._package:
                for _ in self._package.chunks(part):
                    pass  # unzip only to check the size
        self._strings = None  # free the memory, because calamine loads the shared strings itself
        yield from _with_errors(_calamine_rows(self._file, sheet), found.scan.error_cells)

    def _scan(self, sheet: str) -> ScanResult:
        if sheet not in self._scans:
            part = self._parts[sheet]
            self._scans[sheet] = scan_sheet(self._package, part, self._shared_strings(), self._limits)
        return self._scans[sheet]

    def _shared_strings(self) -> SharedStrings:
        if self._strings is None:
            self._strings = SharedStrings(self._package, self._limits)
        return self._strings


def _calamine_rows(file: BinaryIO, sheet: str) -> Iterator[tuple[int, list[Any]]]:
    """Yield (row number, cells from column A) of every row up to the last one with a value."""
    try:
        file.seek(0)
        with CalamineWorkbook.from_filelike(file) as workbook:
            data = workbook.get_sheet_by_name(sheet)
        start, rows = data.start, data.iter_rows()
        # Free the workbook's strings and XML; the rows have their own cells.
        del workbook, data
        padding = [""] * (start[1] if start else 0)
        # calamine's rows start at row 1, but their cells at the first column with a value.
        for number, cells in enumerate(rows, 1):
            yield number, padding + cells if padding else cells
    except (GeneratorExit, MemoryError):
        raise
    except BaseException as error:
        # A panic of the Rust library is not an Exception, and its class can't be imported.
        if isinstance(error, Exception) or type(error).__name__ == "PanicException":
            raise damaged("a part of it can't be read") from error
        raise


def _with_errors(
    rows: Iterator[tuple[int, list[Any]]], errors: Mapping[tuple[int, int], CellError]
) -> Iterator[SheetRow]:
    """Yield the rows that are not blank with their error cells, including error cells after calamine's last row."""
    by_row: dict[int, list[tuple[int, CellError]]] = {}
    for (row, column), error in errors.items():
        by_row.setdefault(row, []).append((column, error))
    for number, cells in rows:
        for column, error in by_row.pop(number, ()) if by_row else ():
            _put_error(cells, column, error)
        if _has_content(cells):
            yield SheetRow(number, cells)
    for number in sorted(by_row):
        only_errors: list[Cell] = []
        for column, error in by_row[number]:
            _put_error(only_errors, column, error)
        yield SheetRow(number, only_errors)


def _put_error(cells: list[Any], column: int, error: CellError) -> None:
    if len(cells) < column:
        cells.extend([""] * (column - len(cells)))
    cells[column - 1] = error


def _has_content(cells: list[Any]) -> bool:
    return any(cell != "" and not (isinstance(cell, str) and cell.isspace()) for cell in cells)
