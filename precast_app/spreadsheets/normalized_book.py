"""Book that normalises what a reader returns, whatever the file's format."""

from __future__ import annotations

from collections.abc import Iterator, Set
from dataclasses import replace

from precast_app.spreadsheets.sheet import Book, FormattedNumber, ReaderNote, SheetRow, SheetScan
from precast_app.spreadsheets.text_normalization import normalize_row
from precast_app.spreadsheets.unit_notes import UnitNotes


class NormalizedBook:
    """Book that normalises another book's texts and reports units that belong to number formats."""

    def __init__(self, book: Book) -> None:
        self._book = book
        self._units = UnitNotes()
        # Some readers read the whole sheet for a scan.
        self._scans: dict[str, SheetScan] = {}
        self.format = book.format
        self.sheets = book.sheets
        self.hidden_sheets = book.hidden_sheets
        self.decimal_comma = book.decimal_comma

    @property
    def notes(self) -> tuple[ReaderNote, ...]:
        """See Book."""
        return (*self._book.notes, *self._units.notes)

    def scan(self, sheet: str) -> SheetScan:
        """See Book."""
        if sheet not in self._scans:
            found = self._book.scan(sheet)
            self._scans[sheet] = replace(found, head=tuple(map(self._normalize, found.head)))
        return self._scans[sheet]

    def rows(self, sheet: str, shown_columns: Set[int] | None = None) -> Iterator[SheetRow]:
        """See Book."""
        self._units.clear()
        for row in map(self._normalize, self._book.rows(sheet, shown_columns)):
            if FormattedNumber in map(type, row.cells):
                self._units.add_row(row)
            yield row

    def _normalize(self, row: SheetRow) -> SheetRow:
        # The reader of .xlsx files normalises each different text once.
        return row if self.format == "xlsx" else normalize_row(row)
