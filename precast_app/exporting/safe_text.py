"""The one way in which text gets into a generated file: no program that opens the file runs it as a formula or a link.

Every text is escaped here. A stored one that an import should read back as it is goes through `disarmed` before.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import IO, Any

import xlsxwriter

from precast_app.spreadsheets import inert

# XlsxWriter would make formulas, links and numbers of the texts that its `write` and `merge_range` are given.
_AS_THEY_ARE = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
_NUMBER = re.compile(r"[+-](?:[0-9][0-9., ']*+)?")
# Halves of characters, which no encoding of a file holds.
_HALVES = re.compile(r"[\ud800-\udfff]")
# What XML can't hold. XlsxWriter escapes it in cells, but not everything that writes comments does.
_NOT_IN_XML = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
# Of the 32 767 characters that Excel allows in a cell or a comment; some of ours count twice there.
_LONGEST_NOTE = 16_000
# What the format wants quoted, and other separators: a program that guesses which one it is does not count quoted ones.
_TO_QUOTE = re.compile(r'[",;|\t\r\n]')

Style = Any
CsvCell = str | int | Decimal | None


def workbook(file: IO[bytes], **options: Any) -> xlsxwriter.Workbook:
    """Return a new workbook that keeps one row at a time in memory."""
    return xlsxwriter.Workbook(file, {"constant_memory": True, **_AS_THEY_ARE, **options})


def write(sheet: Any, row: int, column: int, text: str, style: Style = None) -> None:
    """Write a text into a cell; rows and columns count from 0."""
    # In a cell of its own a number runs nothing; in a line of a CSV file it could be the start of something that does.
    shown = text if _NUMBER.fullmatch(text) else inert(text)
    sheet.write_string(row, column, _HALVES.sub("\ufffd", shown), style)


def merge(sheet: Any, row: int, first: int, last: int, text: str, style: Style = None) -> None:
    """Merge the cells of a row from column `first` to column `last`, and write a text over them."""
    sheet.merge_range(row, first, row, last, "", style)
    write(sheet, row, first, text, style)


def write_note(sheet: Any, row: int, column: int, text: str, options: Mapping[str, Any]) -> None:
    """Write a comment on a cell."""
    sheet.write_comment(row, column, note(text), options)


def note(text: str) -> str:
    """Return the text of a comment, with a replacement character for each one that XML can't hold."""
    return _NOT_IN_XML.sub("\ufffd", text[:_LONGEST_NOTE])


def csv_line(cells: Iterable[CsvCell]) -> str:
    """Return a line of a CSV file."""
    written = [_csv_cell(cell) for cell in cells]
    # A line of one blank cell would be a blank line.
    return ",".join(written) + "\r\n" if written != [""] else '""\r\n'


def _csv_cell(cell: CsvCell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, str):
        text = inert(cell)
        return '"' + text.replace('"', '""') + '"' if _TO_QUOTE.search(text) else text
    return f"{cell:f}" if isinstance(cell, Decimal) else str(cell)
