"""Rows that a child process reads are those that the book itself reads, whatever happens to the child."""

from __future__ import annotations

import io
import logging
import multiprocessing
import subprocess
import sys
import time
from collections.abc import Generator, Iterator
from contextlib import closing, suppress
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import cast

import psutil
import pytest
import xlsxwriter

from precast_app.spreadsheets import BackgroundBook, Book, FormattedNumber, SheetRow, UnreadableFile, open_book
from tests.conftest import ROOT
from tests.unit import ods_files, xlsx_files

# More than the first message and a pipe hold, so that the child waits until its rows are read.
ROWS = 3_000


def excel() -> io.BytesIO:
    file = io.BytesIO()
    with xlsxwriter.Workbook(file) as book:
        sheet = book.add_worksheet("Types")
        metres, padded, day = (book.add_format({"num_format": code}) for code in ('0.0 "m"', "0000", "yyyy-mm-dd"))
        for row in range(ROWS):
            sheet.write_row(row, 0, [f"W-{row}", row / 4, row % 2 == 0, None, "ä\n"])
            sheet.write_number(row, 5, row, metres)
            sheet.write_number(row, 6, row, padded)
            sheet.write_datetime(row, 7, datetime(2026, 3, 1), day)  # noqa: DTZ001 # a cell has no time zone
            sheet.write_formula(row, 8, "=1/0", None, "#DIV/0!")
    return file


def delimited() -> io.BytesIO:
    # Excel has replaced a text by a date in every hundredth row, of which the reader takes note.
    more = ";".join(map(str, range(10, 20)))
    rows = (f"W-{row};{'01-Feb' if row % 100 == 0 else 'WALL'};{row},5;{more}" for row in range(ROWS))
    return io.BytesIO("\r\n".join(rows).encode("cp1252"))


def opendocument() -> io.BytesIO:
    more = [ods_files.text(str(number)) for number in range(10)]
    rows = (ods_files.row(ods_files.number(str(row), f"{row}.0 m"), *more) for row in range(ROWS))
    return io.BytesIO(ods_files.ods(ods_files.table("".join(rows))))


@pytest.fixture(params=[excel, delimited, opendocument])
def file(request: pytest.FixtureRequest) -> io.BytesIO:
    made: io.BytesIO = request.param()
    return made


@pytest.fixture(autouse=True)
def no_process_is_left() -> Iterator[None]:
    yield
    assert multiprocessing.active_children() == []


def background(file: io.BytesIO) -> BackgroundBook:
    return BackgroundBook(open_book(file))


def shown(book: Book) -> list[tuple[int, list[object], list[str | None]]]:
    """Return number, cells and what formatted cells show, of each row."""
    return [
        (row.number, list(row.cells), [cell.shown for cell in row.cells if isinstance(cell, FormattedNumber)])
        for row in book.rows(book.sheets[0])
    ]


def test_rows_and_notes_are_those_of_the_book(file: io.BytesIO) -> None:
    plain, read_ahead = open_book(file), background(file)
    rows = shown(plain)
    assert len(rows) == ROWS
    for _ in range(2):
        assert shown(read_ahead) == rows
        assert read_ahead.notes == plain.notes
    assert plain.notes


def test_reading_may_end_before_the_last_row(file: io.BytesIO) -> None:
    book = background(file)
    with closing(cast(Generator[SheetRow, None, None], book.rows(book.sheets[0]))) as rows:
        assert [row.number for row in islice(rows, 2)] == [1, 2]
    assert [row.number for row in islice(book.rows(book.sheets[0]), 2)] == [1, 2]


def test_few_rows_are_read_without_a_process() -> None:
    book = background(xlsx_files.workbook('<row r="1"><c r="A1"><v>1</v></c></row><row r="2"><c r="A2"/></row>'))
    rows = book.rows(book.sheets[0])
    next(rows)
    assert multiprocessing.active_children() == []
    assert list(rows) == []


def test_a_child_that_is_killed_loses_no_row(file: io.BytesIO, caplog: pytest.LogCaptureFixture) -> None:
    rows, book = shown(open_book(file)), background(file)
    read: list[tuple[int, list[object]]] = []
    with caplog.at_level(logging.WARNING):
        for row in book.rows(book.sheets[0]):
            if not read:
                [child] = multiprocessing.active_children()
                child.kill()
                child.join()
            read.append((row.number, list(row.cells)))
    assert read == [(number, cells) for number, cells, _ in rows]
    assert "the rest is read here" in caplog.text


def test_the_error_of_an_unreadable_row_is_that_of_the_book() -> None:
    def cells(row: int, text: int) -> str:
        return f'<row r="{row}"><c r="A{row}" t="s"><v>{text}</v></c></row>'

    sheet = "".join(cells(row, 0 if row < ROWS else 7) for row in range(1, ROWS + 1))
    file = xlsx_files.workbook(sheet, strings="<si><t>a</t></si>")
    plain, read_ahead = open_book(file), background(file)
    errors = []
    for book in (plain, read_ahead):
        with pytest.raises(UnreadableFile, match="refers to a text") as raised:
            list(book.rows(book.sheets[0]))
        errors.append((raised.value.code, raised.value.message, raised.value.message.parts))  # type: ignore[attr-defined] # a Message
    assert errors[0] == errors[1]


_READER = """
import multiprocessing, sys, time
from precast_app.spreadsheets import BackgroundBook, open_book
book = BackgroundBook(open_book(open(sys.argv[1], "rb")))
next(rows := book.rows(book.sheets[0]))
print(multiprocessing.active_children()[0].pid, flush=True)
time.sleep(60)
"""


def test_a_child_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "types.xlsx"
    path.write_bytes(excel().getvalue())
    with subprocess.Popen([sys.executable, "-c", _READER, path], stdout=subprocess.PIPE, cwd=ROOT) as parent:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
        parent.kill()
    # Where no process collects ended orphans, they stay as zombies.
    with suppress(psutil.NoSuchProcess):
        end = time.monotonic() + 30
        while child.status() != psutil.STATUS_ZOMBIE:
            assert time.monotonic() < end, "the child goes on reading"
            time.sleep(0.05)
