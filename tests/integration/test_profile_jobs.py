"""Jobs that read a file by an import profile, from their mapping to their undo."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from precast_app.extensions import db
from precast_app.jobs.runner import run_job
from precast_app.models import ElementType, ImportJob
from tests.conftest import ROOT, get_job, wait_for, worker
from tests.job_requests import EXCEL_IMPORT_URL, Headers, post_job_action, undo_job, upload_form

GERMAN = ROOT / "tests" / "files" / "other_offices" / "fertigteilliste.xlsx"


def mapped_job(client: FlaskClient, headers: Headers, **body: Any) -> ImportJob:
    """Upload the German list, map it as it is proposed, and return the queued job."""
    answer = client.post(EXCEL_IMPORT_URL, data=upload_form(GERMAN, mapping="ask"), headers=headers)
    job_id = answer.get_json()["job_id"]
    draft = client.get(f"/api/jobs/{job_id}/columns", headers=headers).get_json()["profile"]
    body = {**draft, "name": "Hafen", "save": True, "create_missing": True, **body}
    started = client.put(f"/api/jobs/{job_id}/mapping", json=body, headers=headers)
    assert started.status_code == 202, started.get_json()
    return get_job(job_id)


def element_types() -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count()).select_from(ElementType)) or 0


def profile_of(job: ImportJob) -> tuple[Any, ...]:
    return job.profile, job.profile_name, job.profile_id, job.profile_version


def test_a_dry_run_is_applied_undone_and_redone_by_its_own_version(
    client: FlaskClient, admin: Headers, project_id: int
) -> None:
    dry = mapped_job(client, admin, dry_run=True)
    run_job(dry.id)
    dry = get_job(dry.id)
    assert (dry.status, dry.rejected_count) == ("completed", 0), dry.error
    used = profile_of(dry)
    url = f"/api/project/1/import-profiles/{dry.profile_id}"
    newer = client.get(url, headers=admin).get_json()["import_profile"]
    assert client.put(url, json={**newer, "constants": {"version": "VR-9"}}, headers=admin).status_code == 200
    status, body = post_job_action(client, admin, "apply", dry.id)
    assert status == 202, body
    run_job(body["job_id"])
    applied = get_job(body["job_id"])
    assert (applied.status, profile_of(applied)) == ("completed", used), applied.error
    created = element_types()
    assert created == applied.created_count == get_job(dry.id).created_count > 10
    undone = undo_job(client, admin, applied.id)
    assert (undone.status, element_types()) == ("completed", 0)
    redone = undo_job(client, admin, undone.id)
    assert (redone.status, profile_of(redone), element_types()) == ("completed", used, created), redone.error


def test_the_worker_imports_a_mapped_file_and_the_next_one_by_itself(
    app: Flask, client: FlaskClient, admin: Headers, project_id: int, environment: dict[str, str]
) -> None:
    first = mapped_job(client, admin).id
    with worker(environment):
        assert wait_for(first, lambda job: job.completed_at is not None).status == "completed"
        answer = client.post(EXCEL_IMPORT_URL, data=upload_form(GERMAN), headers=admin)
        second = wait_for(answer.get_json()["job_id"], lambda job: job.completed_at is not None)
    assert (second.status, second.created_count, second.updated_count) == ("completed", 0, 0), second.error
    assert second.unchanged_count == get_job(first).created_count == element_types()


def test_the_command_line_imports_by_a_profile(
    app: Flask, client: FlaskClient, admin: Headers, project_id: int, environment: dict[str, str], tmp_path: Path
) -> None:
    first = mapped_job(client, admin)
    exported = client.get(f"/api/project/1/import-profiles/{first.profile_id}", headers=admin).get_json()
    path = tmp_path / "hafen.json"
    path.write_text(json.dumps(exported), encoding="utf-8")

    def imported(profile: str) -> tuple[int, str]:
        words = ["-m", "flask", "import", str(GERMAN), "--project", "1", "--profile", profile]
        done = subprocess.run([sys.executable, *words], cwd=ROOT, env=environment, capture_output=True, text=True)
        return done.returncode, done.stdout + done.stderr

    with worker(environment):
        for profile in (str(path), str(first.profile_id), "auto"):
            status, output = imported(profile)
            assert (status, "Successfully processed" in output) == (0, True), output
    for profile, message in (
        ("none", "No header row was found"),
        ("999999", "There is no import profile 999999"),
        (str(tmp_path / "nowhere.json"), "is neither the id of an import profile"),
    ):
        status, output = imported(profile)
        assert (status, message in output, "Traceback" in output) == (1, True, False), output
    newest = db.session.scalars(select(ImportJob).order_by(ImportJob.id.desc())).first()
    assert newest is not None and newest.profile_id == first.profile_id
