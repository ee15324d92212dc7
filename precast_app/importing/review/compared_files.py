"""Two uploaded files of element types, read and compared as they stand, whatever the project has stored."""

from __future__ import annotations

from functools import partial

from precast_app.errors import NoDataRows
from precast_app.importing import column_mapping, create_missing, find_missing, row_validation
from precast_app.importing.profiles import application, missing_items, row_grouping
from precast_app.importing.profiles.profile import ImportProfile
from precast_app.importing.reference_data import ReferenceData
from precast_app.importing.review import compare
from precast_app.importing.review.compare import FileRow
from precast_app.spreadsheets import Book


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
    return compare.name_values(data, columns, reference)
