"""Writing of text into generated files, so that no program that opens the file runs it as a formula or a link.

All text in generated files goes through this module, which escapes it. Callers pass stored text through
`escape_formula` first, so that an import of the file reads the same text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import IO, Any

import xlsxwriter

from precast_app.spreadsheets import ensure_escaped

# By default XlsxWriter converts strings that look like formulas, links or numbers.
_NO_CONVERSION = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
_NUMBER = re.compile(r"[+-](?:[0-9][0-9., ']*+)?")
# Lone surrogates, which can't be encoded.
_LONE_SURROGATES = re.compile(r"[\ud800-\udfff]")
# Characters that XML can't contain. XlsxWriter escapes them in cells, but other libraries don't escape comments.
_NOT_IN_XML = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_XML_ESCAPE = re.compile(r"_(?=x[0-9A-Fa-f]{4}_)")
# Excel allows 32 767 characters in a comment, and counts characters beyond U+FFFF twice.
MAX_COMMENT_CHARACTERS = 16_000
# Excel's limits of input messages, and its last row, counted from 0.
_MAX_TITLE, _MAX_MESSAGE = 32, 255
LAST_ROW = 1_048_575
# Characters that CSV requires to be quoted, and other separators: programs that guess the separator skip quoted text.
_TO_QUOTE = re.compile(r'[",;|\t\r\n]')

Style = Any
CsvCell = str | int | Decimal | None

# The time at which a workbook says that it was made. With the time of the export, two exports of the same data would be
# different files.
_NO_TIME = datetime(2000, 1, 1, tzinfo=UTC)


def workbook(file: IO[bytes], **options: Any) -> xlsxwriter.Workbook:
    """Return a new workbook that keeps only the current row in memory; equal cells become equal files."""
    book = xlsxwriter.Workbook(file, {"constant_memory": True, **_NO_CONVERSION, **options})
    book.set_properties({"created": _NO_TIME})
    return book


def write(sheet: Any, row: int, column: int, text: str, style: Style = None) -> None:
    """Write a text into a cell; rows and columns count from 0."""
    sheet.write_string(row, column, cell_text(text), style)


def cell_text(text: str) -> str:
    """Return a text for the cell of a workbook."""
    # A signed number needs no escaping in a workbook's cell; in a line of CSV it might start a formula.
    escaped = text if text.isalnum() or _NUMBER.fullmatch(text) else ensure_escaped(text)
    return escaped if escaped.isascii() else _LONE_SURROGATES.sub("\ufffd", escaped)


def xml_text(text: str) -> str:
    """Return a text for the XML of an Excel workbook, in which `_x0041_` stands for a character."""
    return _NOT_IN_XML.sub("\ufffd", _XML_ESCAPE.sub("_x005F_", text))


def merge_cells(sheet: Any, row: int, first: int, last: int, text: str, style: Style = None) -> None:
    """Merge the cells of a row from column `first` to column `last` and write a text into them."""
    sheet.merge_range(row, first, row, last, "", style)
    write(sheet, row, first, text, style)


def add_comment(sheet: Any, row: int, column: int, text: str, options: Mapping[str, Any]) -> None:
    """Add a comment to a cell; rows and columns count from 0."""
    sheet.write_comment(row, column, comment_text(text), options)


def add_input_message(
    sheet: Any, cells: tuple[int, int, int, int], title: str, text: str, choices: Sequence[str] = ()
) -> None:
    """Show a message while one of the cells is selected, and offer `choices`; other values stay possible.

    `cells` are the first row and column and the last row and column, which count from 0.
    """
    kind = {"validate": "list", "source": list(choices), "show_error": False} if choices else {"validate": "any"}
    message = {"input_title": _message(title, _MAX_TITLE), "input_message": _message(text, _MAX_MESSAGE)}
    sheet.data_validation(*cells, {**kind, **message})


def comment_text(text: str) -> str:
    """Return the text of a comment: cut to the maximum length, without characters that XML can't contain."""
    return _NOT_IN_XML.sub("\ufffd", text[:MAX_COMMENT_CHARACTERS])


def _message(text: str, most: int) -> str:
    """Return a text of at most `most` characters, as Excel counts them: those beyond U+FFFF twice."""
    units = _NOT_IN_XML.sub("\ufffd", text).encode("utf-16-le")
    return (
        units.decode("utf-16-le")
        if len(units) <= 2 * most
        else units[: 2 * most - 2].decode("utf-16-le", "ignore") + "…"
    )


def csv_line(cells: Iterable[CsvCell]) -> str:
    """Return a line of a CSV file, including its line end."""
    line = ",".join(map(_csv_cell, cells))
    # A single blank cell is quoted, because readers skip blank lines.
    return (line or '""') + "\r\n"


def _csv_cell(cell: CsvCell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, str):
        text = ensure_escaped(cell)
        return '"' + text.replace('"', '""') + '"' if _TO_QUOTE.search(text) else text
    return f"{cell:f}" if isinstance(cell, Decimal) else str(cell)
