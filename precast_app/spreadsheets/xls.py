"""Workbooks of Excel 97 to 2003 (.xls), read by xlrd."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Set
from datetime import datetime
from typing import Any, BinaryIO

import xlrd
from xlrd.compdoc import CompDocError

from precast_app.messages import Message
from precast_app.spreadsheets.errors import (
    UnreadableFile,
    cell_too_long,
    damaged,
    not_a_spreadsheet,
    too_many_columns,
    too_many_rows,
    unsupported_format,
)
from precast_app.spreadsheets.merged_ranges import drop_overlapping
from precast_app.spreadsheets.number_formats import NumberFormat, parse_number_format, round_to_excel
from precast_app.spreadsheets.sheet import (
    HEAD_ROWS,
    Cell,
    CellError,
    Limits,
    MergedRange,
    ReaderNote,
    SheetRow,
    SheetScan,
)
from precast_app.spreadsheets.xls_container import WORKBOOK_NAMES, stream_names, workbook_stream
from precast_app.spreadsheets.xls_texts import unpack_shared_texts

# xlrd's own function takes the stored number of texts for true.
xlrd.book.unpack_SST_table = unpack_shared_texts
# xlrd evaluates the formulas of defined names, which nothing here needs, and fails at those that it doesn't know.
xlrd.book.evaluate_name_formula = lambda *_, **__: None
# Nor do comments, links and drawings matter, which xlrd understands in some of their forms only.
for _handler in ("handle_note", "handle_obj", "handle_txo", "handle_hlink", "handle_quicktip"):
    setattr(xlrd.sheet.Sheet, _handler, lambda *_: None)
# xlrd's own pattern takes quadratic time for a number format of many opening brackets.
xlrd.formatting.fmt_bracketed_sub = re.compile(r"\[[^\[\]]*\]").sub
# xlrd keeps the file and all its cells in memory, which takes many times the file's size.
_MAX_BYTES = 20 * 1024 * 1024
_DAMAGED = "damaged_workbook"
_UNREADABLE = "it can't be read as a workbook of Excel 97 to 2003"
# What else is in the same container, by the name of a stream; and whether it is a spreadsheet.
_OTHER_DOCUMENTS = {
    "nativecontent_main": (Message("a Quattro Pro workbook"), True),
    "worddocument": (Message("a Word document"), False),
    "powerpoint document": (Message("a PowerPoint presentation"), False),
    "visiodocument": (Message("a Visio drawing"), False),
    "__properties_version1.0": (Message("an Outlook message"), False),
    "\x05summaryinformation": (Message("a document of another program"), False),
}
# What the texts of an old workbook that names no encoding may be in, with the words for people.
_ENCODINGS = {"utf-8": "UTF-8", "cp1252": "Windows-1252", "latin-1": "ISO 8859-1"}


class XlsBook:
    """Book over an Excel 97 to 2003 workbook."""

    format = "xls"
    decimal_comma = False

    def __init__(self, file: BinaryIO, limits: Limits) -> None:
        """Read the whole workbook. Raise `UnreadableFile` if it can't be read."""
        self._limits = limits
        file.seek(0)
        content = file.read(_MAX_BYTES + 1)
        if len(content) > _MAX_BYTES:
            raise UnreadableFile(
                "too_large",
                Message(
                    "An Excel 97-2003 workbook (.xls) may have at most %(limit)s MiB. Save it as an "
                    "Excel Workbook (.xlsx) and upload that file.",
                    limit=_MAX_BYTES // 1024**2,
                ),
            )
        self._book, self.notes = _open(content)
        self.sheets = tuple(self._book.sheet_names())
        self.hidden_sheets = frozenset(sheet.name for sheet in self._book.sheets() if sheet.visibility)
        self._formats: dict[int, NumberFormat] = {}
        if len(self.sheets) > limits.sheets:
            raise UnreadableFile(
                "too_many_sheets", Message("The workbook has more than %(limit)s sheets.", limit=limits.sheets)
            )

    def scan(self, sheet: str) -> SheetScan:
        """See Book."""
        head: list[SheetRow] = []
        errors: dict[tuple[int, int], CellError] = {}
        count = 0
        for row in self.rows(sheet):
            count += 1
            if len(head) < HEAD_ROWS:
                head.append(row)
            for column, cell in enumerate(row.cells, 1):
                if isinstance(cell, CellError):
                    errors[row.number, column] = cell
        merged = self._sheet(sheet).merged_cells[: self._limits.merged_ranges]
        ranges = (MergedRange(top + 1, left + 1, bottom, right) for top, bottom, left, right in merged)
        return SheetScan(tuple(head), drop_overlapping(ranges), count, errors)

    def rows(self, sheet: str, shown_columns: Set[int] | None = None) -> Iterator[SheetRow]:
        """See Book."""
        found = self._sheet(sheet)
        count = 0
        for index in range(found.nrows):
            cells = [self._value(cell) for cell in found.row(index)]
            while cells and (cells[-1] == "" or (isinstance(cells[-1], str) and cells[-1].isspace())):
                cells.pop()
            if not cells:
                continue
            count += 1
            if count > self._limits.rows:
                raise too_many_rows(self._limits)
            if len(cells) > self._limits.columns:
                raise too_many_columns(index + 1, len(cells), self._limits)
            for column, cell in enumerate(cells, 1):
                if isinstance(cell, str) and len(cell) > self._limits.cell_characters:
                    raise cell_too_long(index + 1, column, self._limits)
            yield SheetRow(index + 1, cells)

    def _sheet(self, sheet: str) -> Any:
        if sheet not in self.sheets:
            raise KeyError(sheet)
        return self._book.sheet_by_name(sheet)

    def _value(self, cell: Any) -> Cell:
        if cell.ctype == xlrd.XL_CELL_ERROR:
            return CellError(xlrd.error_text_from_code.get(cell.value, "#ERR"))
        if cell.ctype == xlrd.XL_CELL_BOOLEAN:
            return bool(cell.value)
        if cell.ctype == xlrd.XL_CELL_DATE:
            try:
                moment: datetime = xlrd.xldate_as_datetime(cell.value, self._book.datemode)
            except (ValueError, OverflowError):
                return round_to_excel(cell.value)
            return moment
        if cell.ctype == xlrd.XL_CELL_NUMBER:
            number_format = self._number_format(cell.xf_index)
            return round_to_excel(cell.value) if number_format.is_date else number_format.value(cell.value, False)
        value: str = cell.value
        return value

    def _number_format(self, index: int) -> NumberFormat:
        found = self._formats.get(index)
        if found is None:
            try:
                code = self._book.format_map[self._book.xf_list[index].format_key].format_str
            except (KeyError, IndexError, TypeError):
                code = "General"  # a damaged file, or an old one whose cells have no format
            found = self._formats[index] = parse_number_format(code)
        return found


def _open(content: bytes) -> tuple[Any, tuple[ReaderNote, ...]]:
    """Return the workbook, and notes about what was wrong with it; raise `UnreadableFile` if it can't be read."""
    try:
        return _read(content), ()
    except (LookupError, UnicodeError) as error:
        return _read_in_other_encoding(content, error)
    except (UnreadableFile, CompDocError) as error:
        if isinstance(error, UnreadableFile) and error.code != _DAMAGED:
            raise
        return _read_stream(content, error)


def _read_stream(content: bytes, error: Exception) -> tuple[Any, tuple[ReaderNote, ...]]:
    """Return a workbook whose container is wrong, as some programs write it; Excel reads it, too."""
    stream = workbook_stream(content)
    if stream is None:
        raise (_other_document(content) or damaged(_UNREADABLE)) from error
    note = ReaderNote(
        "warning",
        "repaired_workbook",
        "The workbook has a wrong directory of its parts. It was read all the same. Check the values, and save it as "
        "an Excel Workbook (.xlsx).",
    )
    try:
        return _read(stream), (note,)
    except (CompDocError, LookupError, UnicodeError) as again:
        raise damaged(_UNREADABLE) from again


def _other_document(content: bytes) -> UnreadableFile | None:
    """Return the error for a document of another program in the same container; None if it is unknown."""
    names = stream_names(content)
    if names & WORKBOOK_NAMES:
        return None
    for name, (kind, is_spreadsheet) in _OTHER_DOCUMENTS.items():
        if name in names:
            return unsupported_format(kind) if is_spreadsheet else not_a_spreadsheet(kind)
    return None


def _read_in_other_encoding(content: bytes, error: Exception) -> tuple[Any, tuple[ReaderNote, ...]]:
    """Return a workbook of Excel 5 or 95 that names no encoding, or one that its texts don't have."""
    for encoding in _ENCODINGS:
        try:
            book = _read(content, encoding_override=encoding)
        except (LookupError, UnicodeError, UnreadableFile):
            continue
        note = ReaderNote(
            "warning",
            "unknown_text_encoding",
            Message(
                "The workbook does not say correctly how its texts are encoded. They were read as %(encoding)s. If "
                "letters such as ä, é or ø are wrong, save it as an Excel Workbook (.xlsx).",
                encoding=_ENCODINGS[encoding],
            ),
        )
        return book, (note,)
    raise damaged(_UNREADABLE) from error


def _read(content: bytes, **options: Any) -> Any:
    try:
        # xlrd finds merged cells and dates only if it reads the formats.
        # Unless rows are ragged, it makes them all as long as the longest one: 65 536 rows of 256 cells for one cell.
        return xlrd.open_workbook(
            file_contents=content, formatting_info=True, ragged_rows=True, logfile=io.StringIO(), **options
        )
    except (MemoryError, CompDocError, UnicodeError):
        raise
    except xlrd.XLRDError as error:
        if "encrypted" in str(error).lower():
            raise UnreadableFile(
                "password_protected",
                "The workbook is protected by a password. Remove the password and upload it again.",
            ) from error
        raise damaged(_UNREADABLE) from error
    except Exception as error:
        if isinstance(error, LookupError) and "unknown encoding" in str(error):
            raise
        # xlrd does not validate what it reads, so a damaged file can raise any exception.
        raise damaged(_UNREADABLE) from error
