"""Text that a spreadsheet program would run as a formula is written harmlessly and reads back unchanged."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from precast_app.exporting import safe_text
from precast_app.importing import cell_parsing
from precast_app.importing.schema import BASE_COLUMNS, GROUP_SPECS
from precast_app.spreadsheets import (
    Limits,
    ensure_escaped,
    escape_formula,
    open_book,
    protect_from_decoding,
    unescape_formula,
)
from precast_app.text import clean_text
from tests.conftest import ROOT

hostile = st.lists(
    st.sampled_from(
        ["=", "+", "-", "@", "＝", "＋", "－", "＠", "﹦", "'", '"', ";", ",", "|", "\t", "\n", "\r", " ", "\u00a0",
         "\u200b", "1", ".5", "e", "A1", "&", "&amp;", "&lt;", "&#61;", "+ACY-", "+-", "x", "\u2028", "\ufeff"]
    ),
    max_size=12,
).map("".join)  # fmt: skip


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("=1+1", "'=1+1"),
        ("'=1+1", "''=1+1"),
        ("W1;=3+3;x", "W1;'=3+3;x"),
        ("W1;'=3+3", "W1;''=3+3"),
        ('a;"=3+3"', 'a;"\'=3+3"'),
        ("a\n\t=3+3", "a\n\t'=3+3"),
        ("＝1+1", "'＝1+1"),
        (" =1", " '=1"),
        ("\u200b=1", "\u200b'=1"),
        ("-5", "'-5"),
        ("W-101 = Wall, -5", "W-101 = Wall, -5"),
        ("'x", "'x"),
    ],
)
def test_signs_that_start_a_formula_are_escaped(text: str, written: str) -> None:
    assert escape_formula(text) == written
    assert unescape_formula(written) == text


@settings(max_examples=1_000, deadline=None)
@given(hostile)
def test_every_text_survives_escaping(text: str) -> None:
    assert unescape_formula(escape_formula(text)) == text
    assert ensure_escaped(escape_formula(text)) == escape_formula(text)


@settings(max_examples=1_000, deadline=None)
@given(hostile)
def test_a_copied_cell_reads_like_the_uploaded_cell(text: str) -> None:
    assert ensure_escaped(ensure_escaped(text)) == ensure_escaped(text)
    for read in (BASE_COLUMNS[0].parse, BASE_COLUMNS[2].parse, *(spec.parse for spec in GROUP_SPECS.values())):
        outcomes = []
        for cell in (text, ensure_escaped(text)):
            try:
                outcomes.append(read(cell))
            except cell_parsing.InvalidCell as bad:
                outcomes.append(bad.code)
        assert outcomes[0] == outcomes[1]


def fields(line: str) -> Iterator[str]:
    """Yield the cells of a line as read by programs with each list separator."""
    for delimiter in ",;\t|":
        for quoting in (csv.QUOTE_MINIMAL, csv.QUOTE_NONE) if delimiter != "," else (csv.QUOTE_MINIMAL,):
            for row in csv.reader(io.StringIO(line, newline=""), delimiter=delimiter, quoting=quoting):
                yield from row


@settings(max_examples=1_000, deadline=None)
@given(st.lists(hostile, min_size=1, max_size=4), st.booleans())
def test_a_line_of_csv_has_no_formula_whatever_separates_its_cells(found: list[str], is_stored: bool) -> None:
    line = safe_text.csv_line([protect_from_decoding(escape_formula(text)) for text in found] if is_stored else found)
    for field in fields(line):
        start = field.strip(' \t\r\n"\u00a0\u200b\u2028\ufeff')
        assert not re.match("[=+@＝＋－＠﹦-]", start), (line, field)


@settings(max_examples=500, deadline=None)
@given(st.lists(hostile.map(clean_text), min_size=1, max_size=4))
def test_stored_texts_survive_export_to_csv(found: list[str]) -> None:
    line = safe_text.csv_line(["x", *(protect_from_decoding(escape_formula(text)) for text in found)])
    header = safe_text.csv_line([column.heading for column in BASE_COLUMNS])
    book = open_book(io.BytesIO(f"\ufeff{header}{line}".encode()), Limits())
    for row in [*book.rows("")][1:]:
        assert [
            cell_parsing.parse_text(cell, max_length=1_000, blank="") for cell in row.cells[1 : len(found) + 1]
        ] == found


def test_only_safe_text_writes_text_into_files() -> None:
    """Numbers, dates and blank cells contain no text, so other modules may write them."""
    harmless = {"write_number", "write_datetime", "write_boolean", "write_blank"}
    own = ROOT / "precast_app" / "exporting" / "safe_text.py"
    for path in (ROOT / "precast_app").rglob("*.py"):
        source = path.read_text(encoding="utf-8")
        calls = set(re.findall(r"\.(write_\w+|merge_range|writerows?)\(", source)) - harmless
        if path != own and {"exporting", "api"} & set(path.parts):
            assert not calls and "xlsxwriter.Workbook(" not in source, (path, calls)


@pytest.mark.parametrize("title", ["A" * 40, "\U00017fff" * 20, "\U00017fff" * 40, "\ud800x", "A" * 31 + "\U00017fff"])
def test_the_title_of_an_input_message_is_cut_to_what_excel_shows(title: str) -> None:
    with safe_text.workbook(io.BytesIO()) as book:
        # XlsxWriter warns of a longer one, and leaves it out.
        safe_text.add_input_message(
            book.add_worksheet(), (3, 0, safe_text.LAST_ROW, 0), title, "\U00017fff" * 200, ["yes", "no"]
        )
