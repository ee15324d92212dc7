"""`create_missing` creates the reference data that headings name and the project lacks."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, text

from precast_app.auth import tokens, users
from precast_app.extensions import db
from precast_app.jobs.runner import run_job
from precast_app.models import Issue, Role
from precast_app.projects import projects
from tests.conftest import EXAMPLES, get_job, run_import
from tests.element_type_files import BASE_HEADER

WORKBOOK = EXAMPLES / "element_types.xlsx"


def column_values(table: str, column: str) -> list[str]:
    return list(db.session.scalars(text(f"SELECT {column} FROM {table} ORDER BY id")))


def issues_with_code(job_id: int, code: str) -> list[Issue]:
    return list(db.session.scalars(select(Issue).where(Issue.job_id == job_id, Issue.code == code).order_by(Issue.id)))


def write(path: Path, headings: list[str], *rows: list[object]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([[*BASE_HEADER.split(","), *headings], *rows])
    return path


def row(name: str, *cells: object) -> list[object]:
    return ["WALL", name, 1, 2, 3, 4, 5, 6, 7, "VR-1", *cells]


@pytest.mark.parametrize("path", [WORKBOOK, EXAMPLES / "element_types.csv"], ids=["workbook", "csv"])
def test_a_project_without_anything_gets_all_that_the_sample_names(project_id: int, path: Path) -> None:
    done = run_import(project_id, path, create_missing=True)
    assert (done.status, done.created_count, done.rejected_count) == ("completed", 120, 0), done.error
    assert sorted(column_values("drawing_types", "name")) == ["Assembly", "Reinforcement Drawing", "Shuttering"]
    assert len(column_values("stages", "name")) == 8
    assert {"Tower_A", "Tower_A.Floor_1", "Tower_B.Floor_6"} <= {
        each.replace(" ", "_") for each in column_values("hierarchy_nodes", "path")
    }
    assert {"Steel_6MM", "Steel_8MM"} <= set(column_values("bom_products", "product_name || '_' || product_type"))
    assert len(issues_with_code(done.id, "made_from_heading")) == done.warning_count > 20
    for other in (WORKBOOK, EXAMPLES / "element_types.csv"):
        again = run_import(project_id, other)
        assert (again.unchanged_count, again.warning_count) == (120, 0)


def test_the_group_is_decided_by_heading_position_and_cells(green_meadows: int, tmp_path: Path) -> None:
    places = ["Tower_A.Roof", "Annex"]
    path = write(
        tmp_path / "new.csv",
        ["Tower_C.Floor_9", "Stages_Drying", "Painting", "As Built", "Bolt_M16", *places, "Number_Of", "Nothing"],
        row("N-1", 2, "", "x", "N-1.dwg", 1.5, 1, 4, 1, ""),
        row("N-2", "", "yes", "no", "", "0.25", "", "", 3, ""),
    )
    done = run_import(green_meadows, path, create_missing=True)
    assert (done.status, done.created_count, done.pieces_added) == ("completed", 2, 7), done.error
    assert column_values("stages", "name")[-2:] == ["Drying", "Painting"]
    assert column_values("drawing_types", "name")[-1] == "As Built"
    assert column_values("hierarchy_nodes", "path")[-4:] == ["Tower_C", "Tower_C.Floor_9", "Tower_A.Roof", "Annex"]
    assert {"WALL/Tower_C_Floor_9/0002", "WALL/T1_Roof/0001", "WALL/Annex/0004"} < set(column_values("pieces", "code"))
    assert column_values("bom_products", "product_name || ' ' || product_type || ' ' || unit")[-1] == "Bolt M16 ?"
    # Columns whose group is unclear are left out, with a warning.
    assert [issue.heading for issue in issues_with_code(done.id, "unknown_heading")] == ["Number_Of", "Nothing"]
    made = issues_with_code(done.id, "made_from_heading")
    assert sorted(str(issue.column) for issue in made) == ["K", "L", "M", "N", "O", "P", "Q"]
    assert "unit" in next(issue.message for issue in made if issue.column == "O")


def test_summary_tells_the_group_where_the_cells_do_not(green_meadows: int, tmp_path: Path) -> None:
    book = openpyxl.load_workbook(WORKBOOK)
    sheet = book["Element Types"]
    first = next(cell for cell in sheet[1] if cell.value == "Tower A")
    assert sheet.cell(2, first.column).value == "Floor 1"
    first.value = "Annex"
    path = tmp_path / "annex.xlsx"
    book.save(path)
    done = run_import(green_meadows, path, create_missing=True)
    assert done.status == "completed", done.error
    assert column_values("hierarchy_nodes", "path")[-2:] == ["Annex.Floor_5", "Annex.Floor_6"]


def test_a_dry_run_makes_nothing_and_is_carried_out_as_it_was_shown(
    client: FlaskClient, admin: dict[str, str], green_meadows: int, tmp_path: Path
) -> None:
    run_import(green_meadows, write(tmp_path / "one.csv", [], row("N-1")))
    path = write(tmp_path / "new.csv", ["Tower_C.Floor_9", "Painting"], row("N-1", 2, "x"), row("N-2", 1, "no"))
    before = column_values("hierarchy_nodes", "path")
    dry = run_import(green_meadows, path, create_missing=True, dry_run=True)
    assert (dry.status, dry.created_count, dry.updated_count, dry.pieces_added) == ("completed", 1, 1, 3)
    assert column_values("hierarchy_nodes", "path") == before
    assert "would be created" in issues_with_code(dry.id, "made_from_heading")[0].message
    shown: Any = client.get(f"/api/jobs/{dry.id}/changes?change=updated", headers=admin).get_json()
    assert shown["changes"][0]["fields"] == {
        "Tower_C.Floor_9": {"before": 0, "after": 2},
        "Painting": {"before": False, "after": True},
    }
    answer = client.post(f"/api/jobs/{dry.id}/apply", headers=admin)
    assert answer.status_code == 202, answer.get_json()
    run_job(answer.get_json()["job_id"])
    done = get_job(answer.get_json()["job_id"])
    assert (done.status, done.created_count, done.updated_count, done.pieces_added) == ("completed", 1, 1, 3), (
        done.error
    )
    assert column_values("hierarchy_nodes", "path") == [*before, "Tower_C", "Tower_C.Floor_9"]


def test_created_reference_data_is_deleted_if_nothing_is_imported(green_meadows: int, tmp_path: Path) -> None:
    before = column_values("hierarchy_nodes", "path"), column_values("stages", "name")
    path = write(
        tmp_path / "bad.csv", ["Tower_C.Floor_9", "Painting"], row("N-1", 2, "x"), ["WALL", "N-2", "wide", *[""] * 9]
    )
    done = run_import(green_meadows, path, create_missing=True, on_error="abort")
    assert done.status == "failed"
    assert (column_values("hierarchy_nodes", "path"), column_values("stages", "name")) == before


def test_create_missing_requires_permission_for_reference_data(
    client: FlaskClient, admin: dict[str, str], green_meadows: int
) -> None:
    editor = users.create("ed", "correct cement")
    projects.set_role(green_meadows, "ed", Role.EDITOR)
    headers = {"Authorization": f"Bearer {tokens.create(editor, days=1)}"}
    for address in ("import/excel?create_missing=true", "jobs?job_type=element_type_import&create_missing=true"):
        with WORKBOOK.open("rb") as file:
            answer = client.post(f"/api/project/{green_meadows}/{address}", headers=headers, data={"file": file})
        assert answer.status_code == 403, answer.get_json()
        assert "the manager role" in answer.get_json()["message"]


@pytest.mark.parametrize("escape", ["_x0000_", "_x0001_", "_xFFFF_"])
def test_names_that_cannot_be_displayed_are_not_created(project_id: int, tmp_path: Path, escape: str) -> None:
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    headings = [f"Stages_Cur{escape}ing", f"Tower.Fl{escape}oor", f"Drawing Types_{escape}a", f"BOM_St{escape}eel_6MM"]
    sheet.append([*BASE_HEADER.split(","), *headings])
    sheet.append(row("A", "yes", 1, "a.dwg", 2))
    path = tmp_path / "types.xlsx"
    book.save(path)
    done = run_import(project_id, path, create_missing=True)
    assert (done.status, done.created_count) == ("completed", 1), done.error
    for table in ("stages", "hierarchy_nodes", "drawing_types", "bom_products"):
        assert db.session.scalar(text(f"SELECT count(*) FROM {table}")) == 0, table
