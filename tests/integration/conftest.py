"""Fixtures of the integration tests."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from precast_app.extensions import db
from tests.conftest import ROOT, run_import
from tests.element_type_files import BASE_HEADER, WriteCsv
from tests.export_round_trip import Export

REVISIONS = ROOT / "tests" / "files" / "revisions"


@pytest.fixture
def write_csv(tmp_path: Path) -> WriteCsv:
    """Return a function that writes a CSV file with the base columns, more headings, and rows of cells."""

    def write(more_headings: list[str], *rows: list[Any], base: str = BASE_HEADER) -> Path:
        path = tmp_path / "types.csv"
        with path.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([[*base.split(","), *more_headings], *rows])
        return path

    return write


@pytest.fixture
def export(client: FlaskClient, admin: dict[str, str], tmp_path: Path) -> Export:
    """Return a function that downloads an export or a template and returns its path."""

    def download(url: str) -> Path:
        with client.get(url, headers=admin) as response:
            assert response.status_code == 200, response.get_json()
            assert response.headers["Content-Disposition"].startswith("attachment; filename=")
            path = tmp_path / ("out.xlsx" if "excel" in url else "out.csv")
            path.write_bytes(response.data)
        return path

    return download


@pytest.fixture
def revision_a(green_meadows: int) -> int:
    """Return a project with revision A, whose pieces have the statuses of the yard's list."""
    assert run_import(green_meadows, REVISIONS / "bom_products.csv", "bom_product_import").status == "completed"
    first = run_import(green_meadows, REVISIONS / "element_types.xlsx")
    assert (first.status, first.created_count, first.warning_count) == ("completed", 120, 0), first.error
    with (REVISIONS / "piece_status.csv").open() as file:
        pieces = [(row["Piece"], row["Status"]) for row in csv.DictReader(file)]
    db.session.execute(
        text("""
            UPDATE pieces SET status = v.status FROM unnest(:codes, :statuses) AS v(code, status)
            WHERE pieces.code = v.code
        """),
        {"codes": [code for code, _ in pieces], "statuses": [status for _, status in pieces]},
    )
    db.session.commit()
    return green_meadows
