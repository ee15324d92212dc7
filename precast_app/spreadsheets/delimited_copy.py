"""Copies of CSV files with other texts in some of their cells; everything else stays as it is, byte for byte."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Mapping
from typing import IO, BinaryIO, cast

from precast_app.spreadsheets.delimited import DelimitedBook
from precast_app.spreadsheets.formula_escaping import ensure_escaped
from precast_app.spreadsheets.sheet import Limits

_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# The encoding of a copy whose new texts have characters that the file's own encoding lacks.
_ANY_CHARACTER = codecs.BOM_UTF8, "utf-8"


def copy_with_changes(
    file: IO[bytes],
    changes: Mapping[int, Mapping[int, str]],
    out: IO[bytes],
    encoding: str | None = None,
    delimiter: str | None = None,
) -> None:
    """Copy a CSV file with these texts in its cells, by the numbers of row and column, counted from 1.

    `encoding` and `delimiter` are those of the file; None: they are detected.
    """
    book = DelimitedBook(cast(BinaryIO, file), Limits(), encoding, delimiter)
    file.seek(0)
    start = file.read(len(codecs.BOM_UTF8))
    mark, codec = next((each for each in _BYTE_ORDER_MARKS if start.startswith(each[0])), (b"", book.encoding))
    try:
        _write(book, changes, out, mark, codec.removesuffix("-sig"))
    except UnicodeEncodeError:
        out.seek(0)
        out.truncate()
        _write(book, changes, out, *_ANY_CHARACTER)


def _write(
    book: DelimitedBook, changes: Mapping[int, Mapping[int, str]], out: IO[bytes], mark: bytes, codec: str
) -> None:
    out.write(mark)
    number = 0
    for record, fields in book.records():
        number += fields is not None
        texts = changes.get(number) if fields is not None else None
        out.write((_with_texts(record, fields or [], texts, book.delimiter) if texts else record).encode(codec))


def _with_texts(record: str, fields: list[str], texts: Mapping[int, str], delimiter: str) -> str:
    """Return a record with other texts in some of its fields, and with its own line end."""
    cells = [*fields, *[""] * (max(texts) - len(fields))]
    for column, text in texts.items():
        cells[column - 1] = ensure_escaped(text)
    line_end = record[len(record.rstrip("\r\n")) :]
    written = io.StringIO()
    csv.writer(written, delimiter=delimiter, lineterminator=line_end).writerow(cells)
    return written.getvalue()
