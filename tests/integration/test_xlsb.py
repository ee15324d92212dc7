"""The sample as an Excel binary workbook is imported like the sample itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import EXAMPLES, run_import
from tests.unit.xlsb_files import convert_to_xlsb


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    """Write the sample with all its cells and merged ranges as .xlsb."""
    path = tmp_path / "element_types.xlsb"
    path.write_bytes(convert_to_xlsb(EXAMPLES / "element_types.xlsx"))
    return path


def test_the_sample_as_a_binary_workbook(green_meadows: int, sample: Path) -> None:
    first = run_import(green_meadows, sample)
    assert (first.status, first.created_count, first.pieces_added, first.warning_count) == (
        "completed", 120, 1859, 0,
    ), first.error  # fmt: skip
    second = run_import(green_meadows, EXAMPLES / "element_types.xlsx")
    assert (second.status, second.unchanged_count, second.created_count, second.updated_count) == (
        "completed", 120, 0, 0,
    )  # fmt: skip
