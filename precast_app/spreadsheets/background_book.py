"""Book whose rows are read in a child process, while this process works on the rows before them."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Set
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection

from precast_app.spreadsheets import background_process
from precast_app.spreadsheets.sheet import Book, Cell, ReaderNote, SheetRow, SheetScan

log = logging.getLogger(__name__)

# Fewer rows are read in less time than a process needs to start.
_MIN_ROWS = 1_000
_CELLS_PER_MESSAGE = 10_000

_Cells = list[tuple[int, list[Cell]]]


@dataclass(frozen=True, slots=True)
class _End:
    """Last message of a child that has read all rows: the reader's notes."""

    notes: tuple[ReaderNote, ...]


class BackgroundBook:
    """Book over another one. Its sheets with many rows are read in a child process if there are two processors."""

    def __init__(self, book: Book) -> None:
        self._book = book
        self._notes: tuple[ReaderNote, ...] | None = None
        self.format = book.format
        self.sheets = book.sheets
        self.hidden_sheets = book.hidden_sheets
        self.decimal_comma = book.decimal_comma

    @property
    def notes(self) -> tuple[ReaderNote, ...]:
        """See Book."""
        return self._book.notes if self._notes is None else self._notes

    def scan(self, sheet: str) -> SheetScan:
        """See Book."""
        return self._book.scan(sheet)

    def rows(self, sheet: str, shown_columns: Set[int] | None = None) -> Iterator[SheetRow]:
        """See Book. If the child process can't start, or is killed, this process reads the rows that are left."""
        self._notes = None
        number = 0
        if self.scan(sheet).row_count >= _MIN_ROWS and background_process.has_second_processor():
            try:
                with background_process.running(partial(_send_rows, self._book, sheet, shown_columns)) as receiver:
                    while isinstance(message := receiver.recv(), list):
                        for number, cells in message:
                            yield SheetRow(number, cells)
            except (EOFError, OSError) as error:
                log.warning(
                    "The process that reads the file ended after row %d; the rest is read here: %r", number, error
                )
            else:
                if isinstance(message, Exception):
                    raise message
                self._notes = message.notes
                return
        yield from (row for row in self._book.rows(sheet, shown_columns) if row.number > number)


def _send_rows(book: Book, sheet: str, shown_columns: Set[int] | None, sender: Connection) -> None:
    rows: _Cells = []
    cell_count = 0
    for row in book.rows(sheet, shown_columns):
        rows.append((row.number, list(row.cells)))
        cell_count += len(row.cells)
        if cell_count >= _CELLS_PER_MESSAGE:
            sender.send(rows)
            rows, cell_count = [], 0
    if rows:
        sender.send(rows)
    sender.send(_End(book.notes))
