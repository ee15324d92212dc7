"""Copies the cells of a file to a new workbook and annotates them: values alone, with flat memory."""

from __future__ import annotations

import tempfile
from typing import IO

from precast_app.errors import JobFailed
from precast_app.exporting import texts
from precast_app.exporting.annotating.marks import AUTHOR, Mark, Marks
from precast_app.exporting.copying import Copy, MergedRows, sheet_names, with_point
from precast_app.importing import headers, layout
from precast_app.spreadsheets import Book


def write(book: Book, marks: Marks) -> IO[bytes]:
    """A workbook with every sheet of the upload, its cells where they were; raises `FileRefused`."""
    file = tempfile.TemporaryFile()  # noqa: SIM115 # the caller closes it
    try:
        _write(file, book, marks)
    except BaseException:
        file.close()
        raise
    file.seek(0)
    return file


def _write(file: IO[bytes], book: Book, marks: Marks) -> None:
    try:
        found = layout.find(book)[0]
    except JobFailed:
        # Reference data, or a file in which no element types were found.
        catalogue, first_data_row, read = None, 0, None
    else:
        catalogue, first_data_row, read = found.sheet, found.first_data_row, headers.number_reader(book, found)
    with texts.workbook(file, remove_timezone=True) as out:
        for sheet, name in sheet_names(book).items():
            copy = Copy(out, name)
            lines: dict[int, list[Mark]] = {}
            for mark in marks.of(sheet):
                lines.setdefault(mark.row, []).append(mark)
                comment = {"author": AUTHOR, "width": 360, "height": 120}
                texts.write_note(copy.sheet, mark.row - 1, mark.column - 1, mark.text, comment)
            merged = MergedRows(book.scan(sheet).merged)
            for row in book.rows(sheet):
                is_data = sheet == catalogue and row.number >= first_data_row
                colours = {mark.column - 1: mark.colour for mark in lines.get(row.number, ())}
                copy.row(row.number - 1, with_point(read, row.cells) if is_data else row.cells, colours)
                if not is_data:
                    copy.merge_headings(row.number - 1, row.cells, merged)
