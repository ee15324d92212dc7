"""The upload again, its bad cells coloured, with what is wrong as comments."""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import IO

from precast_app.errors import Conflict
from precast_app.exporting.annotating import copied, excel, opendocument
from precast_app.exporting.annotating.marks import Marks, NotSo
from precast_app.models import Issue
from precast_app.spreadsheets import Book

# The copy of the cells alone needs time and no memory (measured: 21 s for 9 MB, which were 2.7 million cells); a
# larger one would take longer than one waits for an answer.
MOST_BYTES = 10_000_000


def write(upload: IO[bytes], book: Book, issues: Iterable[Issue]) -> tuple[IO[bytes], str]:
    """The annotated file and its kind: xlsx, xlsm or ods; raises `Conflict` for a file that is too large.

    `book` is the upload, opened. What the person did to a workbook of Excel (.xlsx, .xlsm) or an OpenDocument
    spreadsheet stays: formats, formulas, macros. A large one, any other file, and one that the library for its format
    does not take, becomes a new workbook with the same cells in the same places.
    """
    marks = Marks(issues, book)
    content = upload.read()
    if len(content) > MOST_BYTES:
        raise Conflict(
            "The file is too large to be annotated. The rejected rows are there as a workbook of their own: "
            "ask for `rejected` instead of `annotated`."
        )
    for writer in (excel, opendocument):
        if book.format in writer.FORMATS and len(content) <= writer.MOST_BYTES:
            try:
                return writer.write(io.BytesIO(content), marks)
            except NotSo:
                break
    return copied.write(book, marks), "xlsx"
