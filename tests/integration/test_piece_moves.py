"""Pieces move by single requests, with their history, and scrapped ones are replaced."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from precast_app.extensions import db
from tests import project_snapshot
from tests.conftest import run_import
from tests.element_type_files import WriteCsv
from tests.job_requests import Headers, undo_job

HEADINGS = ["Tower_A.Floor_1", "Casting", "QC"]


class Pieces:
    """The pieces of an element type W at one floor, moved by requests."""

    def __init__(self, client: FlaskClient, headers: Headers) -> None:
        self.client = client
        self.headers = headers

    def ids(self) -> dict[int, int]:
        """Return the ids of the pieces by their numbers."""
        found = db.session.execute(text("SELECT number, id FROM pieces ORDER BY number"))
        return {row.number: row.id for row in found}

    def move(self, number: int, **body: Any) -> tuple[int, Any]:
        """Return the status code, and the piece or the message."""
        address = f"/api/elements/{self.ids()[number]}"
        answer = self.client.patch(address, json=body, headers=self.headers)
        found = answer.get_json()
        return answer.status_code, found["element"] if answer.status_code == 200 else found["message"]

    def statuses(self) -> dict[int, str]:
        """Return the statuses of the pieces by their numbers."""
        db.session.rollback()
        return {row[0]: row[1] for row in db.session.execute(text("SELECT number, status FROM pieces ORDER BY number"))}

    def history(self, number: int) -> list[tuple[str, str | None, str | None]]:
        """Return kind, from and to of each event of a piece."""
        db.session.rollback()
        found = db.session.execute(
            text("SELECT kind, from_value, to_value FROM piece_events WHERE piece_id = :id ORDER BY id"),
            {"id": self.ids()[number]},
        )
        return [tuple(row) for row in found]


@pytest.fixture
def pieces(client: FlaskClient, admin: Headers, green_meadows: int, write_csv: WriteCsv) -> Pieces:
    assert run_import(green_meadows, write_csv(HEADINGS, _wall(3))).pieces_added == 3
    return Pieces(client, admin)


def _wall(quantity: int) -> list[Any]:
    return ["WALL", "W", *[1] * 7, "VR-1", quantity, "yes", "yes"]


def stage_id(name: str) -> int:
    return int(db.session.execute(text("SELECT id FROM stages WHERE name = :name"), {"name": name}).scalar_one())


def assert_quantities_are_right() -> None:
    assert project_snapshot.snapshot_pieces(1)["wrong quantities"] == []


def test_a_piece_moves_forward_and_back_with_its_history(pieces: Pieces) -> None:
    assert pieces.move(1, status="planned")[0] == 200
    assert pieces.history(1) == []
    for status in ("in_production", "dispatched", "dispatched"):
        code, piece = pieces.move(1, status=status)
        assert (code, piece["status"]) == (200, status)
    code, message = pieces.move(1, status="produced")
    assert (code, "can only become produced again with a reason" in message) == (409, True)
    assert pieces.move(1, status="produced", reason="came back from the site")[1]["status"] == "produced"
    assert pieces.history(1) == [
        ("status", "planned", "in_production"), ("status", "in_production", "dispatched"),
        ("status", "dispatched", "produced"),
    ]  # fmt: skip
    event = db.session.execute(text("SELECT * FROM piece_events ORDER BY id DESC LIMIT 1")).one()
    assert (event.user_name, event.job_id, event.note) == ("admin", None, "came back from the site")
    entry = db.session.execute(text("SELECT about, details FROM audit_entries WHERE act = 'piece.status'")).first()
    assert entry is not None
    assert entry.about == "WALL/T1_F1/0001"


def test_a_day_is_stored_as_its_beginning_and_wrong_dates_are_refused(pieces: Pieces) -> None:
    today = datetime.now(UTC).date().isoformat()
    assert pieces.move(1, status="produced", date=today)[0] == 200
    since = db.session.execute(text("SELECT status_since FROM pieces WHERE number = 1")).scalar_one()
    assert since == datetime.fromisoformat(today).replace(tzinfo=UTC)
    code, message = pieces.move(1, status="erected", date="2999-01-01")
    assert (code, message) == (422, "WALL/T1_F1/0001: The date is in the future. Enter when it happened.")
    assert pieces.move(1, status="erected", date="yesterday")[0] == 422
    code, message = pieces.move(1, status="erected", date="2026-01-01")
    assert code == 409 or "more than a year" in message
    assert pieces.move(1, status="lost")[0] == 422
    assert pieces.move(1)[0] == 422


def test_a_stage_moves_the_status_as_the_stage_says(pieces: Pieces) -> None:
    casting, inspection = stage_id("Casting"), stage_id("QC")
    db.session.execute(text("UPDATE stages SET reaches_status = 'produced' WHERE id = :id"), {"id": inspection})
    db.session.commit()
    assert pieces.move(1, stage_id=casting)[1]["status"] == "in_production"
    assert pieces.move(1, stage_id=inspection)[1]["status"] == "produced"
    assert pieces.move(1, stage_id=inspection)[0] == 200
    assert [each[0] for each in pieces.history(1)] == ["stage", "status", "stage", "status"]
    code, message = pieces.move(1, stage_id=stage_id("Curing"))
    assert (code, "does not go through Curing. Its stages are Casting, QC." in message) == (409, True)
    assert pieces.move(1, status="planned", reason="wrong piece")[0] == 200
    assert db.session.execute(text("SELECT count(*) FROM piece_stages")).scalar_one() == 0


def test_a_scrapped_piece_gets_a_replacement_with_the_next_number(pieces: Pieces) -> None:
    assert pieces.move(2, status="scrapped", reason="cracked")[0] == 409
    assert pieces.move(2, status="produced")[0] == 200
    code, message = pieces.move(2, status="scrapped")
    assert (code, "needs a reason" in message) == (422, True)
    assert pieces.move(2, status="scrapped", reason="cracked")[1]["status"] == "scrapped"
    assert pieces.statuses() == {1: "planned", 2: "scrapped", 3: "planned", 4: "planned"}
    found = db.session.execute(text("SELECT code, replaces_id FROM pieces WHERE number = 4")).one()
    assert tuple(found) == ("WALL/T1_F1/0004", pieces.ids()[2])
    assert_quantities_are_right()
    # It comes back as long as nobody has begun to make the replacement.
    assert pieces.move(2, status="produced", reason="repaired")[0] == 200
    assert pieces.statuses() == {1: "planned", 2: "produced", 3: "planned"}
    assert_quantities_are_right()
    assert pieces.move(2, status="scrapped", reason="cracked again")[0] == 200
    assert pieces.move(4, status="in_production")[0] == 200
    code, message = pieces.move(2, status="produced", reason="repaired")
    assert (code, "It stays scrapped." in message) == (409, True)


def test_imports_keep_scrapped_pieces_and_count_the_others(
    pieces: Pieces, green_meadows: int, write_csv: WriteCsv, client: FlaskClient, admin: Headers
) -> None:
    pieces.move(1, status="produced")
    pieces.move(1, status="scrapped", reason="cracked")
    pieces.move(3, status="in_production")
    pieces.move(3, status="planned", reason="wrong piece")
    before, data = project_snapshot.snapshot_pieces(green_meadows), project_snapshot.snapshot_project(green_meadows)
    unchanged = run_import(green_meadows, write_csv(HEADINGS, _wall(3)))
    assert (unchanged.unchanged_count, unchanged.pieces_added) == (1, 0)
    fewer = run_import(green_meadows, write_csv(HEADINGS, _wall(1)))
    assert (fewer.pieces_removed, pieces.statuses()) == (2, {1: "scrapped", 2: "planned"})
    assert_quantities_are_right()
    none = run_import(green_meadows, write_csv(HEADINGS, _wall(0)))
    assert (none.status, none.pieces_removed, pieces.statuses()) == ("completed", 1, {1: "scrapped"})
    assert_quantities_are_right()
    again = run_import(green_meadows, write_csv(HEADINGS, _wall(0)))
    assert again.unchanged_count == 1
    more = run_import(green_meadows, write_csv(HEADINGS, _wall(1)))
    assert (more.pieces_added, pieces.statuses()) == (1, {1: "scrapped", 2: "planned"})
    # The undo of the imports restores the same pieces, and with them their history.
    for job in (more, none, fewer):
        assert undo_job(client, admin, job.id).status == "completed"
    project_snapshot.assert_same(project_snapshot.snapshot_pieces(green_meadows), before)
    project_snapshot.assert_same(project_snapshot.snapshot_project(green_meadows), data)
    assert [each[2] for each in pieces.history(3)] == ["in_production", "planned"]
