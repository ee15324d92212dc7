"""Broken files of every format are read or rejected, and never raise another exception.

`FUZZ_RUNS` is the number of files per format (`make fuzz` tries many), `FUZZ_SEED` selects them.
"""

from __future__ import annotations

import io
import os
from functools import partial

import pytest

from precast_app.errors import JobFailed
from precast_app.importing import column_mapping, row_validation
from precast_app.importing.profiles import application, column_description, schema
from precast_app.importing.reference_data import ReferenceData
from precast_app.spreadsheets import Limits, UnreadableFile, open_book
from tests.unit.broken_files import FILES, OFFICE_LISTS, SEED, broken_file

RUNS = int(os.environ.get("FUZZ_RUNS", "40"))

_NO_REFERENCE_DATA = ReferenceData(1)


@pytest.mark.parametrize("name", FILES)
def test_a_broken_file_is_read_or_rejected(name: str) -> None:
    outcomes = {"read": 0, "rejected": 0}
    for run in range(RUNS):
        try:
            book = open_book(io.BytesIO(broken_file(name, run)), Limits(rows=20_000, cells=1_000_000))
            column_mapping.count_rows(book)
            columns, _ = column_mapping.map_columns(book, _NO_REFERENCE_DATA)
            for _ in row_validation.validate_rows(partial(book.rows, columns.sheet), columns):
                pass
            outcomes["read"] += 1
        except (UnreadableFile, JobFailed) as error:
            assert len(str(error)) > 20
            outcomes["rejected"] += 1
        except BaseException as error:
            raise AssertionError(f"run {run} of {name} with seed {SEED}") from error
    # With enough runs, both must happen.
    assert RUNS < 40 or min(outcomes.values()) > 0


@pytest.mark.parametrize("name", OFFICE_LISTS)
def test_a_broken_list_of_another_office_is_described_or_rejected(name: str) -> None:
    for run in range(RUNS):
        try:
            book = open_book(io.BytesIO(broken_file(name, run)), Limits(rows=20_000, cells=1_000_000))
            described = column_description.describe(book, _NO_REFERENCE_DATA)
            profile = schema.load_profile(described["profile"], complete=False)
            # It is the same when a person changes nothing.
            again = column_description.describe(book, _NO_REFERENCE_DATA, [], profile)
            assert (again["profile"], again["row_count"]) == (described["profile"], described["row_count"])
            if not profile.missing():
                columns, _ = application.map_columns(book, profile, _NO_REFERENCE_DATA)
                for _ in row_validation.validate_rows(partial(book.rows, columns.sheet), columns):
                    pass
        except (UnreadableFile, JobFailed) as error:
            assert len(str(error)) > 20
        except BaseException as error:
            raise AssertionError(f"run {run} of {name} with seed {SEED}") from error
