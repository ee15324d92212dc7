"""Book whose rows are read in a child process, while this process works on the rows before them."""

from __future__ import annotations

import logging
import multiprocessing
import os
import stat
from collections.abc import Iterator, Set
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path

from precast_app.spreadsheets.sheet import Book, Cell, ReaderNote, SheetRow, SheetScan

log = logging.getLogger(__name__)

# Fewer rows are read in less time than a process needs to start.
_MIN_ROWS = 1_000
_CELLS_PER_MESSAGE = 10_000
_FIRST_DESCRIPTOR_AFTER_STDERR = 3
# A child inherits the open file and needs neither the modules nor the arguments again.
_FORK = multiprocessing.get_context("fork")

_Cells = list[tuple[int, list[Cell]]]


@dataclass(frozen=True, slots=True)
class _End:
    """Last message of a child: the reader's notes, and the exception that ended the reading."""

    notes: tuple[ReaderNote, ...] = ()
    error: Exception | None = None


class BackgroundBook:
    """Book over another one. Its sheets with many rows are read in a child process if there are two processors.

    Nobody else may read from the file while rows are read: both processes share its position.
    """

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
        if self.scan(sheet).row_count >= _MIN_ROWS and (os.cpu_count() or 1) > 1:
            try:
                with _running(partial(_send_rows, self._book, sheet, shown_columns)) as receiver:
                    while not isinstance(message := receiver.recv(), _End):
                        for number, cells in message:
                            yield SheetRow(number, cells)
            except (EOFError, OSError) as error:
                log.warning(
                    "The process that reads the file ended after row %d; the rest is read here: %r", number, error
                )
            else:
                if message.error is not None:
                    raise message.error
                self._notes = message.notes
                return
        yield from (row for row in self._book.rows(sheet, shown_columns) if row.number > number)


@contextmanager
def _running(send: partial[None]) -> Iterator[Connection]:
    """Run a function in a child process, and yield the end of the pipe at which its messages arrive."""
    receiver, sender = _FORK.Pipe(duplex=False)
    child = _FORK.Process(target=_run_child, args=(send, receiver, sender), daemon=True)
    child.start()
    sender.close()
    try:
        yield receiver
    finally:
        receiver.close()
        child.kill()
        child.join()
        child.close()


def _run_child(send: partial[None], receiver: Connection, sender: Connection) -> None:
    # With the only other end closed, a child whose parent was killed ends with its next message.
    receiver.close()
    _close_sockets(keep=sender.fileno())
    try:
        send(sender)
    except BrokenPipeError:
        pass  # the parent needs no more rows
    except Exception as error:
        sender.send(_End(error=error))


def _close_sockets(keep: int) -> None:
    """Close the inherited connections, so that the database notices when the parent is killed."""
    for descriptor in [int(each.name) for each in Path("/dev/fd").iterdir()]:
        if descriptor >= _FIRST_DESCRIPTOR_AFTER_STDERR and descriptor != keep and _is_socket(descriptor):
            os.close(descriptor)


def _is_socket(descriptor: int) -> bool:
    try:
        return stat.S_ISSOCK(os.fstat(descriptor).st_mode)
    except OSError:  # the descriptor by which the list was read
        return False


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
