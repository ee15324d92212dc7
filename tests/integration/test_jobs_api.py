"""The jobs over HTTP, with exactly the fields and states of the contract."""

from __future__ import annotations

import re
from pathlib import Path

import openpyxl
import pytest
from flask.testing import FlaskClient
from sqlalchemy import update
from werkzeug.test import TestResponse

from precast_app.extensions import db
from precast_app.jobs import broker
from precast_app.jobs.runner import run_job
from precast_app.models import ImportJob
from precast_app.projects import projects
from tests.conftest import EXAMPLES, get_job, run_import, submit
from tests.job_requests import CSV_IMPORT_URL, EXCEL_IMPORT_URL, SAMPLE_WORKBOOK, upload_form

CONTRACT = [
    "id", "project_id", "job_type", "status", "progress", "total_items", "processed_items", "created_by", "created_at",
    "updated_at", "completed_at", "error", "result",
]  # fmt: skip
ADDED = [
    "phase", "failure_reason", "file_name", "dry_run", "created_count", "updated_count", "unchanged_count",
    "rejected_count", "renamed_count", "missing_count", "removed_count", "left_out_count", "review",
    "pieces_added", "pieces_removed", "warning_count", "started_at", "rows_per_second", "eta_seconds",
    "queue_position", "undone_by_job_id", "profile", "output",
]  # fmt: skip
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")

JOBS = "/api/project/1/jobs"


@pytest.mark.parametrize(
    ("route", "name"), [(EXCEL_IMPORT_URL, "element_types.xlsx"), (CSV_IMPORT_URL, "element_types.csv")]
)
def test_an_upload_is_accepted_and_enqueued(
    client: FlaskClient, admin: dict[str, str], green_meadows: int, route: str, name: str
) -> None:
    answer = client.post(route, data=upload_form(EXAMPLES / name), headers=admin)
    body = answer.get_json()
    assert (answer.status_code, answer.headers["Location"]) == (202, f"/api/jobs/{body['job_id']}")
    assert body == {
        "message": "Import job started successfully",
        "job_id": body["job_id"],
        "status": "pending",
        "total_elements": 120,
        "batch_size": 30,
        "concurrent_batches": 15,
    }
    (rq_job,) = broker.rq_queue().get_jobs()
    assert (list(rq_job.args), rq_job.kwargs) == ([body["job_id"]], {})


def test_a_job_goes_from_pending_to_completed(client: FlaskClient, admin: dict[str, str], green_meadows: int) -> None:
    number = client.post(EXCEL_IMPORT_URL, data=upload_form(SAMPLE_WORKBOOK), headers=admin).get_json()["job_id"]
    waiting = client.get(f"/api/jobs/{number}", headers=admin)
    job = waiting.get_json()["job"]
    assert list(job) == CONTRACT + ADDED
    assert (job["status"], job["phase"], job["progress"], job["total_items"]) == ("pending", "queued", 0, 120)
    assert (job["project_id"], job["job_type"], job["created_by"]) == (1, "element_type_import", "admin")
    assert (job["file_name"], job["queue_position"], job["dry_run"]) == ("element_types.xlsx", 1, False)
    assert [job[name] for name in ("completed_at", "error", "result", "started_at", "eta_seconds")] == [None] * 5
    assert MOMENT.fullmatch(job["created_at"])
    assert waiting.headers["Retry-After"] == "2"
    again = client.get(f"/api/jobs/{number}", headers={**admin, "If-None-Match": waiting.headers["ETag"]})
    assert (again.status_code, again.headers["Retry-After"]) == (304, "2")

    run_job(number)
    ended = client.get(f"/api/jobs/{number}", headers=admin)
    job = ended.get_json()["job"]
    assert list(job) == CONTRACT + ADDED
    assert (job["status"], job["phase"], job["progress"]) == ("completed", "done", 100)
    assert (job["total_items"], job["processed_items"]) == (120, 120)
    assert (job["result"], job["error"]) == ("Successfully processed 120 elements", None)
    assert (job["created_count"], job["pieces_added"], job["queue_position"]) == (120, 1859, None)
    assert MOMENT.fullmatch(job["completed_at"])
    assert job["rows_per_second"] > 0
    assert "Retry-After" not in ended.headers


def test_the_headings_of_a_file_decide_its_job_type(
    client: FlaskClient, admin: dict[str, str], green_meadows: int, tmp_path: Path
) -> None:
    for name, job_type in (("element_types.xlsx", "element_type_import"), ("stages.csv", "stage_import")):
        answer = client.post(f"{JOBS}?job_type=auto&dry_run=true", data=upload_form(EXAMPLES / name), headers=admin)
        assert answer.status_code == 201, answer.get_json()
        assert get_job(answer.get_json()["job_id"]).job_type == job_type

    unclear = tmp_path / "names.csv"
    unclear.write_text("Name\nPolishing\n", encoding="utf-8")
    answer = client.post(f"{JOBS}?job_type=auto", data=upload_form(unclear), headers=admin)
    assert answer.status_code == 422
    assert answer.get_json()["errors"] == {"job_types": ["hierarchy_import", "stage_import", "drawing_type_import"]}
    unreadable = tmp_path / "picture.xlsx"
    unreadable.write_bytes(b"\xff\xd8\xff\xe0" + b"\0" * 2_000)
    assert client.post(f"{JOBS}?job_type=auto", data=upload_form(unreadable), headers=admin).status_code == 415
    without_file = client.post(f"{JOBS}?job_type=auto", headers=admin)
    assert (without_file.status_code, without_file.get_json()["errors"].keys()) == (422, {"query"})


def test_an_unchanged_job_is_answered_with_304(client: FlaskClient, admin: dict[str, str], green_meadows: int) -> None:
    number = submit(green_meadows, SAMPLE_WORKBOOK)

    def poll(etag: str, query: str = "") -> TestResponse:
        return client.get(f"/api/jobs/{number}{query}", headers={**admin, "If-None-Match": etag})

    queued = client.get(f"/api/jobs/{number}", headers=admin).headers["ETag"]
    again = poll(queued)
    assert (again.status_code, again.data) == (304, b"")
    run_job(number)
    changed = poll(queued)
    assert changed.status_code == 200
    etag = changed.headers["ETag"]
    assert etag != queued

    for sent in (etag, etag, f"W/{etag}", f'"other", {etag}'):
        again = poll(sent)
        assert (again.status_code, again.data, again.headers["ETag"]) == (304, b"", etag)
    german = poll(etag, "?language=de")
    assert german.status_code == 200
    assert "erfolgreich" in german.get_json()["job"]["result"]
    assert poll(german.headers["ETag"], "?language=de").status_code == 304
    assert poll(german.headers["ETag"]).status_code == 200


def test_a_poll_sees_every_change_of_a_job(client: FlaskClient, admin: dict[str, str], green_meadows: int) -> None:
    number = submit(green_meadows, SAMPLE_WORKBOOK)
    run_job(number)
    etag = client.get(f"/api/jobs/{number}", headers=admin).headers["ETag"]
    assert client.get(f"/api/jobs/{number}", headers={**admin, "If-None-Match": etag}).status_code == 304
    # Also one that leaves the job's `updated_at` as it is.
    db.session.execute(update(ImportJob).where(ImportJob.id == number).values(undone_by_job_id=number))
    db.session.commit()
    changed = client.get(f"/api/jobs/{number}", headers={**admin, "If-None-Match": etag})
    assert (changed.status_code, changed.get_json()["job"]["undone_by_job_id"]) == (200, number)


def test_a_job_without_a_file_accepts_one_file(client: FlaskClient, admin: dict[str, str], green_meadows: int) -> None:
    created = client.post(f"{JOBS}?job_type=element_type_import", headers=admin)
    number = created.get_json()["job_id"]
    assert created.status_code == 201
    assert created.get_json() == {
        "message": "Import job created successfully",
        "job_id": number,
        "status": "pending",
    }
    job = client.get(f"/api/jobs/{number}", headers=admin).get_json()["job"]
    assert (job["phase"], job["queue_position"], job["file_name"]) == ("waiting_for_file", None, None)
    assert broker.rq_queue().count == 0

    address = f"/api/jobs/{number}/file"
    assert client.put(address, headers=admin, data=b"").status_code == 422
    raw = SAMPLE_WORKBOOK.read_bytes()
    attached = client.put(f"{address}?file_name=walls.xlsx", headers=admin, data=raw)
    assert (attached.status_code, attached.get_json()["job_id"], attached.get_json()["status"]) == (
        202,
        number,
        "pending",
    )
    twice = client.put(address, headers=admin, data=raw)
    assert (twice.status_code, twice.get_json()["status"]) == (409, "Conflict")
    run_job(number)
    job = client.get(f"/api/jobs/{number}", headers=admin).get_json()["job"]
    assert (job["status"], job["created_count"], job["file_name"]) == ("completed", 120, "walls.xlsx")


def test_a_file_can_be_attached_by_a_form(client: FlaskClient, admin: dict[str, str], green_meadows: int) -> None:
    number = client.post(f"{JOBS}?job_type=element_type_import&batch_size=7", headers=admin).get_json()["job_id"]
    assert client.put(f"/api/jobs/{number}/file", headers=admin, data=upload_form(SAMPLE_WORKBOOK)).status_code == 202
    run_job(number)
    assert client.get(f"/api/jobs/{number}", headers=admin).get_json()["job"]["created_count"] == 120


def test_a_job_that_is_created_with_its_file_is_enqueued(
    client: FlaskClient, admin: dict[str, str], project_id: int
) -> None:
    created = client.post(f"{JOBS}?job_type=stage_import", data=upload_form(EXAMPLES / "stages.csv"), headers=admin)
    assert created.status_code == 201
    assert broker.rq_queue().count == 1
    run_job(created.get_json()["job_id"])
    assert client.get("/api/project/1/stages", headers=admin).get_json()["count"] == 8


@pytest.mark.parametrize("place", ["query", "form"])
@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("batch_size", 0), ("batch_size", 501), ("batch_size", "many"), ("concurrent_batches", 0),
        ("concurrent_batches", 33),
    ],
)  # fmt: skip
def test_an_option_out_of_range_is_rejected(
    client: FlaskClient, admin: dict[str, str], green_meadows: int, place: str, option: str, value: object
) -> None:
    options = {option: value}
    answer = client.post(
        EXCEL_IMPORT_URL,
        query_string=options if place == "query" else None,
        data=upload_form(SAMPLE_WORKBOOK, **(options if place == "form" else {})),
        headers=admin,
    )
    assert answer.status_code == 422
    assert option in answer.get_json()["message"]
    assert client.get(JOBS, headers=admin).get_json()["count"] == len(("hierarchy", "stages", "drawings", "products"))


def test_options_are_stored_with_the_job(client: FlaskClient, admin: dict[str, str], green_meadows: int) -> None:
    body = client.post(
        f"{EXCEL_IMPORT_URL}?batch_size=500", data=upload_form(SAMPLE_WORKBOOK, concurrent_batches=32), headers=admin
    ).get_json()
    assert (body["batch_size"], body["concurrent_batches"]) == (500, 32)


def test_jobs_are_listed_newest_first(client: FlaskClient, admin: dict[str, str], green_meadows: int) -> None:
    other = projects.create("Other").id
    submit(other, EXAMPLES / "stages.csv", "stage_import")
    newest = submit(green_meadows, SAMPLE_WORKBOOK)
    body = client.get(JOBS, headers=admin).get_json()
    assert body["count"] == len(body["jobs"]) == 5
    assert [job["id"] for job in body["jobs"]] == sorted((job["id"] for job in body["jobs"]), reverse=True)
    assert body["jobs"][0]["id"] == newest
    assert body["jobs"][0]["queue_position"] == 2
    assert list(body["jobs"][0]) == CONTRACT + ADDED
    assert client.get(f"{JOBS}?status=pending", headers=admin).get_json()["count"] == 1
    assert client.get(f"{JOBS}?status=completed&job_type=stage_import", headers=admin).get_json()["count"] == 1
    page = client.get(f"{JOBS}?limit=2&offset=1", headers=admin).get_json()
    assert [job["id"] for job in page["jobs"]] == [newest - 2, newest - 3]
    assert page["count"] == 5


def test_an_issue_names_its_cell(
    client: FlaskClient, admin: dict[str, str], green_meadows: int, tmp_path: Path
) -> None:
    text = (EXAMPLES / "element_types.csv").read_text().splitlines()
    header = text[0].split(",")
    height = header.index("Height")
    cells = text[5].split(",")
    cells[height] = "tall"
    path = tmp_path / "bad.csv"
    path.write_text("\n".join([text[0] + ",Podiun", *text[1:5], ",".join(cells), *text[6:]]))
    job = run_import(green_meadows, path)
    body = client.get(f"/api/jobs/{job.id}/issues", headers=admin).get_json()
    assert body["count"] == 4
    chosen, understood, warning, error = body["issues"]
    assert "the data begin in row 2; base columns in A to J;" in understood["message"]
    assert (chosen["severity"], chosen["code"]) == ("info", "delimiter")
    assert list(error) == ["severity", "sheet", "row", "column", "cell", "heading", "value", "code", "message", "id"]
    letter = "ABCDEFGHIJ"[height]
    assert (error["severity"], error["row"], error["column"], error["cell"]) == ("error", 6, letter, f"{letter}6")
    assert (error["heading"], error["value"], error["code"]) == ("Height", "tall", "not_a_number")
    assert (warning["severity"], warning["row"], warning["cell"]) == ("warning", 1, "AR1")
    errors = client.get(f"/api/jobs/{job.id}/issues?severity=error", headers=admin).get_json()
    assert errors == {"issues": [error], "count": 1}


def test_an_issue_of_a_workbook_names_its_sheet(
    client: FlaskClient, admin: dict[str, str], green_meadows: int, tmp_path: Path
) -> None:
    book = openpyxl.load_workbook(SAMPLE_WORKBOOK)
    book["Element Types"]["C17"] = "tall"
    book.save(tmp_path / "bad.xlsx")
    job = run_import(green_meadows, tmp_path / "bad.xlsx")
    (issue,) = client.get(f"/api/jobs/{job.id}/issues?severity=error", headers=admin).get_json()["issues"]
    assert (issue["cell"], issue["value"]) == ("Element Types!C17", "tall")
    assert job.result == "Processed 119 of 120 elements; 1 row was rejected"
    assert job.error is not None
    assert job.error.startswith("Row 17, column C (Height): “tall”: Enter a number")
