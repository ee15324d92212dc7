"""The stored totals of a project are what all of its rows add up to, after whatever has changed them."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from precast_app.extensions import db
from precast_app.jobs import reaper, registry, totals
from precast_app.jobs.runner import run_job
from precast_app.models import Role
from precast_app.pieces import selection
from precast_app.pieces.selection import PieceFilter
from precast_app.projects import projects
from precast_app.queries import projects as project_queries
from precast_app.totals import storage
from tests import project_snapshot
from tests.conftest import get_job, run_import, submit
from tests.element_type_files import WriteCsv, wall_row
from tests.job_requests import Headers, post_job_action, undo_job
from tests.pages import signed_in

FLOORS = ("Tower_A.Floor_1", "Tower_A.Floor_2")
COLUMNS = [*FLOORS, "Steel_6MM", "Casting"]


@pytest.fixture
def walls(green_meadows: int, write_csv: WriteCsv) -> int:
    """Return a project with ten walls of two types on two floors."""
    run_import(green_meadows, write_csv(COLUMNS, *rows_of_walls()))
    totals.refresh_outdated()
    return green_meadows


def rows_of_walls(**measures: Any) -> list[list[Any]]:
    """Return a row for each of the types, with other measures or quantities."""
    used = {"mass": 5000, "volume": 2, "version": "VR-1", "quantity": 4, "steel": 3, **measures}
    quantity, steel = used.pop("quantity"), used.pop("steel")
    return [wall_row(f"W-{number}", quantity, 1, steel, "yes", **used) for number in (1, 2)]


def check_after_job(project_id: int) -> None:
    """Check the totals before and after the worker has stored them."""
    check(project_id, stored=False)
    totals.refresh_outdated()
    check(project_id)


def check(project_id: int, *, stored: bool = True) -> None:
    """Fail if the totals are not those of the rows, or if they are not stored where they should be."""
    assert project_snapshot.wrong_totals(project_id) == []
    assert (storage.read_stored(db.session(), project_id) is not None) is stored
    for status in (None, "planned", "produced", "scrapped"):
        filters = PieceFilter(status=status, tower="Tower A")
        query = selection.matching(project_id, filters)
        assert selection.count(project_id, filters) == len(db.session.scalars(query).all())
    db.session.rollback()


def move(client: FlaskClient, headers: Headers, number: int, **body: Any) -> None:
    code = f"WALL/T1_F1/{number:04}"
    (piece,) = client.get(f"/api/project/1/elements?search={code}", headers=headers).get_json()["elements"]
    answer = client.patch(f"/api/elements/{piece['id']}", json=body, headers=headers)
    assert answer.status_code == 200, answer.get_json()


def test_totals_are_right_after_every_move_of_a_piece(client: FlaskClient, admin: Headers, walls: int) -> None:
    check(walls)
    move(client, admin, 1, status="produced", date="2026-10-09")
    check(walls)
    move(client, admin, 2, status="in_production")
    move(client, admin, 1, status="planned", reason="Wrong piece")
    check(walls)
    move(client, admin, 1, status="dispatched")
    move(client, admin, 2, status="scrapped", reason="Cracked")
    check(walls)
    storage.refresh(db.session(), walls)
    db.session.commit()
    check(walls)
    move(client, admin, 1, status="in_production", reason="It came back")
    move(client, admin, 2, status="in_production", reason="It was not cracked")
    check(walls)


def test_totals_are_right_after_jobs_that_move_pieces_and_their_undo(
    client: FlaskClient, admin: Headers, walls: int, tmp_path: Path
) -> None:
    body = {"filter": {"status": "planned"}, "expected": 10, "set": {"status": "erected"}}
    answer = client.post("/api/project/1/elements/bulk", json=body, headers=admin)
    run_job(answer.get_json()["job_id"])
    check(walls)
    statuses = tmp_path / "list.csv"
    statuses.write_text("Piece,Status,Date,Note\nWALL/T1_F1/0003,in_production,,Damaged\n", encoding="utf-8")
    undo_job(client, admin, answer.get_json()["job_id"])
    check(walls)
    assert run_import(walls, statuses, "piece_status_import").updated_count == 1
    check(walls)


def test_totals_are_right_after_imports_that_change_what_moved_and_their_undo(
    client: FlaskClient, admin: Headers, walls: int, write_csv: WriteCsv
) -> None:
    move(client, admin, 1, status="produced")
    changed = run_import(walls, write_csv(COLUMNS, *rows_of_walls(mass=6000, volume=3, quantity=3, steel=7)))
    assert (changed.updated_count, changed.pieces_removed) == (2, 2)
    check_after_job(walls)
    undo_job(client, admin, changed.id)
    check_after_job(walls)
    removed = run_import(walls, write_csv(COLUMNS, rows_of_walls(quantity=5)[0]), missing="remove")
    assert (removed.removed_count, removed.updated_count) == (1, 1)
    check_after_job(walls)


def test_the_reaper_stores_totals_after_a_job_that_no_worker_has_run(
    client: FlaskClient, admin: Headers, walls: int, write_csv: WriteCsv
) -> None:
    before = storage.read(db.session(), walls)
    job_id = submit(walls, write_csv(COLUMNS, *rows_of_walls(quantity=9)))
    status, body = post_job_action(client, admin, "cancel", job_id)
    assert (status, get_job(job_id).status) == (202, "failed"), body
    check(walls, stored=False)
    reaper.sweep()
    check(walls)
    assert storage.read(db.session(), walls) == before
    assert storage.find_outdated(db.session(), 5) == []


def test_totals_are_not_stored_ones_while_an_import_writes(walls: int, write_csv: WriteCsv) -> None:
    job_id = submit(walls, write_csv(COLUMNS, *rows_of_walls(quantity=5)))
    check_after_job(walls)
    add_batch(job_id)
    check(walls, stored=False)


def test_the_overview_shows_the_totals_from_before_an_import_that_is_writing(
    app: Flask, client: FlaskClient, admin: Headers, walls: int, write_csv: WriteCsv
) -> None:
    def summary() -> dict[str, Any]:
        found: dict[str, Any] = client.get(f"/api/project/{walls}/summary", headers=admin).get_json()["summary"]
        return found

    viewer = signed_in(app, walls, "vera", Role.VIEWER)
    assert (summary()["pieces"], summary()["counted_at"]) == (10, None)
    job_id = submit(walls, write_csv(COLUMNS, *rows_of_walls(quantity=5)))
    stored_at = db.session.execute(text("SELECT stored_at FROM project_totals")).scalar_one()
    set_running(job_id, running=True)
    db.session.execute(text("UPDATE element_types SET volume = 3"))
    add_batch(job_id)
    move(client, admin, 1, status="produced")
    found = summary()
    assert (found["pieces"], found["done"], found["volume_to_go"]) == (10, 1, "17")
    assert datetime.fromisoformat(found["counted_at"]) == stored_at.replace(microsecond=0)
    assert "An import is changing this project" in viewer.get(f"/projects/{walls}").get_data(as_text=True)
    db.session.execute(text("DELETE FROM import_batches WHERE job_id = :id"), {"id": job_id})
    set_running(job_id, running=False)
    run_job(job_id)
    found = summary()
    assert (found["pieces"], found["done"], found["counted_at"]) == (12, 1, None)
    assert "An import is changing" not in viewer.get(f"/projects/{walls}").get_data(as_text=True)
    check_after_job(walls)


def set_running(job_id: int, *, running: bool) -> None:
    status, token = ("processing", "gen_random_uuid()") if running else ("pending", "NULL")
    db.session.execute(
        text(f"UPDATE import_jobs SET status = :status, lease_token = {token} WHERE id = :id"),
        {"status": status, "id": job_id},
    )
    db.session.commit()


def add_batch(job_id: int) -> None:
    db.session.execute(
        text("INSERT INTO import_batches (job_id, number, created_count, updated_count, rejected_count, pieces_added, "
             "pieces_removed) VALUES (:id, 1, 0, 0, 0, 0, 0)"),
        {"id": job_id},
    )  # fmt: skip
    db.session.commit()


def test_a_new_project_has_totals_before_its_first_import(app: Flask) -> None:
    project = projects.create("Hafen")
    found = storage.read_stored(db.session(), project.id)
    assert found is not None
    assert (found.pieces, found.rows["element_types"]) == (0, 0)


def test_stored_totals_of_a_restored_database_are_not_used(client: FlaskClient, admin: Headers, walls: int) -> None:
    move(client, admin, 1, status="produced")
    # Rows of a restored dump belong to another transaction than the one that they say.
    for table in ("project_totals", "piece_events"):
        db.session.execute(text(f"UPDATE {table} SET transaction_id = transaction_id + 0"))
        db.session.commit()
    check_after_job(walls)


def test_the_list_of_projects_counts_with_and_without_stored_totals(walls: int) -> None:
    found = project_queries.project_counts([walls])[walls]
    assert (found.element_types, found.pieces) == (2, 10)
    db.session.execute(text("DELETE FROM project_totals"))
    found = project_queries.project_counts([walls])[walls]
    assert (found.element_types, found.pieces) == (2, 10)


def test_totals_are_stored_again_when_many_pieces_have_moved(
    client: FlaskClient, admin: Headers, walls: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage, "_MANY_CHANGES", 2)
    move(client, admin, 1, status="in_production")
    assert storage.find_outdated(db.session(), 5) == []
    move(client, admin, 2, status="in_production")
    assert storage.find_outdated(db.session(), 5) == [walls]
    totals.refresh_outdated()
    assert storage.find_outdated(db.session(), 5) == []
    check(walls)


def test_job_types_that_change_no_element_types_exist() -> None:
    assert set(storage.WITHOUT_CHANGES) < set(registry.TYPES)
