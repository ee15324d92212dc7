"""Workbooks that a spreadsheet program saved as CSV: a merged heading keeps its text in its first cell only."""

from __future__ import annotations

import csv
import subprocess
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from flask.testing import FlaskClient
from sqlalchemy import insert

from precast_app.extensions import db
from precast_app.importing import hierarchy
from precast_app.models import HierarchyNode
from tests.conftest import EXAMPLES, get_job, run_import
from tests.element_type_files import project_totals
from tests.integration.odd_workbooks import issue_keys, message
from tests.job_requests import Headers
from tests.libreoffice import SOFFICE
from tests.project_snapshot import snapshot_project

Rows = list[list[Any]]
HEADER = ["Element Type", "Element Type Name", "Tower A", "", "Podium", "Stages", "", "Steel", ""]
SUBS = ["", "", "Floor 1", "Floor 2", "", "Casting", "Reinforcement", "6MM", "8MM"]


def sheet_rows(path: Path) -> Rows:
    sheet = openpyxl.load_workbook(path)["Element Types"]
    return [["" if cell is None else cell for cell in row] for row in sheet.iter_rows(values_only=True)]


def as_csv(path: Path, rows: Rows, delimiter: str = ",") -> Path:
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file, delimiter=delimiter).writerows(rows)
    return path


def written_by_libreoffice(path: Path) -> Path:
    """Return the sheet Element Types as LibreOffice saves it as CSV."""
    options = "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,false,false,false,-1"
    command = [str(SOFFICE), f"-env:UserInstallation={(path.parent / 'profile').as_uri()}", "--headless",
               "--convert-to", options, "--outdir", str(path.parent), str(path)]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    return path.parent / f"{path.stem}-Element Types.csv"


@pytest.mark.parametrize("delimiter", [",", ";"])
def test_a_workbook_saved_as_csv_is_read_like_the_workbook(green_meadows: int, tmp_path: Path, delimiter: str) -> None:
    rows = sheet_rows(EXAMPLES / "element_types.xlsx")
    if delimiter == ";":
        rows = [[str(cell).replace(".", ",") if isinstance(cell, float) else cell for cell in row] for row in rows]
    done = run_import(green_meadows, as_csv(tmp_path / "saved.csv", rows, delimiter))
    assert (done.rejected_count, done.warning_count) == (0, 0)
    found = snapshot_project(green_meadows)
    again = run_import(green_meadows, EXAMPLES / "element_types.xlsx")
    assert (again.created_count, again.updated_count, again.unchanged_count) == (0, 0, done.created_count)
    assert snapshot_project(green_meadows) == found


@pytest.mark.skipif(SOFFICE is None, reason="LibreOffice is not installed: there is no `soffice` to run")
def test_a_csv_file_that_libreoffice_saved_is_read_like_the_workbook(
    client: FlaskClient, admin: Headers, green_meadows: int, tmp_path: Path
) -> None:
    count = run_import(green_meadows, EXAMPLES / "element_types.xlsx").created_count
    path = tmp_path / "export.xlsx"
    with client.get(f"/api/project/{green_meadows}/export/excel", headers=admin) as response:
        path.write_bytes(response.data)
    db.session.rollback()
    done = run_import(green_meadows, written_by_libreoffice(path))
    assert (done.unchanged_count, done.updated_count, done.rejected_count) == (count, 0, 0)
    assert done.warning_count == 0


def test_a_node_without_a_parent_does_not_continue_the_tower_before_it(green_meadows: int, tmp_path: Path) -> None:
    header = [*HEADER[:4], "", *HEADER[5:]]
    subs = [*SUBS[:4], "Podium", *SUBS[5:]]
    path = as_csv(tmp_path / "types.csv", [header, subs, ["WALL", "W-1", 1, 2, 3, "yes", "", "0.5", "0.25"]])
    done = run_import(green_meadows, path)
    assert (done.created_count, done.warning_count) == (1, 0)
    assert project_totals(green_meadows)["pieces"] == 6


def test_a_node_that_may_or_may_not_belong_to_the_tower_before_it_is_refused(
    green_meadows: int, tmp_path: Path
) -> None:
    tower = db.session.query(HierarchyNode).filter_by(project_id=green_meadows, path="Tower_A").one()
    parent = {"path": tower.path, "prefixes": [tower.naming_convention]}
    node = hierarchy.fill_defaults({"name": "Podium"}, parent)
    values = {name: node[name] for name in ("name", "prefix", "path", "naming_convention")}
    db.session.execute(
        insert(HierarchyNode).values(project_id=green_meadows, parent_id=tower.id, match_key="tower_a.podium", **values)
    )
    db.session.commit()
    header = [*HEADER[:4], "", *HEADER[5:]]
    path = as_csv(tmp_path / "types.csv", [header, [*SUBS[:4], "Podium", *SUBS[5:]], ["WALL", "W-1", 1, 2, 3]])
    done = run_import(green_meadows, path)
    assert done.status == "failed"
    assert "Hierarchy_Tower_A.Podium or Hierarchy_Podium" in str(done.error)


def test_a_floor_that_the_tower_lacks_is_reported_with_its_tower_or_created(green_meadows: int, tmp_path: Path) -> None:
    rows: Rows = [
        ["Element Type", "Element Type Name", "Tower A", ""],
        ["", "", "Floor 1", "Floor 77"],
        ["WALL", "W-1", 1, 2],
    ]
    path = as_csv(tmp_path / "types.csv", rows)
    done = run_import(green_meadows, path)
    assert issue_keys(done) == [("unknown_heading", "D", 2)]
    assert "Tower A / Floor 77" in message(done, "unknown_heading")
    assert run_import(green_meadows, path, create_missing=True).pieces_added == 2


@pytest.mark.parametrize("kind", ["annotated", "rejected"])
def test_copies_of_such_a_file_can_be_corrected_and_uploaded(
    client: FlaskClient, admin: Headers, green_meadows: int, tmp_path: Path, kind: str
) -> None:
    rows: Rows = [HEADER, SUBS, ["WALL", "W-1", 1, "two", "", "yes", "x", "0.5", "0.25"]]
    done = run_import(green_meadows, as_csv(tmp_path / "types.csv", rows))
    assert done.rejected_count == 1
    path = tmp_path / "copy.xlsx"
    with client.get(f"/api/jobs/{done.id}/{kind}", headers=admin) as response:
        path.write_bytes(response.data)
    db.session.rollback()
    book = openpyxl.load_workbook(path)
    book.worksheets[0]["D3"] = 2
    book.save(path)
    again = get_job(run_import(green_meadows, path).id)
    assert (again.created_count, again.pieces_added, again.warning_count) == (1, 3, 0)
