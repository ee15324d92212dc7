"""CSV files, in several encodings, with a comma, a semicolon, a tab or a vertical bar between the fields."""

from __future__ import annotations

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Iterator, Set
from typing import BinaryIO

from precast_app.messages import Message, plural_message
from precast_app.spreadsheets.errors import UnreadableFile, cell_too_long, too_many_columns, too_many_rows
from precast_app.spreadsheets.replaced_values import ReplacedValues, may_be_replaced
from precast_app.spreadsheets.sheet import HEAD_ROWS, Limits, ReaderNote, SheetRow, SheetScan
from precast_app.spreadsheets.text_decoding import (
    NonClosingReader,
    check_encoding,
    decode_html_entities,
    decode_utf_7,
    detect_encoding,
)

_DELIMITERS = {
    ",": Message("comma"),
    ";": Message("semicolon"),
    "\t": Message("tab"),
    "|": Message("vertical bar"),
}
_HEADER_CHARACTERS = 1024 * 1024  # characters of the first line that are searched for the delimiter
_HEADINGS = 10  # a header row of element types has at least this many
# A first line that names the separator, which may be any sign.
_SEPARATOR = re.compile(r'"?sep=([^\w\s"]|\t)"?[,;\t|]*+\s*', re.IGNORECASE)

# Rows that are searched for the decimal separator.
_NUMBER_ROWS = 2_000
# Numbers whose comma or point can't be a thousands separator; `_EITHER` matches numbers whose comma can be both.
_COMMA = re.compile(r"\A\s*[+-]?(?:\d{1,3}(?:[. ]\d{3})+,\d+|\d+,(?:\d{1,2}|\d{4,})|\d{4,},\d+|0+,\d+)\s*")
_EITHER = re.compile(r"\A\s*[+-]?[1-9]\d{0,2},\d{3}\s*")
_POINT = re.compile(r"\A\s*[+-]?(?:\d{1,3}(?:[, ]\d{3})+\.\d+|\d+\.(?:\d{1,2}|\d{4,})|\d{4,}\.\d+|0+\.\d+)\s*")

# A formula that is nothing but a text, with which some programs keep the zeros of 0012 from Excel.
_TEXT_FORMULA = re.compile(r'\A="([^"]*+(?:""[^"]*+)*)"\Z')

_END_OF_FILE = "\x1a"
_ENCODINGS = {"utf-16": "UTF-16", "utf-16-le": "UTF-16", "utf-16-be": "UTF-16"}
_CELL_DECODERS = {
    "utf_7": (decode_utf_7, Message("written in UTF-7 (+ACY- for &)")),
    "html_entities": (decode_html_entities, Message("written as HTML (&amp; for &)")),
}


class DelimitedBook:
    """Book over a CSV file: one sheet without a name, in which every cell is a str."""

    format = "csv"
    sheets = ("",)
    hidden_sheets: frozenset[str] = frozenset()

    def __init__(
        self, file: BinaryIO, limits: Limits, encoding: str | None = None, delimiter: str | None = None
    ) -> None:
        """Detect encoding, delimiter and decimal separator, unless the first two are given.

        Raise `UnreadableFile` if the bytes are not text, or not text in the encoding that is given.
        """
        self._file = file
        self._limits = limits
        self.encoding = check_encoding(file, encoding) if encoding else detect_encoding(file)
        self._is_encoding_given = encoding is not None
        first = next(self._text(), "")
        # Some programs put a message or a `sep=` line before the headings.
        self._message = _message(first)
        rest = first[len(self._message) :]
        separator = _SEPARATOR.fullmatch(rest)
        self._skipped = 1 if separator else 0
        self.delimiter = delimiter or (separator[1] if separator else _delimiter(self._first_records()))
        self._is_delimiter_declared = separator is not None or delimiter is not None
        self._decoded_cells: Counter[str] = Counter()
        self._may_be_encoded = self._may_be_replaced = self._has_text_formulas = False
        self._replaced = ReplacedValues()
        self._record: list[str] = []
        self._ambiguous_number: str | None = None
        self.decimal_comma = self.delimiter != "," and self._has_decimal_commas()

    @property
    def notes(self) -> tuple[ReaderNote, ...]:
        """See Book."""
        return tuple(self._notes())

    def scan(self, sheet: str) -> SheetScan:
        """See Book."""
        head: list[SheetRow] = []
        count = 0
        for row in self.rows(sheet):
            count += 1
            if len(head) < HEAD_ROWS:
                head.append(row)
        return SheetScan(tuple(head), (), count, {})

    def rows(self, sheet: str, shown_columns: Set[int] | None = None) -> Iterator[SheetRow]:
        """See Book. A record has the number of the row in which Excel would show it."""
        if sheet not in self.sheets:
            raise KeyError(sheet)
        self._decoded_cells.clear()
        self._replaced.clear()
        limits, count = self._limits, 0
        record: list[str] = []
        self._record = []
        try:
            for number, cells in enumerate(csv.reader(self._lines(), delimiter=self.delimiter), 1):
                record, self._record = self._record, []
                if len(record) > 1 and self._record_error(record, "expected after"):
                    raise _text_after_quotation_mark(number)
                if len(cells) > limits.columns:
                    last = max((i for i, cell in enumerate(cells, 1) if cell.strip()), default=0)
                    if last > limits.columns:
                        raise too_many_columns(number, last, limits)
                    del cells[limits.columns :]
                if not any(cells) or not any(cell.strip() for cell in cells):
                    continue
                if max(map(len, cells)) > limits.cell_characters:
                    column = 1 + max(range(len(cells)), key=lambda i: len(cells[i]))
                    raise cell_too_long(number, column, limits)
                count += 1
                if count > limits.rows:
                    raise too_many_rows(limits)
                if self._has_text_formulas:
                    self._has_text_formulas = False
                    cells = [_TEXT_FORMULA.sub(_formula_text, cell) for cell in cells]
                if self._may_be_encoded:
                    self._may_be_encoded = False
                    cells = [self._decode_cell(cell) for cell in cells]
                if self._may_be_replaced:
                    self._may_be_replaced = False
                    self._replaced.add_row(number, cells, shown_columns or frozenset())
                yield SheetRow(number, cells)
        except csv.Error as error:
            # With valid arguments this reader only raises for a field that is too long. A field over several lines
            # is quoted, so its closing quotation mark is missing.
            if len(self._record) > 1:
                raise _never_closed(count) from error
            raise cell_too_long(0, 0, limits) from error
        if self._record_error(record, "unexpected end"):
            raise _never_closed(count - 1)

    def records(self) -> Iterator[tuple[str, list[str] | None]]:
        """Yield each record as it is written in the file, with its fields; None for what is not part of the table.

        Records have the same order and number as in `rows`, blank ones included.
        """
        lines, raw = self._text(), []
        for _ in range(self._skipped):
            yield next(lines, ""), None

        def table() -> Iterator[str]:
            for number, line in enumerate(lines, self._skipped):
                raw.append(line)
                text = line.removeprefix(self._message) if number == 0 else line
                if text := _without_end_of_file(text) if _END_OF_FILE in text else text:
                    yield text

        for fields in csv.reader(table(), delimiter=self.delimiter):
            record = "".join(raw)
            raw.clear()
            yield record, fields
        yield "".join(raw), None

    def _record_error(self, record: list[str], message: str) -> bool:
        """Return whether a strict reader rejects the lines of a record with an error that contains `message`."""
        if not any('"' in line for line in record):
            return False
        try:
            list(csv.reader(record, delimiter=self.delimiter, strict=True))
        except csv.Error as error:
            return message in str(error)
        return False

    def _text(self) -> Iterator[str]:
        """Yield the decoded lines of the file."""
        self._file.seek(0)
        # A TextIOWrapper closes its file when it is garbage-collected, so it gets a reader that ignores this.
        yield from io.TextIOWrapper(io.BufferedReader(NonClosingReader(self._file)), encoding=self.encoding, newline="")

    def _first_records(self) -> Iterator[str]:
        """Yield the first records without the message before the headings; quoted line ends stay in their record."""
        record: list[str] = []
        count = quotes = size = 0
        for number, line in enumerate(self._text()):
            line = line[len(self._message) :] if number == 0 else line
            record.append(line)
            quotes += line.count('"')
            size += len(line)
            if quotes % 2 == 0 or size > _HEADER_CHARACTERS:
                yield "".join(record)
                record, quotes, size = [], 0, 0
                count += 1
                if count == HEAD_ROWS:
                    return
        yield "".join(record)

    def _lines(self) -> Iterator[str]:
        """Yield the lines of the table; a record with quoted line ends spans several lines."""
        for number, line in enumerate(self._text()):
            if "\0" in line:
                raise UnreadableFile(
                    "not_a_spreadsheet",
                    "The file contains zero bytes, which text files don't. Open it in Excel, save "
                    "it as CSV UTF-8 and upload that file.",
                )
            if number < self._skipped:
                continue
            if "&" in line or "+" in line:
                self._may_be_encoded = True
            if '="' in line:
                self._has_text_formulas = True
            if may_be_replaced(line):
                self._may_be_replaced = True
            line = line.removeprefix(self._message) if number == 0 else line
            if _END_OF_FILE in line and not (line := _without_end_of_file(line)):
                continue
            self._record.append(line)
            yield line

    def _decode_cell(self, cell: str) -> str:
        for code, (decode, _) in _CELL_DECODERS.items():
            decoded = decode(cell)
            if decoded != cell:
                self._decoded_cells[code] += 1
                cell = decoded
        return cell

    def _has_decimal_commas(self) -> bool:
        """Return whether the decimal separator is a comma; also True if no number in the file shows which one it is."""
        commas = points = 0
        either = None
        for number, row in enumerate(self.rows("")):
            if number >= _NUMBER_ROWS:
                break
            cells = [str(cell) for cell in row.cells]
            commas += any(map(_COMMA.fullmatch, cells))
            points += any(map(_POINT.fullmatch, cells))
            either = either or next(filter(_EITHER.fullmatch, cells), None)
        if commas == points:
            self._ambiguous_number = either
        return commas >= points

    def _notes(self) -> Iterator[ReaderNote]:
        how = (
            Message("named in the first line") if self._is_delimiter_declared else Message("detected from the headings")
        )
        separator = _DELIMITERS.get(self.delimiter, Message("sign %(sign)s", sign=self.delimiter))
        yield ReaderNote(
            "info",
            "delimiter",
            Message("The field separator is the %(separator)s, %(how)s.", separator=separator, how=how),
        )
        if self._is_encoding_given:
            yield ReaderNote(
                "info",
                "encoding",
                Message("The file was read as %(encoding)s, as its import profile says.", encoding=self.encoding),
            )
        elif self.encoding == "cp1252":
            yield ReaderNote(
                "warning",
                "windows_1252",
                "The file is not in UTF-8 and was read as Windows-1252. If letters such as ä, é or ø are wrong, save "
                "it as CSV UTF-8 and upload it again.",
            )
        elif self.encoding in _ENCODINGS:
            yield ReaderNote(
                "info", "encoding", Message("The file was read as %(encoding)s.", encoding=_ENCODINGS[self.encoding])
            )
        if self._ambiguous_number:
            written = self._ambiguous_number.strip()
            yield ReaderNote(
                "warning",
                "decimal_sign",
                Message(
                    "The comma was read as the decimal separator: %(written)s became %(number)s. If the "
                    "comma separates thousands, remove it from the numbers and upload the file again.",
                    written=written,
                    number=written.replace(",", "."),
                ),
            )
        elif self.delimiter != ",":
            sign = Message("comma") if self.decimal_comma else Message("point")
            yield ReaderNote("info", "decimal_sign", Message("The decimal separator is the %(sign)s.", sign=sign))
        if self._message:
            yield ReaderNote(
                "warning",
                "message_before_headings",
                Message("The text before the first heading was ignored: %(text)s", text=self._message[:200]),
            )
        for code, count in self._decoded_cells.items():
            yield ReaderNote(
                "warning",
                code,
                plural_message(
                    "%(count)s cell was %(form)s and decoded. Check that the texts are correct.",
                    "%(count)s cells were %(form)s and decoded. Check that the texts are correct.",
                    count,
                    form=_CELL_DECODERS[code][1],
                ),
            )
        yield from self._replaced.notes


def _formula_text(formula: re.Match[str]) -> str:
    """Return the text that a formula such as `="0012"` shows."""
    return formula[1].replace('""', '"')


def _never_closed(rows: int) -> UnreadableFile:
    return UnreadableFile(
        "quotation_mark_never_closed",
        Message(
            'After row %(row)s a quotation mark (") is opened and never closed, so it is unclear '
            "where the rows end. Close or delete the quotation mark and upload the file again.",
            row=rows,
        ),
    )


def _text_after_quotation_mark(row: int) -> UnreadableFile:
    return UnreadableFile(
        "text_after_quotation_mark",
        Message(
            "Row %(row)s continues over several lines, and text follows directly after a closing "
            'quotation mark ("), so it is unclear where the row ends. Write a quotation mark inside '
            "a text twice, close each text with one, and upload the file again.",
            row=row,
        ),
    )


def _without_end_of_file(line: str) -> str:
    """Return a line without the mark by which DOS programs end a file; empty if nothing else is in it."""
    text = line.rstrip("\r\n")
    rest = text.rstrip(_END_OF_FILE)
    return line if rest == text else rest + line[len(text) :] if rest else ""


def _message(line: str) -> str:
    """Return the JSON object that some programs put before the first heading, or an empty text."""
    if not line.startswith("{"):
        return ""
    try:
        _, end = json.JSONDecoder().raw_decode(line[:_HEADER_CHARACTERS])
    except (ValueError, RecursionError):
        return ""
    return line[:end]


def _delimiter(records: Iterator[str]) -> str:
    """Return the most frequent delimiter of the first record that looks like a header row.

    Return that of the first record that is not blank if no record has enough fields for a header row, because a title
    may come before the headings; a comma if all are blank.
    """
    first = None
    for record in records:
        outside = "".join(record[:_HEADER_CHARACTERS].split('"')[::2])
        most = max(_DELIMITERS, key=outside.count)
        if outside.count(most) >= _HEADINGS - 1:
            return most
        if first is None and record.strip():
            first = most
    return first or ","
