"""Exports that are imported again, and texts and rows that must survive it."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient
from hypothesis import strategies as st
from sqlalchemy import text

from precast_app.extensions import db
from precast_app.models import ImportJob
from tests.conftest import run_import
from tests.element_type_files import BASE_HEADER

EXCEL_EXPORT_URL = "/api/project/1/export/excel"
CSV_EXPORT_URL = "/api/project/1/export_csv_element_type"

Export = Callable[[str], Path]


def assert_unchanged(project_id: int, path: Path, count: int) -> ImportJob:
    """Import a file and assert that it changes none of its `count` element types."""
    done = run_import(project_id, path)
    assert (done.status, done.unchanged_count, done.total_items, done.warning_count) == (
        "completed", count, count, 0,
    ), done.error  # fmt: skip
    return done


# Texts that look like formulas, or like text that another program has encoded.
TEXTS = [
    "=1+1",
    "@SUM(A1)",
    "+49 30",
    "-x",
    "'=x",
    "''=x",
    "R&amp;D",
    "a +ACY- b",
    "C+D",
    '6" pipe',
    "a,b;c",
    "Ä\\N",
    "'x",
    "W1;=3+3;x",
    "W1;'=3+3",
    'a;"@x"',
    "a |-b",
    "＝1+1",
    "R&amp;D=1;-2",
]


_number = st.one_of(st.none(), st.decimals(0, 1_000_000, places=4), st.decimals(0, 1_000_000, places=25))
_name = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs")), min_size=1, max_size=12)
element_type_row = st.tuples(_name, _name, *[_number] * 7, st.one_of(st.just(""), _name))


def import_rows(project_id: int, path: Path, rows: list[Any]) -> int:
    """Empty the tables, import the rows as a CSV file and return how many element types are stored."""
    db.session.rollback()
    db.session.execute(text("TRUNCATE element_types, import_jobs CASCADE"))
    db.session.commit()
    content = io.StringIO()
    writer = csv.writer(content)
    writer.writerow(BASE_HEADER.split(","))
    writer.writerows([[f"{cell:f}" if isinstance(cell, Decimal) else cell or "" for cell in each] for each in rows])
    path.write_text(content.getvalue(), encoding="utf-8")
    run_import(project_id, path)
    count: int = db.session.execute(text("SELECT count(*) FROM element_types")).scalar_one()
    return count


def exported_files(client: FlaskClient, headers: dict[str, str]) -> list[bytes]:
    """Return the exports of the project 1 as a workbook and as a CSV file."""
    with (
        client.get("/api/project/1/export/excel", headers=headers) as workbook,
        client.get("/api/project/1/export_csv_element_type", headers=headers) as lines,
    ):
        return [workbook.data, lines.data]
