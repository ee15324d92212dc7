"""Two uploaded files of element types, read and compared as they stand, whatever the project has stored."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from precast_app.errors import NoDataRows
from precast_app.importing import column_mapping, create_missing, find_missing, row_validation
from precast_app.importing.cell_parsing import display_text
from precast_app.importing.profiles import application, missing_items, row_grouping
from precast_app.importing.profiles.profile import ImportProfile
from precast_app.importing.reference_data import ReferenceData
from precast_app.importing.review import compare
from precast_app.importing.review.compare import FileRow
from precast_app.importing.row_validation import Row
from precast_app.importing.row_warnings import cell_at
from precast_app.importing.schema import ColumnMap
from precast_app.spreadsheets import Book, SheetRow, unescape_formula
from precast_app.text import clean_text


def read(book: Book, profile: ImportProfile | None, project: ReferenceData) -> dict[tuple[str, str], FileRow]:
    """Return the rows of a file by the key of their element type; raise `JobFailed` as an import does.

    Headings that name something that the project lacks are read too.
    """
    if profile is None:
        reference = create_missing.preview(project, find_missing.find_missing_entries(book, project))
        columns, _ = column_mapping.map_columns(book, reference)
    else:
        reference = create_missing.preview(project, missing_items.find_missing_entries(book, profile, project))
        columns, _ = application.map_columns(book, profile, reference)
    rows = row_validation.validate_rows(partial(book.rows, columns.sheet, columns.shown_columns), columns)
    if columns.grouping is not None:
        columns, grouped = row_grouping.group_rows(rows, columns, reference)
        rows = iter(grouped)
    data = [row for row in rows if not row.skipped]
    if not data:
        raise NoDataRows
    return compare.name_values(data, columns, reference, _names_of_rejected(book, data, columns))


def _names_of_rejected(book: Book, rows: Iterable[Row], columns: ColumnMap) -> dict[int, tuple[str, str]]:
    """Return both names of the rejected rows as the file shows them, by row number; blank ones are left out."""
    numbers = {row.number for row in rows if row.rejected}
    if not numbers:
        return {}
    first, second = (column.index for column in columns.columns[:2])
    found = {
        row.number: (_text_at(row, first), _text_at(row, second))
        for row in book.rows(columns.sheet)
        if row.number in numbers
    }
    return {number: names for number, names in found.items() if all(names)}


def _text_at(row: SheetRow, index: int) -> str:
    return clean_text(unescape_formula(display_text(cell_at(row, index))))
