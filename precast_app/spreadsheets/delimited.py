"""Delimited text: UTF-8, with a comma, a semicolon or a tab between the fields."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import TYPE_CHECKING, BinaryIO

from precast_app.spreadsheets.errors import (
    FileRefused,
    cell_too_long,
    too_many_columns,
    too_many_rows,
)
from precast_app.spreadsheets.sheet import HEAD_ROWS, Limits, SheetRow, SheetScan

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_DELIMITERS = ",;\t"
_HEADER_CHARACTERS = 1024 * 1024  # of the first line, to tell the delimiter by


class DelimitedBook:
    """A Book of one sheet without a name. Every cell is a str."""

    format = "csv"
    sheets = ("",)

    def __init__(self, file: BinaryIO, limits: Limits) -> None:
        """Raises FileRefused when the first line is not UTF-8."""
        self._file = file
        self._limits = limits
        self._delimiter = _delimiter(next(self._lines(), ""))

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
        limits, count = self._limits, 0
        try:
            for number, cells in enumerate(csv.reader(self._lines(), delimiter=self._delimiter), 1):
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
                yield SheetRow(number, cells)
        except csv.Error as error:
            # The only one that this reader knows besides its arguments: a field without an end.
            raise FileRefused(
                "cell_too_long",
                f"After row {count} a field goes on for more than {limits.cell_characters} "
                'characters. Look for a quotation mark (") that is opened there and never closed.',
            ) from error

    def _lines(self) -> Iterator[str]:
        """The file's lines with their ends, which quoted fields may contain."""
        self._file.seek(0)
        # The wrapper would close the file with itself: it gets a view that it may close.
        text = io.TextIOWrapper(io.BufferedReader(_Unclosed(self._file)), encoding="utf-8-sig", newline="")
        try:
            for line in text:
                if "\0" in line:
                    raise FileRefused(
                        "not_a_spreadsheet",
                        "The file contains zero bytes, which no text has. Open it in Excel, save "
                        "it as CSV UTF-8 and upload that file.",
                    )
                yield line
        except UnicodeDecodeError as error:
            raise not_utf8() from error


class _Unclosed(io.RawIOBase):
    """Reads a file from its start, whatever others do with its position, and leaves it open."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._position = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        view = memoryview(buffer).cast("B")
        self._file.seek(self._position)
        data = self._file.read(len(view))
        self._position += len(data)
        view[: len(data)] = data
        return len(data)


def not_utf8() -> FileRefused:
    """The refusal of a text in another encoding."""
    return FileRefused(
        "not_utf8",
        "The text file is not encoded as UTF-8, so that letters beyond A to Z would be wrong. Open "
        'it in Excel, choose Save As and the type "CSV UTF-8 (Comma delimited)", and upload that '
        "file.",
    )


def _delimiter(header: str) -> str:
    """The delimiter that the first line has most of outside quotation marks; a comma if none."""
    outside = "".join(header[:_HEADER_CHARACTERS].split('"')[::2])
    return max(_DELIMITERS, key=outside.count)
