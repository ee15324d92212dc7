"""Delimited text, as offices save it: several encodings, a comma, a semicolon or a tab between the fields."""

from __future__ import annotations

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import BinaryIO

from precast_app.spreadsheets.errors import UnreadableFile, cell_too_long, too_many_columns, too_many_rows
from precast_app.spreadsheets.sheet import HEAD_ROWS, Limits, Note, SheetRow, SheetScan
from precast_app.spreadsheets.text_decoding import NonClosingReader, decode_html_entities, decode_utf_7, encoding_of

_DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab"}
_HEADER_CHARACTERS = 1024 * 1024  # of the first line, to tell the delimiter by
_HEADINGS = 10  # as many as a header row of element types has at least
_SEPARATOR = re.compile(r'"?sep=([,;\t])"?[,;\t]*+\s*', re.IGNORECASE)

# Rows that are looked at for what stands between the whole and the decimals.
_NUMBER_ROWS = 2_000
# A comma or a point that can't stand between thousands.
_COMMA = re.compile(r"\A\s*[+-]?(?:\d{1,3}(?:[. ]\d{3})+,\d+|\d+,(?:\d{1,2}|\d{4,})|\d{4,},\d+|0+,\d+)\s*")
_EITHER = re.compile(r"\A\s*[+-]?[1-9]\d{0,2},\d{3}\s*")
_POINT = re.compile(r"\A\s*[+-]?(?:\d{1,3}(?:[, ]\d{3})+\.\d+|\d+\.(?:\d{1,2}|\d{4,})|\d{4,}\.\d+|0+\.\d+)\s*")

_ENCODINGS = {"utf-16": "UTF-16", "utf-16-le": "UTF-16", "utf-16-be": "UTF-16"}
_CELL_DECODERS = {
    "utf_7": (decode_utf_7, "written in UTF-7 (+ACY- for &)"),
    "html_entities": (decode_html_entities, "written as HTML (&amp; for &)"),
}


class DelimitedBook:
    """A Book of one sheet without a name. Every cell is a str."""

    format = "csv"
    sheets = ("",)

    def __init__(self, file: BinaryIO, limits: Limits) -> None:
        """Raises UnreadableFile for bytes that are no text."""
        self._file = file
        self._limits = limits
        self._encoding = encoding_of(file)
        first = next(self._text(), "")
        # What stands before the headings and is not of them: a message of the program that sent the file, a `sep=`.
        self._message = _message(first)
        rest = first[len(self._message) :]
        separator = _SEPARATOR.fullmatch(rest)
        self._skipped = 1 if separator else 0
        self._delimiter = separator[1] if separator else _delimiter(self._first_records())
        self._declared = separator is not None
        self._mended: Counter[str] = Counter()
        self._suspicious = False
        self._record: list[str] = []
        self._unsure: str | None = None
        self.decimal_comma = self._delimiter != "," and self._has_decimal_commas()

    @property
    def notes(self) -> tuple[Note, ...]:
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

    def rows(self, sheet: str) -> Iterator[SheetRow]:
        """See Book. A record's number is that of the row in which Excel would show it."""
        if sheet not in self.sheets:
            raise KeyError(sheet)
        self._mended.clear()
        limits, count = self._limits, 0
        record: list[str] = []
        self._record = []
        try:
            for number, cells in enumerate(csv.reader(self._lines(), delimiter=self._delimiter), 1):
                record, self._record = self._record, []
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
                if self._suspicious:
                    self._suspicious = False
                    cells = [self._decode_cell(cell) for cell in cells]
                yield SheetRow(number, cells)
        except csv.Error as error:
            # The only one that this reader knows besides its arguments: a field that goes on and on. Over several lines
            # it does so since it is quoted.
            if len(self._record) > 1:
                raise _never_closed(count) from error
            raise cell_too_long(0, 0, limits) from error
        if self._is_open(record):
            raise _never_closed(count - 1)

    def _is_open(self, record: list[str]) -> bool:
        """Whether the file ended inside quotation marks that its last record opened."""
        if not any('"' in line for line in record):
            return False
        try:
            list(csv.reader(record, delimiter=self._delimiter, strict=True))
        except csv.Error as error:
            return "unexpected end" in str(error)
        return False

    def _text(self) -> Iterator[str]:
        """The file's lines as they are."""
        self._file.seek(0)
        # The wrapper would close the file with itself: it gets a view that it may close.
        yield from io.TextIOWrapper(
            io.BufferedReader(NonClosingReader(self._file)), encoding=self._encoding, newline=""
        )

    def _first_records(self) -> Iterator[str]:
        """The first records without what stands before the headings, each with the line ends inside of its quotes."""
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
        """The lines of the table, which quoted fields may contain the ends of."""
        for number, line in enumerate(self._text()):
            if "\0" in line:
                raise UnreadableFile(
                    "not_a_spreadsheet",
                    "The file contains zero bytes, which no text has. Open it in Excel, save "
                    "it as CSV UTF-8 and upload that file.",
                )
            if number < self._skipped:
                continue
            if "&" in line or "+" in line:
                self._suspicious = True
            line = line.removeprefix(self._message) if number == 0 else line
            self._record.append(line)
            yield line

    def _decode_cell(self, cell: str) -> str:
        for code, (mend, _) in _CELL_DECODERS.items():
            mended = mend(cell)
            if mended != cell:
                self._mended[code] += 1
                cell = mended
        return cell

    def _has_decimal_commas(self) -> bool:
        """Whether commas stand before decimals; where nothing tells, they do in a file that they don't divide."""
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
            self._unsure = either
        return commas >= points

    def _notes(self) -> Iterator[Note]:
        how = "as its first line says" if self._declared else "by its headings"
        yield Note("info", "delimiter", f"The fields were divided at each {_DELIMITERS[self._delimiter]}, {how}.")
        if self._encoding == "cp1252":
            yield Note(
                "warning",
                "windows_1252",
                "The file is not in UTF-8 and was read as Windows-1252. If letters such as ä, é or ø are wrong, save "
                "it as CSV UTF-8 and upload it again.",
            )
        elif self._encoding in _ENCODINGS:
            yield Note("info", "encoding", f"The file was read as {_ENCODINGS[self._encoding]}.")
        if self._unsure:
            read = self._unsure.strip().replace(",", ".")
            yield Note(
                "warning",
                "decimal_sign",
                f"Decimals were read after a comma, so that {self._unsure.strip()} is {read}; the file does not tell "
                "for sure. If it means thousands, write numbers without a sign between them.",
            )
        elif self._delimiter != ",":
            sign = "comma" if self.decimal_comma else "point"
            yield Note("info", "decimal_sign", f"Decimals were read after a {sign}.")
        if self._message:
            yield Note(
                "warning",
                "message_before_headings",
                f"A message stood before the first heading and was left out: {self._message[:200]}",
            )
        for code, count in self._mended.items():
            cells = "1 cell was" if count == 1 else f"{count} cells were"
            yield Note(
                "warning", code, f"{cells} {_CELL_DECODERS[code][1]} and decoded. Look whether their texts are right."
            )


def _never_closed(rows: int) -> UnreadableFile:
    return UnreadableFile(
        "quotation_mark_never_closed",
        f'After row {rows} a quotation mark (") is opened and never closed, so that it is unclear where the rows end. '
        "Close it or take it out, and upload the file again.",
    )


def _message(line: str) -> str:
    """A JSON object that something has glued before the first heading."""
    if not line.startswith("{"):
        return ""
    try:
        _, end = json.JSONDecoder().raw_decode(line[:_HEADER_CHARACTERS])
    except (ValueError, RecursionError):
        return ""
    return line[:end]


def _delimiter(records: Iterator[str]) -> str:
    """What divides the first record that it divides often, else the first one that is not blank; a comma if nothing.

    Before the headings there may be a title, or the rest of a message.
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
