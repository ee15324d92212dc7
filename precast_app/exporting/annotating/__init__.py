"""The upload again, its bad cells coloured, with what is wrong as comments.

The libraries for its formats hold a workbook in memory and trust what is in it, so only a process that may be killed
calls this.
"""

from __future__ import annotations

import io
import logging
import shutil
import signal
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import IO, Any, cast

from precast_app.errors import Conflict
from precast_app.exporting.annotating import excel, opendocument, values_only
from precast_app.exporting.annotating.marks import Marks
from precast_app.importing.issues import Issue
from precast_app.spreadsheets import Book, Limits, Package

_log = logging.getLogger(__name__)
# Bytes beyond which the copy of the cells would take longer than the 20 s that reading a file may take (PARSE_SECONDS):
# their number is what takes time, and the formats need more or less room for one.
MOST_BYTES = {"csv": 4_000_000, "ods": 1_000_000, "xls": 10_000_000, "xlsb": 2_000_000, "xlsx": 7_000_000}


class _TooSlow(Exception):
    """A library takes too long for a workbook."""


def write(upload: IO[bytes], book: Book, issues: Iterable[Issue], out: IO[bytes], seconds: float) -> str:
    """Write the annotated file and return its kind: xlsx, xlsm or ods; raise `Conflict` for a file that is too large.

    `book` is the upload, opened. What the person did to a workbook of Excel (.xlsx, .xlsm) or an OpenDocument
    spreadsheet stays: formats, formulas, macros. A large one, any other file, and one that the library for its format
    does not take, or not within so many `seconds`, becomes a new workbook with the same cells in the same places.
    """
    marks = Marks(issues, book)
    size = upload.seek(0, io.SEEK_END)
    if size > MOST_BYTES[book.format]:
        raise Conflict(
            "The file is too large to be annotated. The rejected rows are there as a workbook of their own: "
            "ask for `rejected` instead of `annotated`."
        )
    for writer in (excel, opendocument):
        if book.format in writer.FORMATS and size <= writer.MOST_BYTES and writer.fits(_package(upload)):
            try:
                with _at_most(seconds):
                    upload.seek(0)
                    copy, kind = writer.write(io.BytesIO(upload.read()), marks)
            # Whatever a library makes of a file that is damaged where the import did not look.
            except Exception:
                _log.info("A workbook is annotated as a copy of its cells.", exc_info=True)
            else:
                shutil.copyfileobj(copy, out)
                return kind
    values_only.write(out, book, marks)
    return "xlsx"


def _package(upload: IO[bytes]) -> Package:
    return Package(cast(Any, upload), Limits())


@contextmanager
def _at_most(seconds: float) -> Iterator[None]:
    """Raise `_TooSlow` after so many seconds of processor time; only in the main thread of a process."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise _TooSlow

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
