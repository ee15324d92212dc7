"""Small hostile files are read quickly, whatever they repeat."""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from functools import partial

import pytest

from precast_app.errors import JobFailed
from precast_app.exporting.annotating import excel
from precast_app.exporting.annotating.marks import Marks
from precast_app.importing import column_mapping, row_validation
from precast_app.importing.issues import Issue
from precast_app.importing.profiles import column_description
from precast_app.importing.reference_data import ReferenceData
from precast_app.models import Severity
from precast_app.spreadsheets import Book, MergedRange, MergedRangeSweep, UnreadableFile, column_letter, open_book
from precast_app.spreadsheets.merged_ranges import drop_overlapping
from tests import hostile_files

MAX_CPU_SECONDS = 3.0  # a reader whose time is not linear takes 10 seconds and more


def open_bytes(content: bytes) -> Book:
    return open_book(io.BytesIO(content))


def count_rows(content: bytes) -> None:
    column_mapping.count_rows(open_bytes(content))


def describe_columns(content: bytes) -> None:
    column_description.describe(open_bytes(content), ReferenceData(1))


def validate_rows(content: bytes) -> None:
    book = open_bytes(content)
    columns, _ = column_mapping.map_columns(book, ReferenceData(1))
    assert sum(1 for _ in row_validation.validate_rows(partial(book.rows, columns.sheet), columns)) > 900


def make_marks(content: bytes) -> None:
    book = open_bytes(content)
    issues = [
        Issue(
            severity=Severity.ERROR,
            code="not_a_number",
            message="Enter a number.",
            row=row,
            column=column_letter(column),
        )
        for row in range(3, 1_000)
        for column in range(1, 11)
    ]
    assert list(Marks(issues, book).in_sheet(book.sheets[0]))


def annotate(content: bytes) -> None:
    issues = [
        Issue(severity=Severity.ERROR, code="x", message="Fix it.", row=row, column=column)
        for row in range(2, 1_000)
        for column in "CDEF"
    ]
    file = io.BytesIO(content)
    excel.write(file, Marks(issues, open_book(file)), io.BytesIO())


@pytest.mark.parametrize(
    ("content", "use"),
    [
        (hostile_files.many_formats(300_000), annotate),
        (hostile_files.many_names(50_000), annotate),
        (hostile_files.many_comments(50_000), annotate),
        (hostile_files.many_parts(5_000), annotate),
        (hostile_files.tall_merges(90_000), annotate),
        (hostile_files.same_merges(90_000), count_rows),
        (hostile_files.tall_merges(90_000), validate_rows),
        (hostile_files.tall_merges(90_000), make_marks),
        (hostile_files.many_sheets(200), count_rows),
        (hostile_files.one_part_for_many_sheets(50_000), count_rows),
        (hostile_files.repeated_rows(190_000), count_rows),
        (hostile_files.long_texts(50_000), count_rows),
        (hostile_files.many_names(50_000), count_rows),
        (hostile_files.same_merges(90_000), describe_columns),
        (hostile_files.tall_merges(90_000), describe_columns),
        (hostile_files.many_sheets(200), describe_columns),
        (hostile_files.repeated_rows(190_000), describe_columns),
        (hostile_files.long_texts(50_000), describe_columns),
        (hostile_files.many_names(50_000), describe_columns),
    ],
    ids=lambda value: value.__name__ if callable(value) else f"{len(value)} bytes",
)
def test_a_hostile_file_is_read_quickly(content: bytes, use: Callable[[bytes], None]) -> None:
    began = time.process_time()
    try:
        use(content)
    except UnreadableFile as refused:
        assert refused.code in ("damaged_workbook", "too_much_text")
    except JobFailed as failed:
        assert "No header row" in str(failed)
    assert time.process_time() - began < MAX_CPU_SECONDS


def test_overlapping_merged_ranges_are_dropped() -> None:
    first, beside, below = MergedRange(1, 1, 3, 2), MergedRange(2, 3, 2, 5), MergedRange(4, 1, 9, 1)
    bad = (MergedRange(1, 1, 3, 2), MergedRange(3, 2, 3, 3), MergedRange(2, 5, 8, 6), MergedRange(5, 5, 4, 6))
    found = drop_overlapping([below, *bad, beside, first])
    assert found == (first, beside, below)
    sweep = MergedRangeSweep(found)
    assert sweep.range_at(1, 2) == first
    assert sweep.range_at(2, 4) == beside
    assert sweep.range_at(3, 3) is None
    assert sweep.range_at(4, 1) == below
    assert set(sweep.ranges_in_row(10)) == set()
