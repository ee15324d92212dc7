"""The failure reason of a job in its JSON, on its page and in the metrics."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from precast_app.extensions import db
from precast_app.jobs import broker, reaper, service
from precast_app.jobs.creation import JobOptions
from precast_app.jobs.runner import run_job
from precast_app.models import DrawingType, Stage
from tests import job_states
from tests.conftest import get_job, run_import, submit
from tests.job_states import age_job, claim_or_fail
from tests.prometheus import scrape_metrics

BASE = "Element Type,Element Type Name,Height,Length,Thickness,Mass,Volume,Area,Width,Element Type Version"


def failed_job(app: Flask, project_id: int, path: Path, reason: str) -> int:
    """Return a job that has failed for this reason."""
    good, bad = "WALL,W-1,,,,,,,,", "WALL,W-2,tall,,,,,,,"
    if reason == "rejected":
        path.write_text(f"{BASE}\n{bad}\n")
        return run_import(project_id, path).id
    if reason == "aborted":
        path.write_text(f"{BASE}\n{good}\n{bad}\n")
        return run_import(project_id, path, on_error="abort").id
    path.write_text(f"{BASE}\n{good}\n")
    if reason == "expired":
        waiting = service.submit(
            project_id=project_id, job_type="element_type_import", created_by="tester", options=JobOptions(),
            upload=None,
        ).id  # fmt: skip
        age_job(waiting, app.config["PRECAST"].file_wait_seconds + 1)
        reaper.sweep()
        return waiting
    number = submit(project_id, path)
    if reason == "cancelled":
        assert job_states.cancel(number, "eve")
    elif reason == "gave_up":
        for _ in range(3):
            claim_or_fail(number, attempts=3)
            age_job(number)
        broker.redis_connection().flushdb()
        reaper.sweep()
    else:
        path.write_text(f"{BASE}\n")
        number = submit(project_id, _emptied(path, number))
        run_job(number)
    return number


def _emptied(path: Path, number: int) -> Path:
    """Return a file that passes the check at upload and fails later: one of its headings names two things."""
    project_id = get_job(number).project_id
    job_states.cancel(number, "eve")
    db.session.add(Stage(project_id=project_id, name="Both", match_key="both", position=1))
    db.session.add(DrawingType(project_id=project_id, name="Both", match_key="both"))
    db.session.commit()
    path.write_text(f"{BASE},Both\nWALL,W-1,,,,,,,,,\n")
    return path


@pytest.mark.parametrize(
    ("reason", "word", "tone", "outcome"),
    [
        ("error", "Failed", "bad", "failed"),
        ("cancelled", "Cancelled", "", "cancelled"),
        ("rejected", "All rows rejected", "warn", "rejected"),
        ("aborted", "Nothing imported", "warn", "aborted"),
        ("gave_up", "Given up", "bad", "gave_up"),
        ("expired", "Expired", "", "expired"),
    ],
)
def test_the_reason_is_in_the_json_on_the_page_and_in_the_metrics(
    app: Flask, client: FlaskClient, admin: dict[str, str], project_id: int, tmp_path: Path,
    reason: str, word: str, tone: str, outcome: str,
) -> None:  # fmt: skip
    before = scrape_metrics(client, admin)["precast_jobs_ended_last_hour", (outcome,)]
    number = failed_job(app, project_id, tmp_path / "types.csv", reason)
    shown = client.get(f"/api/jobs/{number}", headers=admin).get_json()["job"]
    assert (shown["status"], shown["failure_reason"]) == ("failed", reason), shown["error"]
    page = client.get(f"/jobs/{number}", headers={**admin, "Accept": "text/html"}).text
    assert f'<span class="badge {tone}">{word}</span>' in page
    assert scrape_metrics(client, admin)["precast_jobs_ended_last_hour", (outcome,)] == before + 1


def test_a_job_that_has_not_failed_has_no_reason(
    client: FlaskClient, admin: dict[str, str], project_id: int, tmp_path: Path
) -> None:
    number = failed_job(client.application, project_id, tmp_path / "types.csv", "cancelled")
    assert get_job(number).cancelled_by == "eve"
    assert client.post(f"/api/jobs/{number}/retry", headers=admin).status_code == 202
    assert (get_job(number).failure_reason, get_job(number).cancelled_by) == (None, None)
    run_job(number)
    shown = client.get(f"/api/jobs/{number}", headers=admin).get_json()["job"]
    assert (shown["status"], shown["failure_reason"]) == ("completed", None)


def test_cancelling_reports_whether_the_job_has_already_stopped(
    client: FlaskClient, admin: dict[str, str], project_id: int, tmp_path: Path
) -> None:
    path = tmp_path / "types.csv"
    path.write_text(f"{BASE}\nWALL,W-1,,,,,,,,\n")
    waiting, running = submit(project_id, path), submit(project_id, path)
    answer = client.post(f"/api/jobs/{waiting}/cancel", headers=admin).get_json()
    assert (answer["status"], answer["message"]) == ("failed", "Import job was cancelled")
    claim_or_fail(running)
    answer = client.post(f"/api/jobs/{running}/cancel", headers=admin).get_json()
    assert (answer["status"], answer["message"]) == ("processing", "Import job is being cancelled")


def test_the_error_of_a_file_with_one_row_speaks_of_the_only_row(project_id: int, tmp_path: Path) -> None:
    path = tmp_path / "types.csv"
    path.write_text(f"{BASE}\nWALL,W-2,tall,,,,,,,\n")
    assert str(run_import(project_id, path).error).startswith(
        "The only row could not be imported.\nRow 2, column C (Height)"
    )
