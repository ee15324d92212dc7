"""The rows of a file that its import profile rejects: with all rows of their element types. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial

from precast_app.importing import row_validation
from precast_app.importing.decimal_signs import DecimalSign
from precast_app.importing.profiles import application, cell_values, matching
from precast_app.importing.profiles.profile import ImportProfile
from precast_app.importing.reference_data import ReferenceData
from precast_app.spreadsheets import Book, Cell, SheetRow


class RejectedByProfile:
    """Reader of the heading rows of a file and its rejected rows, whose numbers are the keys of `reasons`."""

    def __init__(self, book: Book, profile: ImportProfile, reasons: Mapping[int, str]) -> None:
        """Find the headings; raise `JobFailed` as `application.map_columns` does."""
        header = matching.find_header(book, profile)
        self._book = book
        self._reasons = reasons
        # What the project knows doesn't matter for the names and for what is filled from above.
        self._columns, _ = application.map_columns(book, profile, ReferenceData(0))
        self._skipped = application.skipped_rows(profile, header)
        self.sheet, self.scan, self.header_row = header.sheet, header.scan, header.last_row
        self.width = len(header.headings)
        self.first_data_row = max([self._columns.first_data_row, *(number + 1 for number in self._skipped)])
        self._numbers = {column.index for column in self._columns.columns if column.is_number and column.sign is None}

    def rows(self) -> Iterator[SheetRow]:
        """Yield the rows above the data, then the rejected rows with the cells that repeat the row above."""
        for row in self._book.rows(self.sheet):
            if row.number < self._columns.first_data_row or row.number in self._skipped:
                yield row
        wanted = self._wanted()
        for row in row_validation.data_rows(self._book.rows(self.sheet), self._columns):
            if row.number in wanted:
                yield row

    def _wanted(self) -> set[int]:
        """Return the numbers of the rejected rows and of all rows of their element types."""
        wanted = set(self._reasons)
        if self._columns.grouping is None:
            return wanted
        identities: dict[int, tuple[str, str]] = {}
        for row in row_validation.validate_rows(partial(self._book.rows, self.sheet), self._columns):
            if row.element_type_key[0] and not row.skipped:
                identities[row.number] = row.element_type_key
        rejected = {identities[number] for number in wanted if number in identities}
        return wanted | {number for number, identity in identities.items() if identity in rejected}

    def with_point(self, index: int, cell: Cell) -> Cell:
        """Return a cell with a decimal point if only the file's delimiter shows that it has a decimal comma."""
        if not self._book.decimal_comma or index not in self._numbers or not isinstance(cell, str):
            return cell
        return cell_values.measure_with_point(cell, DecimalSign.COMMA)
