"""Workbooks of Excel 5 and 95, also those that say wrongly how their texts are encoded, or have damaged containers."""

from __future__ import annotations

import io
import struct
import time
from typing import Any

import pytest

from precast_app.spreadsheets import Limits, UnreadableFile, open_book
from precast_app.spreadsheets.xls_container import workbook_stream
from tests.unit.old_workbooks import biff5, container

ROWS = (("Element Type", "Element Type Name", "Height"), ("FAÇADE", "Wänd-1", 3000.0))


def read(content: bytes) -> tuple[list[list[object]], list[str]]:
    """Return the cells of the first sheet, and the codes of the reader's warnings."""
    book = open_book(io.BytesIO(content), Limits())
    cells: list[list[object]] = [[*row.cells] for row in book.rows(book.sheets[0])]
    return cells, [note.code for note in book.notes if note.severity == "warning"]


@pytest.mark.parametrize(
    ("code_page", "encoding", "warnings"),
    [
        (1252, "cp1252", []),
        (10000, "mac_roman", []),
        (None, "cp1252", []),
        (0, "cp1252", ["unknown_text_encoding"]),
        (65001, "utf-8", ["unknown_text_encoding"]),
        (1200, "cp1252", ["unknown_text_encoding"]),
    ],
)
def test_an_old_workbook_is_read_whatever_it_says_of_its_encoding(
    code_page: int | None, encoding: str, warnings: list[str]
) -> None:
    assert read(container(biff5(ROWS, code_page, encoding))) == ([list(row) for row in ROWS], warnings)


@pytest.mark.parametrize(
    "wrong",
    [{"is_overlapping": True}, {"byte_order": 0xFEFF}, {"extra_bytes": 100_000}],
)
def test_a_workbook_whose_container_is_wrong_is_read_with_a_warning(wrong: dict[str, Any]) -> None:
    found, warnings = read(container(biff5(ROWS, 1252, "cp1252"), **wrong))
    assert (found, warnings) == ([list(row) for row in ROWS], ["repaired_workbook"])


@pytest.mark.parametrize("tokens", [b"\x2d" + bytes(8), b"\x1e\x01\x00\x1e\x02\x00", b"\xff", b"\x03"])
def test_a_defined_name_with_a_formula_that_cannot_be_evaluated_is_ignored(tokens: bytes) -> None:
    content = container(biff5(ROWS, 1252, "cp1252", name_formula=tokens))
    assert read(content) == ([list(row) for row in ROWS], [])


@pytest.mark.parametrize("content", [b"", bytes(600), container(b"")[:600], container(b"").replace(b"B", b"C")])
def test_a_container_without_a_workbook_has_no_stream(content: bytes) -> None:
    assert not workbook_stream(content)


def test_a_workbook_that_breaks_off_is_damaged() -> None:
    with pytest.raises(UnreadableFile) as refused:
        read(container(biff5(ROWS, 1252, "cp1252"))[:1200])
    assert refused.value.code == "damaged_workbook"


@pytest.mark.parametrize("kind", [0x1C, 0x5D, 0x1B6, 0x1B8, 0x800])
def test_a_comment_a_link_or_a_drawing_in_an_unknown_form_is_ignored(kind: int) -> None:
    content = container(biff5(ROWS, 1252, "cp1252", more_records=[(kind, b"\1\0\2\0\3\0\7")]))
    assert read(content) == ([list(row) for row in ROWS], [])


def test_a_single_cell_far_below_and_to_the_right_makes_no_rows_longer() -> None:
    far = (0x203, struct.pack("<HHHd", 16_000, 250, 0, 1.0))
    content = container(biff5(ROWS, 1252, "cp1252", more_records=[far]))
    start = time.process_time()
    found, _ = read(content)
    assert found == [*[list(row) for row in ROWS], [*[""] * 250, 1.0]]
    # Rows of equal length would have 4 million cells.
    assert time.process_time() - start < 2


@pytest.mark.parametrize(
    ("name", "code", "kind"),
    [
        ("WordDocument", "not_a_spreadsheet", "a Word document"),
        ("PowerPoint Document", "not_a_spreadsheet", "a PowerPoint presentation"),
        ("__properties_version1.0", "not_a_spreadsheet", "an Outlook message"),
        ("NativeContent_MAIN", "unsupported_format", "a Quattro Pro workbook"),
        ("\x05SummaryInformation", "not_a_spreadsheet", "a document of another program"),
        ("Workbooks", "damaged_workbook", "Excel 97 to 2003"),
    ],
)
def test_another_document_in_the_same_container_is_named(name: str, code: str, kind: str) -> None:
    with pytest.raises(UnreadableFile) as refused:
        read(container(b"x", name=name))
    assert (refused.value.code, kind in str(refused.value)) == (code, True)
