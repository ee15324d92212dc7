"""Excel workbooks (.xlsx, .xlsm): a quick scan of a sheet, then its rows one by one."""

from __future__ import annotations

from collections.abc import Iterator, Set

from precast_app.spreadsheets.errors import damaged
from precast_app.spreadsheets.sheet import Limits, ReaderNote, SheetRow, SheetScan
from precast_app.spreadsheets.workbook_parts import WorkbookParts
from precast_app.spreadsheets.xlsx.cell_values import CellValues
from precast_app.spreadsheets.xlsx.row_reader import ByteRowReader, parsed_rows
from precast_app.spreadsheets.xlsx.shared_strings import SharedStrings
from precast_app.spreadsheets.xlsx.sheet_scan import ScanResult, scan_sheet
from precast_app.spreadsheets.xlsx.sheet_xml import read_sheet_list
from precast_app.spreadsheets.xlsx.styles import Styles, read_styles
from precast_app.spreadsheets.zip_package import ZipPackage


class XlsxBook:
    """Book over an Excel workbook."""

    format = "xlsx"
    decimal_comma = False
    notes: tuple[ReaderNote, ...] = ()

    def __init__(self, package: ZipPackage, parts: WorkbookParts, limits: Limits) -> None:
        """Read the list of sheets. Raise `UnreadableFile` if it is damaged."""
        self._package = package
        self._limits = limits
        self._workbook_parts = parts
        entries, self._from_1904 = read_sheet_list(package.chunks(parts.workbook))
        sheets = parts.worksheets(entries, package, limits)
        self._sheet_parts = {sheet.name: sheet.part for sheet in sheets}
        self._loaded: tuple[SharedStrings, Styles] | None = None
        self._scans: dict[str, ScanResult] = {}
        self.sheets = tuple(self._sheet_parts)
        self.hidden_sheets = frozenset(sheet.name for sheet in sheets if sheet.is_hidden)

    def scan(self, sheet: str) -> SheetScan:
        """See Book."""
        return self._scan(sheet).scan

    def rows(self, sheet: str, shown_columns: Set[int] | None = None) -> Iterator[SheetRow]:
        """See Book."""
        found = self._scan(sheet)
        strings, styles = self._load()
        texts = strings.all_texts()

        def shared(index: int) -> str:
            if index >= len(texts):
                raise damaged("a cell refers to a text that is not in the workbook")
            return texts[index]

        values = CellValues(shared, styles)
        chunks = self._package.chunks(self._sheet_parts[sheet])
        if found.is_parsed:
            yield from parsed_rows(chunks, values, self._limits)
        else:
            yield from ByteRowReader(values, self._limits, shown_columns).rows(chunks)

    def _scan(self, sheet: str) -> ScanResult:
        if sheet not in self._scans:
            part = self._sheet_parts[sheet]
            self._scans[sheet] = scan_sheet(self._package, part, *self._load(), self._limits)
        return self._scans[sheet]

    def _load(self) -> tuple[SharedStrings, Styles]:
        """Return the sizes of the shared strings, and the styles."""
        if self._loaded is None:
            package, parts = self._package, self._workbook_parts
            strings = SharedStrings(package, parts.find("sharedStrings", package), self._limits)
            self._loaded = strings, read_styles(package, parts.find("styles", package), self._from_1904)
        return self._loaded
