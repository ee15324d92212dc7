"""Broken files of every format end in rows or in a refusal, never in another exception.

`FUZZ_RUNS` says how many of each format are tried (`make fuzz` tries many), `FUZZ_SEED` which ones.
"""

from __future__ import annotations

import io
import os

import pytest

from precast_app.errors import JobFailed
from precast_app.importing import column_mapping, row_validation
from precast_app.importing.reference_data import ReferenceData
from precast_app.spreadsheets import Limits, UnreadableFile, open_book
from tests.unit.broken_files import FILES, SEED, mutated

RUNS = int(os.environ.get("FUZZ_RUNS", "40"))

# What the project has is no matter here.
_NOTHING = ReferenceData(1, (), (), (), (), {})


@pytest.mark.parametrize("name", FILES)
def test_a_broken_file_is_read_or_refused(name: str) -> None:
    outcomes = {"read": 0, "refused": 0}
    for run in range(RUNS):
        try:
            book = open_book(io.BytesIO(mutated(name, run)), Limits(rows=20_000, cells=1_000_000))
            column_mapping.count_rows(book)
            columns, _ = column_mapping.map_columns(book, _NOTHING)
            for _ in row_validation.validate_rows(book.rows(columns.sheet), columns):
                pass
            outcomes["read"] += 1
        except (UnreadableFile, JobFailed) as refusal:
            assert len(str(refusal)) > 20
            outcomes["refused"] += 1
        except BaseException as error:
            raise AssertionError(f"run {run} of {name} with seed {SEED}") from error
    # Both happen, unless there are but a few runs.
    assert RUNS < 40 or min(outcomes.values()) > 0
