"""Annotated copies of an upload: cells with issues are coloured and have a comment that says what is wrong.

The libraries for the formats load a whole workbook into memory and don't protect against hostile files, so this
runs only in a child process that may be killed.
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
from precast_app.spreadsheets import Book, Limits, ZipPackage

_log = logging.getLogger(__name__)
# Larger files are not annotated: copying their cells would take longer than PARSE_SECONDS (20 s). The time depends on
# the number of cells, and the formats differ in bytes per cell.
MAX_BYTES = {"csv": 4_000_000, "ods": 1_000_000, "xls": 10_000_000, "xlsb": 2_000_000, "xlsx": 7_000_000}


class _TooSlow(Exception):
    """A library that takes too long for a workbook."""


def write(upload: IO[bytes], book: Book, issues: Iterable[Issue], out: IO[bytes], seconds: float) -> str:
    """Write the annotated file and return its kind: xlsx, xlsm or ods. Raise `Conflict` if the file is too large.

    `book` is the opened upload. An Excel workbook (.xlsx, .xlsm) or an OpenDocument spreadsheet keeps its formats,
    formulas and macros. A large file, a file in another format, and a file that the library for its format rejects or
    does not finish within `seconds` becomes a new workbook with the same values in the same cells.
    """
    marks = Marks(issues, book)
    size = upload.seek(0, io.SEEK_END)
    if size > MAX_BYTES[book.format]:
        raise Conflict(
            "The file is too large to be annotated. Download the rejected rows as a workbook instead: "
            "ask for `rejected` instead of `annotated`."
        )
    for writer in (excel, opendocument):
        if book.format in writer.FORMATS and size <= writer.MAX_BYTES and writer.is_small_enough(_package(upload)):
            try:
                with _cpu_time_limit(seconds):
                    upload.seek(0)
                    copy, kind = writer.write(io.BytesIO(upload.read()), marks)
            # The libraries may raise anything for a file that is damaged in a part that the import does not read.
            except Exception:
                _log.info("The workbook is annotated as a copy of its values.", exc_info=True)
            else:
                shutil.copyfileobj(copy, out)
                return kind
    values_only.write(out, book, marks)
    return "xlsx"


def _package(upload: IO[bytes]) -> ZipPackage:
    return ZipPackage(cast(Any, upload), Limits())


@contextmanager
def _cpu_time_limit(seconds: float) -> Iterator[None]:
    """Raise `_TooSlow` after `seconds` of processor time. Works only in a process's main thread."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise _TooSlow

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
