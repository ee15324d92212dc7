"""A large worksheet that two processes scan: the result is that of one process, whatever is wrong with the sheet."""

from __future__ import annotations

import io
import multiprocessing
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from precast_app.spreadsheets import CellError, Limits, MergedRange, UnreadableFile, column_letter, open_book
from precast_app.spreadsheets.xlsx.row_split import rows_before_split, rows_behind_split
from tests.unit import xlsx_files

ROWS = 4_000
LAST = f'<row r="{ROWS}">'
# So much text that the sheet has 9 MiB of XML.
_PADDING = "precast " * 290


def rows(**replaced: str) -> str:
    """Return the XML of the rows, with some replaced: `row7="…"`."""
    return "".join(
        replaced.get(f"row{number}", f'<row r="{number}"><c r="A{number}"><v>{number}</v></c>{text(number)}</row>')
        for number in range(1, ROWS + 1)
    )


def text(number: int) -> str:
    return f'<c r="B{number}" t="inlineStr"><is><t>{_PADDING}</t></is></c>'


def forks(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return a list that gets an entry for each child process that starts."""
    started: list[str] = []
    process = multiprocessing.get_context("fork").Process
    start = process.start

    def counted(self: multiprocessing.Process) -> None:
        started.append(self.name)
        start(self)

    monkeypatch.setattr(process, "start", counted)
    return started


@pytest.fixture(autouse=True)
def no_process_is_left() -> Iterator[None]:
    yield
    assert multiprocessing.active_children() == []


def test_both_parts_are_counted_and_the_head_is_that_of_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    started = forks(monkeypatch)
    sheet = rows(
        row10='<row r="10"><c r="B10" t="e"><v>#N/A</v></c></row>',
        row3990='<row r="3990"><c r="D3990" t="e"><v>#REF!</v></c></row>',
        row3991='<row r="3991"><c r="A3991" t="s"><v>0</v></c></row>',
        row3992='<row r="3992"><c r="A3992" t="s"><v>1</v></c></row>',
    )
    after = '<mergeCells count="1"><mergeCell ref="A3995:A3996"/></mergeCells>'
    scan = open_book(xlsx_files.workbook(sheet, "<si><t> </t></si><si><t>x</t></si>", after)).scan("S")
    assert len(started) == 1
    assert scan.row_count == ROWS - 1
    assert [row.number for row in scan.head][:3] == [1, 2, 3]
    assert scan.error_cells == {(10, 2): CellError("#N/A"), (3990, 4): CellError("#REF!")}
    assert scan.merged == (MergedRange(3995, 1, 3996, 1),)


def test_a_file_on_disk_is_read_at_two_positions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started = forks(monkeypatch)
    path = tmp_path / "types.xlsx"
    path.write_bytes(xlsx_files.workbook(rows()).getvalue())
    with path.open("rb") as file:
        for _ in range(5):
            assert open_book(file).scan("S").row_count == ROWS
    assert len(started) == 5


@pytest.mark.parametrize(
    ("replaced", "limits", "message"),
    [
        ({"row3990": '<row r="5"><c r="A5"><v>1</v></c></row>'}, Limits(), "row 5 comes after row 3989"),
        ({"row3990": '<row r="3990"><c r="A3990" t="s"><v>7</v></c></row>'}, Limits(), "text that is not in"),
        ({"row3990": '<row r="3990"><c r="A7"><v>1</v></c></row>'}, Limits(), "row 3990 contains a cell 'A7'"),
        ({"row3990": '<row r="3990"><c r="ZZ3990"><v>1</v></c></row>'}, Limits(columns=500), "Row 3990"),
        ({}, Limits(rows=ROWS - 1), f"{ROWS - 1} rows"),
        ({}, Limits(cells=2 * ROWS - 1), "cells or more"),
    ],
)
def test_what_is_wrong_behind_the_split_is_said_as_in_one_process(
    replaced: dict[str, str], limits: Limits, message: str
) -> None:
    with pytest.raises(UnreadableFile, match=re.escape(message)):
        open_book(xlsx_files.workbook(rows(**replaced)), limits).scan("S")


def test_a_head_that_ends_behind_the_split_is_whole() -> None:
    letters = [column_letter(number) for number in range(1, 120)]
    cells = "".join(f'<c r="{letter}0000" s="1"/>' for letter in letters)
    blank = "".join(f'<row r="{number}">{cells.replace("0000", str(number))}</row>' for number in range(1, 3_990))
    few = "".join(f'<row r="{number}"><c r="A{number}"><v>{number}</v></c></row>' for number in range(3_990, 4_020))
    scan = open_book(xlsx_files.workbook(blank + few)).scan("S")
    assert scan.row_count == 30
    assert [row.number for row in scan.head] == [*range(3_990, 4_010)]


def test_rows_in_an_unusual_form_behind_the_split_are_parsed() -> None:
    book = open_book(xlsx_files.workbook(rows(row3990="<row r='3990'><c r='A3990'><v>17</v></c></row>")))
    assert book.scan("S").row_count == ROWS
    assert [row.cells[0] for row in book.rows("S") if row.number == 3990] == [17]


def test_a_false_checksum_behind_the_split_is_noticed() -> None:
    data = bytearray(xlsx_files.workbook(rows()).getvalue())
    directory = data.rfind(xlsx_files.SHEET_PART.encode()) - 46
    data[directory + 16] ^= 1
    with pytest.raises(UnreadableFile, match="was changed during the transfer"):
        open_book(io.BytesIO(bytes(data))).scan("S")


def test_a_scan_whose_second_process_is_killed_is_done_by_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    process = multiprocessing.get_context("fork").Process
    start = process.start

    def killed(self: multiprocessing.Process) -> None:
        start(self)
        self.kill()

    monkeypatch.setattr(process, "start", killed)
    assert open_book(xlsx_files.workbook(rows())).scan("S").row_count == ROWS


ONE, TWO = '<row r="1"><c r="A1"/></row>', '<row r="2"><c r="A2"/></row>'
HEAD, TAIL = "<worksheet><cols/><sheetData>", "</sheetData><mergeCells/></worksheet>"


@pytest.mark.parametrize("size", [1, 3, 7, 1000])
@pytest.mark.parametrize("offset", [0, len(HEAD), len(HEAD + ONE) - 6])
def test_a_split_is_behind_the_first_row_that_ends_behind_the_offset(offset: int, size: int) -> None:
    assert split((HEAD + ONE + TWO + TAIL).encode(), offset, size) == (
        f"{HEAD}{ONE}</sheetData></worksheet>".encode(),
        f"<worksheet><sheetData>{TWO}{TAIL}".encode(),
    )


@pytest.mark.parametrize("size", [1, 3, 7, 1000])
@pytest.mark.parametrize("offset", [len(HEAD + ONE) - 5, len(HEAD + ONE + TAIL), 10_000])
def test_without_a_row_behind_the_offset_there_is_no_split(offset: int, size: int) -> None:
    whole = (HEAD + ONE + TAIL).encode()
    assert split(whole, offset, size) == (whole, b"")


def split(whole: bytes, offset: int, size: int) -> tuple[bytes, bytes]:
    """Return both parts of a worksheet that is read in chunks of `size` bytes."""

    def chunks() -> Iterator[bytes]:
        return (whole[start : start + size] for start in range(0, len(whole), size))

    return b"".join(rows_before_split(chunks(), offset)), b"".join(rows_behind_split(chunks(), offset))
