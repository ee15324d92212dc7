"""The metrics for Prometheus."""

from __future__ import annotations

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from precast_app.auth import tokens, users
from precast_app.extensions import db
from precast_app.jobs import reaper
from precast_app.models import ImportJob, NotificationEvent, Role
from precast_app.notifications import webhooks
from precast_app.projects import projects
from tests import job_states
from tests.app_settings import changed_settings
from tests.auth_headers import member_headers
from tests.conftest import EXAMPLES, run_import, submit
from tests.prometheus import scrape_metrics


def test_the_metrics_count_the_jobs(client: FlaskClient, admin: dict[str, str], green_meadows: int) -> None:
    file = EXAMPLES / "element_types.csv"
    run_import(green_meadows, file)
    cancelled, queued = submit(green_meadows, file), submit(green_meadows, file)
    assert job_states.cancel(cancelled, "vera")
    db.session.query(ImportJob).filter_by(id=queued).update(
        {"queued_at": ImportJob.created_at - db.text("interval '1 hour'")}
    )
    db.session.commit()
    found = scrape_metrics(client, admin)
    assert found["precast_jobs", ("element_type_import", "completed")] == 1
    assert found["precast_jobs", ("element_type_import", "failed")] == 1
    assert found["precast_jobs", ("stage_import", "completed")] == 1
    assert found["precast_jobs", ("stage_import", "processing")] == 0
    assert found["precast_jobs_ended_last_hour", ("completed",)] == 5
    assert found["precast_jobs_ended_last_hour", ("cancelled",)] == 1
    assert found["precast_jobs_ended_last_hour", ("failed",)] == 0
    assert found["precast_jobs_queued", ()] == 1
    assert 3600 <= found["precast_oldest_queued_job_seconds", ()] < 3700
    assert found["precast_jobs_lost", ()] == 0
    assert found["precast_enqueued", ()] == 3
    assert found["precast_workers", ()] == 0
    assert found["precast_redis_up", ()] == 1
    assert found["precast_database_bytes", ()] > found["precast_files_bytes", ()] > file.stat().st_size


def test_the_metrics_show_the_time_since_the_last_sweep(client: FlaskClient, admin: dict[str, str]) -> None:
    assert ("precast_reaper_seconds", ()) not in scrape_metrics(client, admin)
    reaper.sweep()
    assert 0 <= scrape_metrics(client, admin)["precast_reaper_seconds", ()] < 10


def test_the_metrics_of_the_table_need_no_redis(app: Flask, client: FlaskClient, admin: dict[str, str]) -> None:
    with changed_settings(app, redis_url="redis://127.0.0.1:1/0"):
        found = scrape_metrics(client, admin)
    assert found["precast_redis_up", ()] == 0
    assert found["precast_jobs_queued", ()] == 0
    assert ("precast_workers", ()) not in found


def test_the_metrics_show_the_messages_that_wait(client: FlaskClient, admin: dict[str, str], project_id: int) -> None:
    webhooks.create(project_id, "https://example.com/hooks", [NotificationEvent.JOB_COMPLETED], "ada")
    for _ in range(2):
        job_states.complete(job_states.claim_or_fail(job_states.submit_stages(project_id)))
    db.session.execute(
        text(
            "UPDATE outbox_messages SET created_at = now() - interval '2 hours',"
            " next_attempt_at = now() + (id - 2) * interval '10 minutes'"
        )
    )
    db.session.commit()
    found = scrape_metrics(client, admin)
    assert found["precast_messages_waiting", ("webhook",)] == 2
    assert 7200 <= found["precast_oldest_message_seconds", ("webhook",)] < 7300
    assert 600 <= found["precast_message_overdue_seconds", ("webhook",)] < 700
    for name in ("messages_waiting", "oldest_message_seconds", "message_overdue_seconds"):
        assert found[f"precast_{name}", ("email",)] == 0


def test_only_administrators_can_read_the_metrics_and_no_project_is_in_them(
    client: FlaskClient, admin: dict[str, str], green_meadows: int
) -> None:
    submit(green_meadows, EXAMPLES / "element_types.csv")
    shown = client.get("/metrics", headers=admin).text
    for secret in ("Green Meadows", "element_types", "tester", "admin"):
        assert secret not in shown
    assert client.get("/metrics").status_code == 401
    assert client.get("/metrics", headers=member_headers(green_meadows, Role.MANAGER)).status_code == 403
    chief = users.create("chief", "correct cement", is_admin=True)
    narrowed = tokens.create(chief, days=1, project_id=projects.create("Other").id)
    assert client.get("/metrics", headers={"Authorization": f"Bearer {narrowed}"}).status_code == 403
