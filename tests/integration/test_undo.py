"""Undoing an import restores the project, or is rejected with the reasons."""

from __future__ import annotations

from pathlib import Path

import openpyxl
import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from precast_app.extensions import db
from precast_app.jobs.runner import run_job
from tests import project_snapshot
from tests.conftest import EXAMPLES, get_job, run_import
from tests.element_type_files import write_large_workbook
from tests.job_requests import Headers, post_job_action, undo_job

SAMPLE = EXAMPLES / "element_types.xlsx"


def edited(path: Path) -> Path:
    """Return a copy of the sample with every kind of change and with three new element types."""
    book = openpyxl.load_workbook(SAMPLE)
    sheet = book["Element Types"]
    for row in range(4, 60):
        sheet.cell(row, 3).value = 1234.5
        sheet.cell(row, 10).value = "VR-2"
        sheet.cell(row, 11).value = None if row % 2 else f"new-{row}.dwg"
        sheet.cell(row, 14).value = int(str(sheet.cell(row, 14).value or 0)) + 2
        sheet.cell(row, 15).value = 0
        sheet.cell(row, 27).value = None if row % 3 else "yes"
        sheet.cell(row, 35).value = row / 4
    for number in range(3):
        sheet.append(["WALL", f"NEW-{number}", *[None] * 11, 4])
    book.save(path)
    return path


def test_an_undo_deletes_what_was_created_and_restores_what_was_changed(
    client: FlaskClient, admin: Headers, green_meadows: int, tmp_path: Path
) -> None:
    first = run_import(green_meadows, SAMPLE)
    before = project_snapshot.snapshot_project(green_meadows)
    second = run_import(green_meadows, edited(tmp_path / "edited.xlsx"))
    assert (second.created_count, second.updated_count) == (3, 56)
    after = project_snapshot.snapshot_project(green_meadows)

    done = undo_job(client, admin, second.id)
    assert (done.status, done.job_type, done.phase) == ("completed", "element_type_undo", "done"), done.error
    assert done.result == f"Undid job {second.id}: 3 elements deleted, 56 put back as they were"
    assert (done.updated_count, done.pieces_removed) == (56, second.pieces_added)
    assert done.pieces_added == second.pieces_removed > 0
    project_snapshot.assert_same(project_snapshot.snapshot_project(green_meadows), before)
    shown = client.get(f"/api/jobs/{second.id}", headers=admin).get_json()["job"]
    assert shown["undone_by_job_id"] == done.id
    listed = client.get(f"/api/jobs/{done.id}/changes?limit=100", headers=admin).get_json()
    assert listed["count"] == 59
    deleted = [each for each in listed["changes"] if each["change"] == "deleted"]
    assert [(each["element_type"], each["name"]) for each in deleted] == [("WALL", f"NEW-{n}") for n in range(3)]
    assert listed["changes"][0]["fields"]["Height"]["before"] == "1234.5"

    # Undoing the undo imports the file again.
    status, body = post_job_action(client, admin, "undo", done.id)
    assert status == 202
    run_job(body["job_id"])
    assert (get_job(body["job_id"]).job_type, get_job(body["job_id"]).created_count) == ("element_type_import", 3)
    project_snapshot.assert_same(project_snapshot.snapshot_project(green_meadows), after)

    # All imports can be undone, from the newest to the oldest.
    assert undo_job(client, admin, body["job_id"]).status == "completed"
    assert undo_job(client, admin, first.id).status == "completed"
    found = project_snapshot.snapshot_project(green_meadows)
    assert (found["element_types"], found["pieces"], found["quantities"]) == ([], [], [])


def test_an_import_can_not_be_undone_before_a_later_one_of_the_same_element_types(
    client: FlaskClient, admin: Headers, green_meadows: int, tmp_path: Path
) -> None:
    first = run_import(green_meadows, SAMPLE)
    second = run_import(green_meadows, edited(tmp_path / "edited.xlsx"))
    status, body = post_job_action(client, admin, "undo", first.id)
    assert status == 409
    assert f"Job {second.id} has changed " in body["message"]
    assert " and 46 more since. Undo that job first." in body["message"]
    assert undo_job(client, admin, second.id).status == "completed"
    status, body = post_job_action(client, admin, "undo", second.id)
    assert (status, "It was undone by job" in body["message"]) == (409, True)
    assert undo_job(client, admin, first.id).status == "completed"


def test_an_import_can_not_be_undone_if_its_pieces_are_in_production(
    client: FlaskClient, admin: Headers, green_meadows: int
) -> None:
    done = run_import(green_meadows, SAMPLE)
    before = project_snapshot.snapshot_project(green_meadows)
    status, body = post_job_action(client, admin, "undo", done.id)
    assert status == 202
    # A piece goes into production after the request was accepted.
    db.session.execute(text("UPDATE pieces SET status = 'in_production' WHERE id = (SELECT min(id) FROM pieces)"))
    db.session.commit()
    run_job(body["job_id"])
    failed = get_job(body["job_id"])
    assert (failed.status, failed.phase) == ("failed", "done")
    assert "Pieces that it created are in production: " in str(failed.error)
    after = project_snapshot.snapshot_project(green_meadows)
    assert {table for table in before if before[table] != after[table]} == {"pieces"}
    status, body = post_job_action(client, admin, "undo", done.id)
    assert (status, "are in production" in body["message"]) == (409, True)
    # Once the piece is planned again, the import can be undone.
    db.session.execute(text("UPDATE pieces SET status = 'planned'"))
    db.session.commit()
    assert undo_job(client, admin, done.id).status == "completed"


def test_an_undo_fails_if_a_node_of_the_previous_state_was_deleted(
    client: FlaskClient, admin: Headers, green_meadows: int, tmp_path: Path
) -> None:
    path = tmp_path / "types.csv"
    header = (EXAMPLES / "element_types.csv").read_text("utf-8-sig").splitlines()[0].split(",")
    base = ",".join(header[:10])
    path.write_text(f"{base},Podium,Casting\nWALL,A,1,,,,,,,,3,yes\nWALL,B,1,,,,,,,,1,yes\n")
    assert run_import(green_meadows, path).created_count == 2
    path.write_text(f"{base},Podium,Casting\nWALL,A,2,,,,,,,,,\nWALL,B,2,,,,,,,,,\n")
    second = run_import(green_meadows, path)
    assert second.pieces_removed == 4
    db.session.execute(text("DELETE FROM hierarchy_nodes WHERE path = 'Podium'"))
    db.session.commit()
    before = project_snapshot.snapshot_project(green_meadows)
    failed = undo_job(client, admin, second.id)
    assert (failed.status, str(failed.error)[-17:]) == ("failed", ": WALL A, WALL B.")
    project_snapshot.assert_same(project_snapshot.snapshot_project(green_meadows), before)


def test_an_undo_fails_as_long_as_a_node_of_its_pieces_has_another_naming_convention(
    client: FlaskClient, admin: Headers, green_meadows: int, tmp_path: Path
) -> None:
    path = tmp_path / "types.csv"
    base = ",".join((EXAMPLES / "element_types.csv").read_text("utf-8-sig").splitlines()[0].split(",")[:10])
    path.write_text(f"{base},Podium\nWALL,A,1,,,,,,,,3\n")
    run_import(green_meadows, path)
    created = project_snapshot.snapshot_project(green_meadows)
    path.write_text(f"{base},Podium\nWALL,A,2,,,,,,,,\n")
    second = run_import(green_meadows, path)
    assert second.pieces_removed == 3
    nodes = client.get("/api/project/1/hierarchy", headers=admin).get_json()["hierarchy"]
    (podium,) = [each for each in nodes if each["path"] == "Podium"]
    address = f"/api/project/1/hierarchy/{podium['id']}"
    assert client.patch(address, json={"naming_convention": "NEW"}, headers=admin).status_code == 200
    before = project_snapshot.snapshot_project(green_meadows)
    failed = undo_job(client, admin, second.id)
    assert (failed.status, str(failed.error)[-9:]) == ("failed", ": WALL A.")
    project_snapshot.assert_same(project_snapshot.snapshot_project(green_meadows), before)
    old = {"naming_convention": podium["naming_convention"]}
    assert client.patch(address, json=old, headers=admin).status_code == 200
    assert undo_job(client, admin, second.id).status == "completed"
    project_snapshot.assert_same(project_snapshot.snapshot_project(green_meadows), created)


def test_an_undo_deletes_the_reference_data_that_the_import_created(
    client: FlaskClient, admin: Headers, project_id: int
) -> None:
    before = project_snapshot.snapshot_project(project_id)
    done = run_import(project_id, EXAMPLES / "element_types.csv", create_missing=True)
    assert done.created_count == 120
    assert undo_job(client, admin, done.id).status == "completed"
    project_snapshot.assert_same(project_snapshot.snapshot_project(project_id), before)


@pytest.mark.parametrize("kind", ["dry run", "reference data", "unchanged", "pending"])
def test_a_job_that_changed_no_element_types_can_not_be_undone(
    client: FlaskClient, admin: Headers, green_meadows: int, kind: str
) -> None:
    if kind == "dry run":
        target = run_import(green_meadows, SAMPLE, dry_run=True).id
    elif kind == "reference data":
        target = run_import(green_meadows, EXAMPLES / "stages.csv", "stage_import").id
    elif kind == "unchanged":
        run_import(green_meadows, SAMPLE)
        target = run_import(green_meadows, SAMPLE).id
    else:
        answer = client.post(f"/api/project/{green_meadows}/jobs?job_type=element_type_import", headers=admin)
        target = answer.get_json()["job_id"]
    status, body = post_job_action(client, admin, "undo", target)
    assert status == 409, body
    assert len(body["message"]) > 40


def test_an_undo_job_can_not_be_created_directly(client: FlaskClient, admin: Headers, green_meadows: int) -> None:
    answer = client.post(f"/api/project/{green_meadows}/jobs?job_type=element_type_undo", headers=admin)
    assert answer.status_code == 422


def test_a_job_can_not_be_undone_twice_at_once(client: FlaskClient, admin: Headers, green_meadows: int) -> None:
    done = run_import(green_meadows, SAMPLE)
    assert post_job_action(client, admin, "undo", done.id)[0] == 202
    assert post_job_action(client, admin, "undo", done.id)[0] == 409


def test_large_imports_of_the_same_element_types_are_undone_in_reverse_order(
    client: FlaskClient, admin: Headers, green_meadows: int, tmp_path: Path
) -> None:
    assert run_import(green_meadows, write_large_workbook(tmp_path / "a.xlsx", 300, 100, 2)).status == "completed"
    before = project_snapshot.snapshot_project(green_meadows)
    second = run_import(green_meadows, write_large_workbook(tmp_path / "b.xlsx", 1_200, 200, 0))
    third = run_import(green_meadows, write_large_workbook(tmp_path / "c.xlsx", 1_300, 300, 3))
    for each in (third, second):
        assert undo_job(client, admin, each.id).status == "completed"
    project_snapshot.assert_same(project_snapshot.snapshot_project(green_meadows), before)
