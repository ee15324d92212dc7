"""Annotation of a file by copying its values to a new workbook, in constant memory."""

from __future__ import annotations

from typing import IO

from precast_app.errors import JobFailed
from precast_app.exporting import safe_text
from precast_app.exporting.annotating.marks import AUTHOR, Mark, Marks
from precast_app.exporting.sheet_copy import SheetCopy, merges_within_rows, unique_sheet_names, with_decimal_points
from precast_app.importing import column_mapping, header_detection
from precast_app.spreadsheets import Book, MergedRange


def write(file: IO[bytes], book: Book, marks: Marks) -> None:
    """Write a workbook with every sheet of the upload and its values in the same cells; raise `UnreadableFile`."""
    merged: tuple[MergedRange, ...] = ()
    try:
        found, scan = header_detection.detect_header(book)
    except JobFailed:
        # The file has reference data, or no element types were found in it.
        catalogue, first_data_row, read = None, 0, None
    else:
        catalogue, first_data_row, read = found.sheet, found.first_data_row, column_mapping.number_reader(book, found)
        merged = scan.merged
    with safe_text.workbook(file, remove_timezone=True) as out:
        for sheet, name in unique_sheet_names(book).items():
            copy = SheetCopy(out, name)
            marks_by_row: dict[int, list[Mark]] = {}
            for mark in marks.in_sheet(sheet):
                marks_by_row.setdefault(mark.row, []).append(mark)
                options = {"author": AUTHOR, "width": 360, "height": 120}
                safe_text.add_comment(copy.sheet, mark.row - 1, mark.column - 1, mark.text, options)
            merges = merges_within_rows(merged if sheet == catalogue else book.scan(sheet).merged)
            for row in book.rows(sheet):
                is_data = sheet == catalogue and row.number >= first_data_row
                colours = {mark.column - 1: mark.colour for mark in marks_by_row.get(row.number, ())}
                copy.copy_row(row.number - 1, with_decimal_points(read, row.cells) if is_data else row.cells, colours)
                if not is_data:
                    copy.merge_cells(row, merges)
