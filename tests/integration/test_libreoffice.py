"""Exports that LibreOffice opened and saved can still be imported; skipped if LibreOffice is not installed.

Other tests read files that LibreOffice saved (`tests/files`), so they need no LibreOffice.
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import EXAMPLES, run_import
from tests.export_round_trip import EXCEL_EXPORT_URL, TEXTS, Export, assert_unchanged, element_type_row, import_rows
from tests.libreoffice import SOFFICE, convert

pytestmark = pytest.mark.skipif(SOFFICE is None, reason="LibreOffice is not installed: there is no `soffice` to run")


@pytest.mark.parametrize("extension", ["xlsx", "ods", "xls"])
def test_a_saved_export_changes_nothing_and_an_edited_cell_changes_alone(
    client: FlaskClient, admin: dict[str, str], green_meadows: int, export: Export, extension: str
) -> None:
    run_import(green_meadows, EXAMPLES / "element_types.csv")
    path = export(EXCEL_EXPORT_URL)
    assert_unchanged(green_meadows, convert(path, extension), 120)
    book = openpyxl.load_workbook(path)
    book["Element Types"]["C10"] = 1234.5
    book.save(path)
    done = run_import(green_meadows, convert(path, extension))
    assert (done.updated_count, done.unchanged_count, done.warning_count) == (1, 119, 0)
    (change,) = client.get(f"/api/jobs/{done.id}/changes?change=updated", headers=admin).get_json()["changes"]
    assert [(name, Decimal(pair["after"])) for name, pair in change["fields"].items()] == [
        ("Height", Decimal("1234.5"))
    ]


def test_libreoffice_adds_up_the_numbers_of_an_export(green_meadows: int, export: Export) -> None:
    run_import(green_meadows, EXAMPLES / "element_types.csv")
    path = export(EXCEL_EXPORT_URL)
    book = openpyxl.load_workbook(path)
    sheet = book["Element Types"]
    volumes = [Decimal(str(row[0])) for row in sheet.iter_rows(4, min_col=7, max_col=7, values_only=True) if row[0]]
    sheet["G200"] = "=SUM(G4:G199)"
    book.save(path)
    saved = openpyxl.load_workbook(convert(path, "xlsx"), data_only=True)["Element Types"]
    assert len(volumes) == 120
    assert saved["G200"].value == pytest.approx(float(sum(volumes)))


@settings(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(element_type_row, min_size=20, max_size=60))
def test_every_stored_row_survives_export_and_import(
    project_id: int, export: Export, tmp_path: Path, rows: list[tuple[Any, ...]]
) -> None:
    """Rows that the import rejects are ignored."""
    texts = [["T", f"{name} {place}".strip()] for name in TEXTS for place in ("", 1)]
    count = import_rows(project_id, tmp_path / "in.csv", [*rows, *texts])
    assert count >= len(TEXTS)
    for extension in ("xlsx", "ods"):
        done = run_import(project_id, convert(export(EXCEL_EXPORT_URL), extension))
        assert (done.status, done.unchanged_count, done.created_count) == ("completed", count, 0), done.error
