"""Lists of pieces with headings and words of their own are read by an import profile."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from precast_app.extensions import db
from precast_app.jobs.runner import run_job
from precast_app.models import Role
from tests.conftest import get_job, run_import
from tests.element_type_files import WriteCsv, wall_row
from tests.job_requests import Headers, post_job_action, undo_job, upload_form
from tests.pages import page, signed_in

PROFILES = "/api/project/1/import-profiles"
JOBS = "/api/project/1/jobs"
PROFILE = {
    "name": "Werk Nord",
    "shape": "piece_status",
    "columns": [
        {"heading": "FT-Kennung", "target": "piece"},
        {"heading": "Gemeldet", "target": "status"},
        {"heading": "Wann", "target": "date"},
        {"heading": "Polier", "target": "note"},
    ],
    "values": {"status": {"grün": "produced", "blau": "dispatched"}},
}
LIST = """Tagesliste Werk Nord;;;
Halle;Wann;FT-Kennung;Gemeldet;Polier
3;12.10.2026;WALL/T1_F1/0001;GRÜN;Meier
3;13.10.2026;WALL/T1_F1/0002;blau;
3;;WALL/T1_F1/0003;rot;
"""


@pytest.fixture
def walls(green_meadows: int, write_csv: WriteCsv) -> int:
    """Return a project with three walls on a floor, of which it knows since a year before the list."""
    row = wall_row("W", 3, "yes")
    assert run_import(green_meadows, write_csv(["Tower_A.Floor_1", "Casting"], row)).pieces_added == 3
    return green_meadows


@pytest.fixture
def written(tmp_path: Path) -> Path:
    path = tmp_path / "tagesliste.csv"
    path.write_text(LIST, encoding="utf-8")
    return path


def statuses() -> list[str]:
    db.session.rollback()
    return list(db.session.scalars(text("SELECT status FROM pieces ORDER BY number")))


def send(client: FlaskClient, headers: Headers, path: Path, **query: str) -> Any:
    return client.post(JOBS, query_string=query, data=upload_form(path), headers=headers)


def test_a_list_is_read_by_the_profile_that_was_remembered_for_it(
    client: FlaskClient, admin: Headers, walls: int, written: Path
) -> None:
    refused = send(client, admin, written, job_type="piece_status_import")
    assert (refused.status_code, "no headings Piece and Status" in refused.get_json()["message"]) == (422, True)
    made = client.post(PROFILES, json=PROFILE, headers=admin)
    assert made.status_code == 201, made.get_json()
    profile_id = made.get_json()["import_profile"]["id"]
    sent = send(client, admin, written, job_type="auto", dry_run="true")
    assert sent.status_code == 201, sent.get_json()
    run_job(sent.get_json()["job_id"])
    dry = client.get(f"/api/jobs/{sent.get_json()['job_id']}", headers=admin).get_json()["job"]
    assert (dry["job_type"], dry["profile"]) == (
        "piece_status_import", {"id": profile_id, "name": "Werk Nord", "version": 1},
    )  # fmt: skip
    assert (dry["updated_count"], dry["rejected_count"], statuses()) == (2, 1, ["planned"] * 3)
    # A new version of the profile doesn't change what the preview has shown.
    changed = {**PROFILE, "values": {"status": {"grün": "erected", "rot": "scrapped"}}}
    assert client.put(f"{PROFILES}/{profile_id}", json=changed, headers=admin).status_code == 200
    status, body = post_job_action(client, admin, "apply", dry["id"])
    assert status == 202, body
    run_job(body["job_id"])
    done = get_job(body["job_id"])
    assert (done.status, done.updated_count, done.rejected_count) == ("completed", 2, 1), done.error
    assert statuses() == ["produced", "dispatched", "planned"]
    issue = client.get(f"/api/jobs/{done.id}/issues?severity=error", headers=admin).get_json()["issues"][0]
    assert (issue["code"], issue["column"], issue["row"], issue["heading"]) == ("unknown_status", "D", 5, "Gemeldet")
    undone = undo_job(client, admin, done.id)
    assert (undone.status, statuses()) == ("completed", ["planned"] * 3), undone.error


def test_a_profile_can_be_named_and_only_for_lists_of_its_kind(
    client: FlaskClient, admin: Headers, walls: int, written: Path, write_csv: WriteCsv
) -> None:
    profile_id = client.post(PROFILES, json=PROFILE, headers=admin).get_json()["import_profile"]["id"]
    named = send(client, admin, written, job_type="piece_status_import", profile=str(profile_id))
    assert named.status_code == 201, named.get_json()
    none = send(client, admin, written, job_type="piece_status_import", profile="none")
    assert none.status_code == 422
    other = write_csv(["Tower_A.Floor_1"], wall_row("W", 3))
    wrong = send(client, admin, other, job_type="element_type_import", profile=str(profile_id))
    assert (wrong.status_code, "for files of another kind" in wrong.get_json()["message"]) == (422, True)
    lacking = written.with_name("other.csv")
    lacking.write_text("Kennung;Gemeldet\nWALL/T1_F1/0001;grün\n", encoding="utf-8")
    answer = send(client, admin, lacking, job_type="piece_status_import", profile=str(profile_id))
    assert (answer.status_code, "no column FT-Kennung" in answer.get_json()["message"]) == (422, True)
    # Files of element types never get the profile.
    assert send(client, admin, other, job_type="auto").get_json()["job_id"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"columns": [{"heading": "Gemeldet", "target": "status"}]}, "which piece"),
        ({"columns": [*PROFILE["columns"], {"heading": "Höhe", "target": "height"}]}, "no such column"),
        ({"shape": "element_type"}, "Only a list of pieces"),
    ],
)
def test_a_profile_that_mixes_kinds_of_columns_is_refused(
    client: FlaskClient, admin: Headers, walls: int, change: dict[str, Any], said: str
) -> None:
    answer = client.post(PROFILES, json={**PROFILE, **change}, headers=admin)
    assert (answer.status_code, said in answer.get_data(as_text=True)) == (422, True), answer.get_json()


def test_the_import_page_has_the_form_and_the_profile(
    app: Flask, client: FlaskClient, admin: Headers, walls: int
) -> None:
    client.post(PROFILES, json=PROFILE, headers=admin)
    shown = page(signed_in(app, walls, "eva", Role.EDITOR), f"/projects/{walls}/import")
    assert "Lists of pieces with headings of their own" in shown
    assert "FT-Kennung, Gemeldet, Wann, Polier" in shown
