"""Uploads that are sent twice, and failed jobs that are retried."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from precast_app.extensions import db
from precast_app.jobs.runner import run_job
from tests.conftest import EXAMPLES, get_job, run_import
from tests.element_type_files import BASE_HEADER, SAMPLE_TOTALS, project_totals
from tests.job_requests import CSV_IMPORT_URL, EXCEL_IMPORT_URL, SAMPLE_WORKBOOK, upload_form

Headers = dict[str, str]
KEY = "Idempotency-Key"


def count(table: str) -> int:
    found: int = db.session.scalar(text(f"SELECT count(*) FROM {table}")) or 0
    db.session.rollback()
    return found


def test_the_same_upload_with_the_same_key_returns_the_same_job(
    client: FlaskClient, admin: Headers, green_meadows: int
) -> None:
    jobs = count("import_jobs")
    answers = [
        client.post(EXCEL_IMPORT_URL, data=upload_form(SAMPLE_WORKBOOK), headers={**admin, KEY: "monday"}).get_json()
        for _ in range(3)
    ]
    assert answers[0] == answers[1] == answers[2]
    assert count("import_jobs") == jobs + 1
    run_job(answers[0]["job_id"])
    later = client.post(EXCEL_IMPORT_URL, data=upload_form(SAMPLE_WORKBOOK), headers={**admin, KEY: "monday"})
    assert (later.status_code, later.get_json()["status"]) == (202, "completed")
    assert project_totals(green_meadows) == SAMPLE_TOTALS


@pytest.mark.parametrize("other", ["file", "option", "type"])
def test_another_upload_with_the_same_key_is_rejected(
    client: FlaskClient, admin: Headers, green_meadows: int, other: str
) -> None:
    headers = {**admin, KEY: "monday"}
    first = client.post(EXCEL_IMPORT_URL, data=upload_form(SAMPLE_WORKBOOK), headers=headers).get_json()
    if other == "file":
        answer = client.post(CSV_IMPORT_URL, data=upload_form(EXAMPLES / "element_types.csv"), headers=headers)
    elif other == "option":
        answer = client.post(f"{EXCEL_IMPORT_URL}?dry_run=true", data=upload_form(SAMPLE_WORKBOOK), headers=headers)
    else:
        route = f"/api/project/{green_meadows}/jobs?job_type=stage_import"
        answer = client.post(route, data=upload_form(EXAMPLES / "stages.csv"), headers=headers)
    assert answer.status_code == 409
    assert f"(job {first['job_id']})" in answer.get_json()["message"]
    assert (
        client.post(EXCEL_IMPORT_URL, data=upload_form(SAMPLE_WORKBOOK), headers={**admin, KEY: "x" * 201}).status_code
        == 422
    )


def test_a_key_expires_after_a_day(client: FlaskClient, admin: Headers, green_meadows: int) -> None:
    headers = {**admin, KEY: "monday"}
    first = client.post(EXCEL_IMPORT_URL, data=upload_form(SAMPLE_WORKBOOK), headers=headers).get_json()["job_id"]
    db.session.execute(text("UPDATE import_jobs SET created_at = created_at - interval '25 hours'"))
    db.session.commit()
    answer = client.post(CSV_IMPORT_URL, data=upload_form(EXAMPLES / "element_types.csv"), headers=headers)
    assert answer.status_code == 202
    assert answer.get_json()["job_id"] != first


def test_simultaneous_uploads_with_the_same_key_create_one_job(app: Flask, admin: Headers, green_meadows: int) -> None:
    def send(_: int) -> Any:
        return app.test_client().post(
            EXCEL_IMPORT_URL, data=upload_form(SAMPLE_WORKBOOK), headers={**admin, KEY: "monday"}
        )

    jobs = count("import_jobs")
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(send, range(8)))
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.get_json()["job_id"] for answer in answers}) == 1
    assert count("import_jobs") == jobs + 1


def test_the_same_upload_twice_without_a_key_creates_each_piece_once(
    client: FlaskClient, admin: Headers, green_meadows: int
) -> None:
    first, second = (
        client.post(EXCEL_IMPORT_URL, data=upload_form(SAMPLE_WORKBOOK), headers=admin).get_json()["job_id"]
        for _ in range(2)
    )
    run_job(second)
    assert get_job(second).status == "pending"
    run_job(first)
    run_job(second)
    assert (get_job(first).created_count, get_job(second).unchanged_count) == (120, 120)
    assert project_totals(green_meadows) == SAMPLE_TOTALS


def retry(client: FlaskClient, admin: Headers, job_id: int) -> tuple[int, dict[str, Any]]:
    answer = client.post(f"/api/jobs/{job_id}/retry", headers=admin)
    return answer.status_code, answer.get_json()


@contextmanager
def no_element_types_beyond(limit: int) -> Iterator[None]:
    """Let the database fail each statement that would store more than `limit` element types."""
    execute(f"""
        CREATE FUNCTION fail_beyond_limit() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF (SELECT count(*) FROM element_types) > {limit} THEN
                RAISE EXCEPTION 'a fault in the middle' USING ERRCODE = 'internal_error';
            END IF;
            RETURN NULL;
        END $$""")
    execute("""
        CREATE TRIGGER fail_beyond_limit AFTER INSERT ON element_types
        FOR EACH STATEMENT EXECUTE FUNCTION fail_beyond_limit()""")
    try:
        yield
    finally:
        execute("DROP FUNCTION fail_beyond_limit CASCADE")


def execute(statement: str) -> None:
    db.session.execute(text(statement))
    db.session.commit()


def test_a_retried_job_continues_after_its_committed_batches(
    client: FlaskClient, admin: Headers, green_meadows: int
) -> None:
    job_id = client.post(EXCEL_IMPORT_URL, data=upload_form(SAMPLE_WORKBOOK), headers=admin).get_json()["job_id"]
    execute(f"UPDATE import_jobs SET concurrent_batches = 1 WHERE id = {job_id}")
    with no_element_types_beyond(60):
        run_job(job_id)
    failed = get_job(job_id)
    assert (failed.status, failed.created_count) == ("failed", 60), failed.error
    status, body = retry(client, admin, job_id)
    assert (status, body["job_id"], body["status"]) == (202, job_id, "pending")
    run_job(job_id)
    done = get_job(job_id)
    assert (done.status, done.error, done.created_count, done.progress) == ("completed", None, 120, 100)
    assert project_totals(green_meadows) == SAMPLE_TOTALS
    assert retry(client, admin, job_id)[0] == 409


def test_an_undone_job_can_not_be_retried(client: FlaskClient, admin: Headers, green_meadows: int) -> None:
    done = run_import(green_meadows, SAMPLE_WORKBOOK)
    db.session.execute(text("UPDATE import_jobs SET status = 'failed', progress = 99 WHERE id = :id"), {"id": done.id})
    db.session.commit()
    undo = client.post(f"/api/jobs/{done.id}/undo", headers=admin).get_json()["job_id"]
    assert retry(client, admin, done.id)[0] == 409
    run_job(undo)
    assert get_job(undo).status == "completed"
    assert retry(client, admin, done.id)[0] == 409
    assert project_totals(green_meadows)["element_types"] == 0


def test_a_job_can_be_retried_after_the_project_was_corrected(
    client: FlaskClient, admin: Headers, green_meadows: int, tmp_path: Path
) -> None:
    path = tmp_path / "types.csv"
    path.write_text(f"{BASE_HEADER},Twice\nWALL,A,1,1,1,1,1,1,1,,yes\n")
    db.session.execute(text("UPDATE stages SET name = 'Twice', match_key = 'twice' WHERE name = 'Casting'"))
    db.session.execute(text("UPDATE drawing_types SET name = 'Twice', match_key = 'twice' WHERE name = 'Assembly'"))
    db.session.commit()
    failed = run_import(green_meadows, path)
    assert (failed.status, "names more than one thing" in str(failed.error)) == ("failed", True)
    db.session.execute(text("UPDATE drawing_types SET name = 'Once', match_key = 'once' WHERE name = 'Twice'"))
    db.session.commit()
    assert retry(client, admin, failed.id)[0] == 202
    run_job(failed.id)
    assert (get_job(failed.id).status, get_job(failed.id).created_count) == ("completed", 1)


def test_a_job_whose_file_was_deleted_can_not_be_retried(
    client: FlaskClient, admin: Headers, green_meadows: int
) -> None:
    job_id = client.post(EXCEL_IMPORT_URL, data=upload_form(SAMPLE_WORKBOOK), headers=admin).get_json()["job_id"]
    assert retry(client, admin, job_id)[0] == 409
    client.post(f"/api/jobs/{job_id}/cancel", headers=admin)
    db.session.execute(text("DELETE FROM import_file_chunks WHERE job_id = :id"), {"id": job_id})
    db.session.commit()
    status, body = retry(client, admin, job_id)
    assert (status, "has been deleted" in body["message"]) == (409, True)


def test_a_cancelled_job_can_be_retried(client: FlaskClient, admin: Headers, green_meadows: int) -> None:
    job_id = client.post(EXCEL_IMPORT_URL, data=upload_form(SAMPLE_WORKBOOK), headers=admin).get_json()["job_id"]
    assert client.post(f"/api/jobs/{job_id}/cancel", headers=admin).status_code == 202
    assert retry(client, admin, job_id)[0] == 202
    run_job(job_id)
    assert (get_job(job_id).status, get_job(job_id).created_count) == ("completed", 120)
    assert project_totals(green_meadows) == SAMPLE_TOTALS
