"""Files of other offices: refused with proposals, or waiting until a user says what their columns mean."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from precast_app.extensions import db
from precast_app.jobs import broker, reaper
from precast_app.models import ImportJob, ImportProfile, Role
from precast_app.projects import projects
from tests.auth_headers import member_headers, user_headers
from tests.conftest import EXAMPLES, ROOT, get_job
from tests.job_requests import EXCEL_IMPORT_URL, Headers, post_job_action, upload_form

OFFICES = ROOT / "tests" / "files" / "other_offices"
GERMAN, SCHEDULE = OFFICES / "fertigteilliste.xlsx", OFFICES / "wall_schedule.csv"


def upload(client: FlaskClient, headers: Headers, path: Path, url: str = EXCEL_IMPORT_URL, **options: Any) -> Any:
    return client.post(url, data=upload_form(path, **options), headers=headers)


def waiting_job(client: FlaskClient, headers: Headers, path: Path = GERMAN, **options: Any) -> int:
    answer = upload(client, headers, path, mapping="ask", **options)
    assert answer.status_code == 202, answer.get_json()
    job_id: int = answer.get_json()["job_id"]
    return job_id


def draft_of(client: FlaskClient, headers: Headers, job_id: int) -> dict[str, Any]:
    described = client.get(f"/api/jobs/{job_id}/columns", headers=headers)
    assert described.status_code == 200, described.get_json()
    profile: dict[str, Any] = described.get_json()["profile"]
    return profile


def mapped(client: FlaskClient, headers: Headers, job_id: int, method: str = "PUT", **body: Any) -> Any:
    return client.open(f"/api/jobs/{job_id}/mapping", method=method, json=body, headers=headers)


def job_json(client: FlaskClient, headers: Headers, job_id: int) -> dict[str, Any]:
    job: dict[str, Any] = client.get(f"/api/jobs/{job_id}", headers=headers).get_json()["job"]
    return job


def test_a_file_without_known_headings_is_refused_with_proposals(
    client: FlaskClient, admin: Headers, project_id: int
) -> None:
    refused = upload(client, admin, GERMAN)
    body = refused.get_json()
    assert (refused.status_code, "No header row was found" in body["message"]) == (422, True)
    assert body["errors"]["file"] == [body["message"]]
    columns = {column["heading"]: column for column in body["errors"]["columns"]}
    assert columns["Pos."]["target"] == "name"
    assert (columns["Länge [m]"]["target"], columns["Länge [m]"]["unit"]) == ("length", "m")
    assert all({"target", "unit", "confidence", "reason"} == {*each} for each in columns["Pos."]["proposals"])
    assert body["errors"]["profile"]["header_rows"] == [3]
    assert db.session.query(ImportJob).count() == 0


def test_a_job_waits_for_its_mapping_and_the_next_file_needs_none(
    client: FlaskClient, admin: Headers, project_id: int
) -> None:
    job_id = waiting_job(client, admin, dry_run="true")
    waiting = job_json(client, admin, job_id)
    assert (waiting["status"], waiting["phase"], waiting["profile"]) == ("pending", "waiting_for_mapping", None)
    assert (waiting["queue_position"], broker.rq_queue().count) == (None, 0)
    draft = draft_of(client, admin, job_id)
    started = mapped(client, admin, job_id, **{**draft, "name": "Hafen"}, save=True, dry_run=False, create_missing=True)
    assert (started.status_code, started.get_json()["status"]) == (202, "pending"), started.get_json()
    assert started.headers["Location"].endswith(f"/api/jobs/{job_id}")
    queued = job_json(client, admin, job_id)
    remembered = db.session.query(ImportProfile).one()
    assert queued["profile"] == {"id": remembered.id, "name": "Hafen", "version": 1}
    assert (queued["phase"], queued["dry_run"], queued["queue_position"]) == ("queued", False, 1)
    assert queued["total_items"] > 10
    assert get_job(job_id).create_missing is True
    assert mapped(client, admin, job_id, **draft).status_code == 409
    second = upload(client, admin, GERMAN).get_json()
    assert second["total_elements"] == queued["total_items"]
    assert job_json(client, admin, second["job_id"])["profile"] == queued["profile"]
    described = client.get(f"/api/jobs/{second['job_id']}/columns", headers=admin).get_json()
    assert described["matched_profile"] == queued["profile"]
    assert upload(client, admin, GERMAN, profile="none").status_code == 422


def test_the_version_of_a_job_stays_when_its_profile_changes_or_is_deleted(
    client: FlaskClient, admin: Headers, project_id: int
) -> None:
    job_id = waiting_job(client, admin)
    draft = {**draft_of(client, admin, job_id), "name": "Hafen"}
    assert mapped(client, admin, job_id, **draft, save=True).status_code == 202
    profile = job_json(client, admin, job_id)["profile"]
    url = f"/api/project/1/import-profiles/{profile['id']}"
    assert client.put(url, json={**draft, "blank": "keep"}, headers=admin).status_code == 200
    assert job_json(client, admin, job_id)["profile"] == profile
    newer = upload(client, admin, GERMAN).get_json()["job_id"]
    assert job_json(client, admin, newer)["profile"] == {**profile, "version": 2}
    assert client.delete(url, headers=admin).status_code == 204
    assert job_json(client, admin, job_id)["profile"] == {"id": None, "name": "Hafen", "version": None}
    assert (get_job(newer).profile or {})["blank"] == "keep"


def test_a_remembered_profile_is_chosen_by_its_id(client: FlaskClient, admin: Headers, project_id: int) -> None:
    draft = draft_of(client, admin, waiting_job(client, admin))
    stored = client.post("/api/project/1/import-profiles", json=draft, headers=admin).get_json()["import_profile"]
    other = waiting_job(client, admin, profile="none")
    assert mapped(client, admin, other, profile_id=stored["id"]).status_code == 202
    chosen = upload(client, admin, GERMAN, profile=stored["id"]).get_json()["job_id"]
    assert job_json(client, admin, chosen)["profile"]["id"] == stored["id"]
    both = mapped(client, admin, other, "POST", **draft, profile_id=stored["id"])
    assert (both.status_code, "name" in both.get_json()["errors"]["json"]) == (422, True)
    wrong = upload(client, admin, SCHEDULE, profile=stored["id"])
    assert (wrong.status_code, "The file has no column Pos." in wrong.get_json()["message"]) == (422, True)


def test_a_profile_of_another_project_is_never_used(client: FlaskClient, admin: Headers, project_id: int) -> None:
    draft = draft_of(client, admin, waiting_job(client, admin))
    other = projects.create("Other").id
    url = f"/api/project/{other}/import-profiles"
    foreign = client.post(url, json=draft, headers=admin).get_json()["import_profile"]["id"]
    assert upload(client, admin, GERMAN, profile=foreign).status_code == 404
    assert mapped(client, admin, waiting_job(client, admin), profile_id=foreign).status_code == 404
    assert upload(client, admin, GERMAN).status_code == 422
    shared = client.post("/api/import-profiles", json=draft, headers=admin).get_json()["import_profile"]["id"]
    job_id = upload(client, admin, GERMAN).get_json()["job_id"]
    assert job_json(client, admin, job_id)["profile"]["id"] == shared


@pytest.mark.parametrize("value", ["0", "-1", "Hafen", "1.5", "99999999999", "٣"])
def test_an_unknown_choice_of_a_profile_is_refused(
    client: FlaskClient, admin: Headers, project_id: int, value: str
) -> None:
    answer = upload(client, admin, EXAMPLES / "element_types.csv", profile=value)
    assert (answer.status_code, [*answer.get_json()["errors"]["form"]]) == (422, ["profile"])


def test_a_file_with_the_templates_headings_is_never_asked_about(
    client: FlaskClient, admin: Headers, green_meadows: int
) -> None:
    few = {
        "name": "Few", "columns": [
            {"heading": "Element Type", "target": "element_type"}, {"heading": "Element Type Name", "target": "name"},
        ],
    }  # fmt: skip
    assert client.post("/api/project/1/import-profiles", json=few, headers=admin).status_code == 201
    for name in ("element_types.csv", "element_types.xlsx"):
        job_id = waiting_job(client, admin, EXAMPLES / name)
        job = job_json(client, admin, job_id)
        assert (job["phase"], job["profile"]) == ("queued", None)


def test_the_file_of_a_job_can_be_read_in_another_way(client: FlaskClient, admin: Headers, project_id: int) -> None:
    first = waiting_job(client, admin, dry_run="true", batch_size=7)
    draft = draft_of(client, admin, first)
    assert mapped(client, admin, first, **draft).status_code == 202
    described = client.post(f"/api/jobs/{first}/columns", json={**draft, "blank": "keep"}, headers=admin)
    assert (described.status_code, described.get_json()["profile"]["blank"]) == (200, "keep")
    assert get_job(first).profile is not None
    second = mapped(client, admin, first, "POST", **{**draft, "blank": "above"}, create_missing=True)
    assert second.status_code == 202
    job = get_job(second.get_json()["job_id"])
    assert (job.id != first, job.batch_size, job.dry_run, job.create_missing) == (True, 7, True, True)
    assert (job.file_name, (job.profile or {})["blank"], job.profile_id) == (GERMAN.name, "above", None)
    assert job_json(client, admin, job.id)["profile"] == {"id": None, "name": draft["name"], "version": None}
    assert draft_of(client, admin, job.id)["blank"] == "above"


def test_saving_a_profile_with_a_known_name_makes_a_version(
    client: FlaskClient, admin: Headers, project_id: int
) -> None:
    job_id = waiting_job(client, admin)
    draft = draft_of(client, admin, job_id)
    for number, blank in enumerate(("clear", "clear", "keep"), 1):
        body = {**draft, "blank": blank, "save": True}
        assert mapped(client, admin, job_id, "POST", **body).status_code == 202
        assert db.session.query(ImportProfile).one().version == (1 if number < 3 else 2)
        db.session.rollback()


def test_a_job_without_a_mapping_expires_and_waits_again_after_a_retry(
    app: Flask, client: FlaskClient, admin: Headers, project_id: int
) -> None:
    job_id = waiting_job(client, admin)
    seconds = app.config["PRECAST"].file_wait_seconds + 1
    past = text("UPDATE import_jobs SET updated_at = updated_at - make_interval(secs => :seconds) WHERE id = :id")
    assert reaper.sweep() == []
    assert get_job(job_id).status == "pending"
    db.session.execute(past, {"seconds": seconds, "id": job_id})
    db.session.commit()
    assert reaper.sweep() == []
    expired = job_json(client, admin, job_id)
    assert (expired["status"], expired["failure_reason"]) == ("failed", "expired")
    assert "were not mapped in time" in expired["error"]
    assert post_job_action(client, admin, "retry", job_id)[0] == 202
    assert (get_job(job_id).phase, broker.rq_queue().count) == ("waiting_for_mapping", 0)
    assert mapped(client, admin, job_id, **draft_of(client, admin, job_id)).status_code == 202
    assert get_job(job_id).phase == "queued"


def test_a_waiting_job_can_be_cancelled(client: FlaskClient, admin: Headers, project_id: int) -> None:
    job_id = waiting_job(client, admin)
    draft = draft_of(client, admin, job_id)
    assert post_job_action(client, admin, "cancel", job_id)[0] == 202
    assert get_job(job_id).failure_reason == "cancelled"
    assert mapped(client, admin, job_id, **draft).status_code == 409


def test_a_file_that_follows_later_can_be_mapped_too(client: FlaskClient, admin: Headers, project_id: int) -> None:
    url = "/api/project/1/jobs?job_type=element_type_import"
    asking = client.post(f"{url}&mapping=ask", headers=admin).get_json()["job_id"]
    plain = client.post(url, headers=admin).get_json()["job_id"]
    for job_id, status, phase in ((asking, 202, "waiting_for_mapping"), (plain, 422, "waiting_for_file")):
        answer = client.put(f"/api/jobs/{job_id}/file", data=GERMAN.read_bytes(), headers=admin)
        assert (answer.status_code, get_job(job_id).phase) == (status, phase)
    draft = draft_of(client, admin, asking)
    assert mapped(client, admin, asking, **draft, save=True).status_code == 202
    stored = get_job(asking).profile_id
    named = client.post(f"{url}&profile={stored}", headers=admin).get_json()["job_id"]
    client.delete(f"/api/project/1/import-profiles/{stored}", headers=admin)
    assert client.put(f"/api/jobs/{named}/file", data=GERMAN.read_bytes(), headers=admin).status_code == 202
    assert (get_job(named).phase, get_job(named).profile_id, get_job(named).profile_name) == (
        "queued",
        None,
        draft["name"],
    )


def test_an_idempotency_key_stands_for_the_choice_of_the_profile(
    client: FlaskClient, admin: Headers, project_id: int
) -> None:
    keyed = {**admin, "Idempotency-Key": "monday"}
    first = waiting_job(client, keyed)
    assert mapped(client, admin, first, **draft_of(client, admin, first), save=True).status_code == 202
    assert waiting_job(client, keyed) == first
    assert upload(client, keyed, GERMAN).status_code == 409
    assert upload(client, keyed, GERMAN, mapping="ask", profile="none").status_code == 409


def test_mapping_needs_the_role_for_the_import(client: FlaskClient, project_id: int) -> None:
    editor, viewer = member_headers(project_id, Role.EDITOR), member_headers(project_id, Role.VIEWER)
    job_id = waiting_job(client, editor)
    draft = draft_of(client, viewer, job_id)
    assert mapped(client, viewer, job_id, **draft).status_code == 403
    assert client.post(f"/api/jobs/{job_id}/columns", json=draft, headers=viewer).status_code == 403
    assert mapped(client, editor, job_id, **draft, create_missing=True).status_code == 403
    stranger = user_headers("mallory")
    for method, path in (("GET", "columns"), ("POST", "columns"), ("PUT", "mapping"), ("POST", "mapping")):
        answer = client.open(f"/api/jobs/{job_id}/{path}", method=method, json=draft, headers=stranger)
        assert answer.status_code == 404
    assert get_job(job_id).phase == "waiting_for_mapping"
    assert mapped(client, editor, job_id, **draft).status_code == 202


def test_other_jobs_have_no_columns_to_map(client: FlaskClient, admin: Headers, project_id: int) -> None:
    stages = {"file": (BytesIO((EXAMPLES / "stages.csv").read_bytes()), "stages.csv")}
    url = "/api/project/1/jobs?job_type=stage_import&mapping=ask"
    job_id = client.post(url, data=stages, headers=admin).get_json()["job_id"]
    assert get_job(job_id).phase == "queued"
    assert client.get(f"/api/jobs/{job_id}/columns", headers=admin).status_code == 409
    without = client.post("/api/project/1/jobs?job_type=element_type_import", headers=admin).get_json()["job_id"]
    assert client.get(f"/api/jobs/{without}/columns", headers=admin).status_code == 404


def test_a_mapping_that_does_not_fit_the_file_is_refused(client: FlaskClient, admin: Headers, project_id: int) -> None:
    job_id = waiting_job(client, admin)
    draft = draft_of(client, admin, job_id)
    strange = {**draft, "columns": [{"heading": "Nowhere", "target": "name"}], "constants": {"element_type": "WALL"}}
    answer = mapped(client, admin, job_id, **strange)
    assert (answer.status_code, [*answer.get_json()["errors"]["json"]]) == (422, ["columns"])
    incomplete = {**draft, "columns": [{"heading": "Pos.", "target": None}], "constants": {}}
    assert mapped(client, admin, job_id, **incomplete).status_code == 422
    assert mapped(client, admin, job_id).status_code == 422
    assert (get_job(job_id).phase, db.session.query(ImportProfile).count()) == ("waiting_for_mapping", 0)
