"""Copies of an upload: annotated, with coloured cells and comments that say what is wrong; or corrected.

Hostile files may take much memory and time, and the library for OpenDocument loads the whole document, so this runs
only in a child process that may be killed.
"""

from __future__ import annotations

import io
import logging
import signal
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from types import FrameType
from typing import IO

from precast_app.errors import Conflict
from precast_app.exporting.annotating import excel, opendocument, values_only
from precast_app.exporting.annotating.cell_contents import Replacement
from precast_app.exporting.annotating.marks import Marks
from precast_app.importing.corrections import CorrectedBook, Corrections
from precast_app.importing.issues import Issue
from precast_app.spreadsheets import Book, delimited_copy

_log = logging.getLogger(__name__)
# The cells of larger files are not copied, because that would take longer than PARSE_SECONDS (20 s). The time depends
# on the number of cells, and the formats differ in bytes per cell.
_MAX_COPIED_BYTES = {"csv": 4_000_000, "ods": 1_000_000, "xls": 10_000_000, "xlsb": 2_000_000, "xlsx": 7_000_000}
_WRITERS: dict[str, Callable[[IO[bytes], Marks, IO[bytes]], str]] = {
    "xlsx": excel.write,
    "ods": opendocument.write,
}
_CORRECTED_WRITERS: dict[str, Callable[[IO[bytes], str, Iterable[Replacement], IO[bytes]], str]] = {
    "xlsx": excel.write_corrected,
    "ods": opendocument.write_corrected,
}


class _TooSlow(Exception):
    """A library that takes too long for a workbook."""


def write(upload: IO[bytes], book: Book, issues: Iterable[Issue], out: IO[bytes], seconds: float) -> str:
    """Write the annotated file and return its kind, such as xlsx. Raise `Conflict` if the file is too large.

    `book` is the opened upload. An Excel workbook (.xlsx, .xlsm and templates) stays as it is, apart from colours,
    comments and digital signatures, which would not be valid any more. An
    OpenDocument spreadsheet keeps its formats and formulas. A large spreadsheet, a file in another format, and a file
    that can't be annotated this way within `seconds` becomes a new workbook with the same values in the same cells.
    """
    marks = Marks(issues, book)
    writer = _WRITERS.get(book.format)
    if writer is not None and (kind := _write_in_format(partial(writer, upload, marks, out), out, seconds)):
        return kind
    if upload.seek(0, io.SEEK_END) > _MAX_COPIED_BYTES[book.format]:
        raise Conflict(
            "The file is too large to be annotated. Download the rejected rows as a workbook instead: "
            "ask for `rejected` instead of `annotated`."
        )
    values_only.write(out, book, marks)
    return "xlsx"


def write_corrected(
    upload: IO[bytes],
    book: Book,
    corrections: Corrections,
    out: IO[bytes],
    seconds: float,
    encoding: str | None = None,
    delimiter: str | None = None,
) -> str:
    """Write the file with its corrections and return its kind, such as xlsx. Raise `Conflict` if it is too large.

    What `write` keeps is kept here, too, and of a CSV file all but the corrected cells; other files become a new
    workbook with the same values in the same cells. `encoding` and `delimiter` are those of a CSV file, if they are
    given.
    """
    corrected = CorrectedBook(book, corrections, is_copied=True)
    if book.format == "csv":
        delimited_copy.copy_with_changes(upload, corrected.changed_texts(), out, encoding, delimiter)
        return "csv"
    writer = _CORRECTED_WRITERS.get(book.format)
    if writer is not None:
        replacements = (Replacement(*each) for each in corrected.changes())
        write_in_format = partial(writer, upload, corrections.sheet, replacements, out)
        if kind := _write_in_format(write_in_format, out, seconds):
            return kind
    if upload.seek(0, io.SEEK_END) > _MAX_COPIED_BYTES[book.format]:
        raise Conflict("The file is too large to be written again. Correct the file itself, and upload it.")
    values_only.write(out, corrected, Marks((), book))
    return "xlsx"


def _write_in_format(write_copy: Callable[[], str], out: IO[bytes], seconds: float) -> str | None:
    """Write a copy in the upload's own format and return its kind; None, and nothing written, if that fails."""
    try:
        with _cpu_time_limit(seconds):
            return write_copy()
    # The libraries may raise anything for a file that is damaged in a part that the import does not read.
    except Exception:
        _log.info("The workbook is written as a copy of its values.", exc_info=True)
        out.seek(0)
        out.truncate()
        return None


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
