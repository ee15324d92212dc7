"""Many pieces are moved at once: those that somebody has seen, and no others."""

from __future__ import annotations

import time
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from precast_app.extensions import db
from precast_app.jobs.runner import run_job
from precast_app.models import ImportJob
from tests import project_snapshot
from tests.conftest import get_job, run_import
from tests.element_type_files import WriteCsv, wall_row
from tests.job_requests import Headers, post_job_action, undo_job

PROJECT = "/api/project/1"


@pytest.fixture
def walls(green_meadows: int, write_csv: WriteCsv) -> int:
    """Return a project with 40 walls on one floor and 7 on another."""
    row = wall_row("W", 40, 7, "yes")
    assert (
        run_import(green_meadows, write_csv(["Tower_A.Floor_2", "Tower_A.Floor_3", "Casting"], row)).pieces_added == 47
    )
    return green_meadows


class Bulk:
    """Requests that move many pieces."""

    def __init__(self, client: FlaskClient, headers: Headers) -> None:
        self.client = client
        self.headers = headers

    def send(self, chosen: dict[str, Any], expected: int, key: str | None = None, **made: Any) -> tuple[int, Any]:
        """Return the status code, and the id of the job or the message."""
        headers = {**self.headers, **({"Idempotency-Key": key} if key else {})}
        body = {"filter": chosen, "expected": expected, "set": made}
        answer = self.client.post(f"{PROJECT}/elements/bulk", json=body, headers=headers)
        found = answer.get_json()
        return answer.status_code, found["job_id"] if answer.status_code == 202 else found["message"]

    def run(self, chosen: dict[str, Any], expected: int, **made: Any) -> ImportJob:
        """Return the finished job."""
        status, job_id = self.send(chosen, expected, **made)
        assert status == 202, job_id
        run_job(job_id)
        return get_job(job_id)


@pytest.fixture
def bulk(client: FlaskClient, admin: Headers) -> Bulk:
    return Bulk(client, admin)


def node_id(path: str) -> int:
    return int(
        db.session.execute(text("SELECT id FROM hierarchy_nodes WHERE path = :path"), {"path": path}).scalar_one()
    )


def counts() -> dict[str, int]:
    db.session.rollback()
    return {row[0]: row[1] for row in db.session.execute(text("SELECT status, count(*) FROM pieces GROUP BY status"))}


def test_the_pieces_of_a_filter_are_moved_and_put_back(
    client: FlaskClient, admin: Headers, walls: int, bulk: Bulk
) -> None:
    before = project_snapshot.snapshot_pieces(walls)
    floor = {"node_id": node_id("Tower_A.Floor_2")}
    done = bulk.run(floor, 40, status="produced", date="2026-10-12")
    assert (done.job_type, done.status, done.updated_count) == ("piece_update", "completed", 40), done.error
    assert (done.result, done.total_items, done.progress) == ("Successfully processed 40 elements", 40, 100)
    assert counts() == {"produced": 40, "planned": 7}
    again = bulk.run(floor, 40, status="produced")
    assert (again.updated_count, again.unchanged_count) == (0, 40)
    undone = undo_job(client, admin, done.id)
    assert (undone.status, undone.updated_count) == ("completed", 40), undone.error
    project_snapshot.assert_same(project_snapshot.snapshot_pieces(walls), before)
    # The undo of the undo moves the same pieces again.
    status, body = post_job_action(client, admin, "undo", undone.id)
    assert status == 202, body
    run_job(body["job_id"])
    assert (get_job(body["job_id"]).updated_count, counts()) == (40, {"produced": 40, "planned": 7})


def test_five_hundred_pieces_are_a_conflict_when_their_number_has_changed(
    walls: int, write_csv: WriteCsv, bulk: Bulk, client: FlaskClient, admin: Headers
) -> None:
    run_import(walls, write_csv(["Tower_A.Floor_4"], wall_row("V", 500)))
    floor = {"node_id": node_id("Tower_A.Floor_4"), "status": "planned"}
    query = "&".join(f"{name}={value}" for name, value in floor.items())
    listed = client.get(f"{PROJECT}/elements?{query}&limit=1", headers=admin).get_json()
    assert listed["count"] == 500
    before = project_snapshot.snapshot_pieces(walls)
    # Between the list and the request, somebody moves one of them.
    moved = listed["elements"][0]["id"]
    assert client.patch(f"/api/elements/{moved}", json={"status": "produced"}, headers=admin).status_code == 200
    status, message = bulk.send(floor, listed["count"], status="produced")
    assert (status, "finds 499 pieces now, and 500 were expected" in message) == (409, True)
    assert counts() == {"planned": 546, "produced": 1}
    body = {"status": "planned", "reason": "Wrong piece"}
    assert client.patch(f"/api/elements/{moved}", json=body, headers=admin).status_code == 200
    done = bulk.run(floor, listed["count"], status="produced")
    assert (done.status, done.updated_count, counts()) == ("completed", 500, {"planned": 47, "produced": 500})
    undone = undo_job(client, admin, done.id)
    assert (undone.status, undone.updated_count, counts()) == ("completed", 500, {"planned": 547})
    pieces = project_snapshot.snapshot_pieces(walls)
    assert len(pieces["pieces"]) == len(before["pieces"])


def test_a_job_fails_if_the_number_of_pieces_has_changed_when_it_begins(walls: int, bulk: Bulk) -> None:
    status, job_id = bulk.send({"status": "planned"}, 47, status="produced")
    assert status == 202
    db.session.execute(text("UPDATE pieces SET status = 'in_production' WHERE number = 1 AND node_id = :id"),
                       {"id": node_id("Tower_A.Floor_3")})  # fmt: skip
    db.session.commit()
    run_job(job_id)
    failed = get_job(job_id)
    assert (failed.status, "finds 46 pieces now" in str(failed.error)) == ("failed", True)
    assert counts() == {"planned": 46, "in_production": 1}


def test_a_repeated_request_is_one_job(walls: int, bulk: Bulk) -> None:
    first = bulk.send({"status": "planned"}, 47, key="phone-1", status="produced")
    assert first[0] == 202
    run_job(first[1])
    assert bulk.send({"status": "planned"}, 47, key="phone-1", status="produced") == first
    assert bulk.send({"status": "planned"}, 47, key="phone-1", status="erected")[0] == 409


def test_chosen_pieces_pass_a_stage_and_those_that_can_not_are_issues(
    client: FlaskClient, admin: Headers, walls: int, bulk: Bulk
) -> None:
    ids = list(db.session.scalars(text("SELECT id FROM pieces ORDER BY id LIMIT 3")))
    casting = db.session.scalar(text("SELECT id FROM stages WHERE name = 'Casting'"))
    done = bulk.run({"ids": ids}, 3, stage_id=casting)
    assert (done.updated_count, counts()) == (3, {"in_production": 3, "planned": 44})
    mixed = bulk.run({"node_id": node_id("Tower_A.Floor_2")}, 40, status="scrapped", reason="flood")
    assert (mixed.updated_count, mixed.rejected_count, mixed.pieces_added) == (3, 37, 3)
    found = client.get(f"/api/jobs/{mixed.id}/issues?limit=1", headers=admin).get_json()
    assert (found["count"], found["issues"][0]["code"]) == (37, "illegal_move")
    assert project_snapshot.snapshot_pieces(walls)["wrong quantities"] == []
    assert bulk.send({"status": "planned"}, counts()["planned"])[0] == 422
    all_refused = bulk.run({"status": "planned"}, counts()["planned"], status="scrapped", reason="flood")
    assert (all_refused.status, all_refused.failure_reason) == ("failed", "rejected")


def test_ten_thousand_pieces_are_moved_within_seconds(green_meadows: int, write_csv: WriteCsv, bulk: Bulk) -> None:
    row = wall_row("W", 10_000)
    assert run_import(green_meadows, write_csv(["Podium"], row)).pieces_added == 10_000
    status, job_id = bulk.send({"status": "planned"}, 10_000, status="produced")
    assert status == 202
    start = time.monotonic()
    run_job(job_id)
    seconds = time.monotonic() - start
    assert (get_job(job_id).updated_count, counts()) == (10_000, {"produced": 10_000})
    # 2 s on an idle machine; tests share theirs with others.
    assert seconds < 10
    print(f"10 000 pieces: {seconds:.2f} s")
