"""The upload again, its bad cells coloured, with what is wrong as comments."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterable
from typing import IO

from precast_app.errors import Conflict
from precast_app.exporting.annotating import copied
from precast_app.exporting.annotating.marks import Marks
from precast_app.models import Issue
from precast_app.spreadsheets import Book

_log = logging.getLogger(__name__)
# Bytes beyond which the copy of the cells would take longer than the 30 s that one waits for an answer: their number
# is what takes time, and the formats need more or less room for one.
MOST_BYTES = {"csv": 6_000_000, "ods": 1_500_000, "xls": 15_000_000, "xlsb": 3_000_000, "xlsx": 10_000_000}


def write(upload: IO[bytes], book: Book, issues: Iterable[Issue]) -> tuple[IO[bytes], str]:
    """The annotated file and its kind: xlsx, xlsm or ods; raises `Conflict` for a file that is too large.

    `book` is the upload, opened. What the person did to a workbook of Excel (.xlsx, .xlsm) or an OpenDocument
    spreadsheet stays: formats, formulas, macros. A large one, any other file, and one that the library for its format
    does not take, becomes a new workbook with the same cells in the same places.
    """
    # Not at the top: their libraries take 28 MiB, which every process of the web and of jobs would hold for them.
    from precast_app.exporting.annotating import excel, opendocument

    marks = Marks(issues, book)
    content = upload.read()
    if len(content) > MOST_BYTES[book.format]:
        raise Conflict(
            "The file is too large to be annotated. The rejected rows are there as a workbook of their own: "
            "ask for `rejected` instead of `annotated`."
        )
    for writer in (excel, opendocument):
        if book.format in writer.FORMATS and len(content) <= writer.MOST_BYTES:
            try:
                return writer.write(io.BytesIO(content), marks)
            # Whatever a library makes of a file that is damaged where the import did not look.
            except Exception:
                _log.info("A workbook is annotated as a copy of its cells.", exc_info=True)
    return copied.write(book, marks), "xlsx"
