"""The rejected rows of a file as a workbook of the same layout, to be corrected and uploaded again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import IO

from precast_app.exporting import safe_text
from precast_app.exporting.sheet_copy import SheetCopy, merges_within_rows, unique_sheet_names, with_decimal_points
from precast_app.importing import column_mapping, header_detection
from precast_app.importing.header_detection import REASON_HEADING
from precast_app.importing.profiles.profile import ImportProfile
from precast_app.importing.profiles.rejected_rows import RejectedByProfile
from precast_app.message_catalogue import SOURCE_LANGUAGE, translate
from precast_app.messages import Message
from precast_app.spreadsheets import Book, Cell, SheetRow

# The reason at a row of a rejected element type that is right itself.
_OTHER_ROW = Message("Another row of this element type was rejected.")


def write(
    file: IO[bytes],
    book: Book,
    reasons: Mapping[int, str],
    *,
    is_catalogue: bool,
    profile: ImportProfile | None = None,
    language: str = SOURCE_LANGUAGE,
) -> None:
    """Write the heading rows of the upload, and under them the rows of `reasons` with the reason in a last column.

    `is_catalogue` tells a file of element types from one of reference data, whose first row is its header. With a
    profile that puts rows of one element type together, all rows of a rejected element type are written.
    """
    other_row = translate(_OTHER_ROW, language)
    rows: Iterable[SheetRow] | None = None
    read: Callable[[int, Cell], Cell] | None = None
    if is_catalogue and profile is not None:
        rejected = RejectedByProfile(book, profile, reasons)
        sheet_name, first_data_row, width = rejected.sheet, rejected.first_data_row, rejected.width
        header_row, scan, read = rejected.header_row, rejected.scan, rejected.with_point
        rows = rejected.rows()
    elif is_catalogue:
        found, scan = header_detection.detect_header(book)
        sheet_name, first_data_row, width = found.sheet, found.first_data_row, len(found.headings)
        header_row = found.header_row
        read = column_mapping.number_reader(book, found)
    else:
        sheet_name = book.sheets[0]
        scan = book.scan(sheet_name)
        header_row = scan.head[0].number
        first_data_row, width = header_row + 1, len(scan.head[0].cells)
    # A merged range that reached over the column of the reasons would hide its heading.
    merges = merges_within_rows(scan.merged, width)
    with safe_text.workbook(file, remove_timezone=True) as out:
        copy = SheetCopy(out, unique_sheet_names(book)[sheet_name])
        bold = out.add_format({"bold": True})
        copy.sheet.set_column(width, width, 90)
        line = first_data_row - 1
        for row in book.rows(sheet_name) if rows is None else rows:
            if row.number < first_data_row:
                copy.copy_row(row.number - 1, row.cells)
                if row.number == header_row:
                    safe_text.write(copy.sheet, row.number - 1, width, REASON_HEADING, bold)
                copy.merge_cells(row, merges)
            elif row.number in reasons or rows is not None:
                copy.copy_row(line, with_decimal_points(read, row.cells[:width]))
                safe_text.write(copy.sheet, line, width, reasons.get(row.number, other_row))
                line += 1
