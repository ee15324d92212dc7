"""The reaper behind PgBouncer in transaction mode, which gives each transaction another session."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest
from flask import Flask
from sqlalchemy import text

from precast_app import create_app
from precast_app.config import Settings
from precast_app.extensions import db
from precast_app.jobs import broker, reaper
from precast_app.projects import projects
from tests.conftest import EXAMPLES, ROOT, get_job, submit
from tests.pgbouncer import advisory_locks, needs_pgbouncer, other_clients_busy, run_pgbouncer

pytestmark = needs_pgbouncer


@pytest.fixture
def url(environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the URL of the database behind PgBouncer."""
    with run_pgbouncer(environment["DATABASE_URL"], tmp_path_factory.mktemp("pgbouncer")) as found:
        yield found


def test_a_sweep_leaves_no_lock(app: Flask, url: str, environment: dict[str, str]) -> None:
    settings: Settings = app.config["PRECAST"]
    application = create_app(replace(settings, database_url=url, database_session_settings=False), connections=2)
    with other_clients_busy(url), application.app_context():
        for _ in range(30):
            reaper.sweep()
        db.session.remove()
        db.engine.dispose()
    assert advisory_locks(environment) == 0


def _lost_job() -> int:
    """Return a job that Redis has lost."""
    project_id = projects.create("Green Meadows").id
    number = submit(project_id, EXAMPLES / "stages.csv", "stage_import")
    broker.redis_connection().flushdb()
    db.session.execute(text("UPDATE import_jobs SET enqueued_at = enqueued_at - interval '1 minute'"))
    db.session.commit()
    return number


def test_of_two_reapers_one_sweeps(app: Flask, url: str) -> None:
    """The lock is held for the whole sweep, although its transactions are in several sessions."""
    settings: Settings = app.config["PRECAST"]
    held = create_app(replace(settings, database_url=url, database_session_settings=False), connections=2)
    number = _lost_job()
    sweeps: list[list[int]] = []

    def sweep() -> None:
        with held.app_context():
            sweeps.append(reaper.sweep())
            db.session.remove()

    with other_clients_busy(url):
        threads = [threading.Thread(target=sweep) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    with held.app_context():
        db.engine.dispose()
    assert sorted(sweeps) == [[], [number]]
    assert get_job(number).enqueue_count == 2


def test_without_the_setting_the_error_names_what_pgbouncer_rejects(url: str, environment: dict[str, str]) -> None:
    refused = subprocess.run(
        [sys.executable, "-m", "flask", "user", "disable", "ada"], cwd=ROOT, env={**environment, "DATABASE_URL": url},
        capture_output=True, text=True,
    )  # fmt: skip
    assert refused.returncode != 0
    assert "unsupported startup parameter" in refused.stderr
