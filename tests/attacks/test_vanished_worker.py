"""PostgreSQL ends the sessions of a worker whose machine has vanished, and releases their locks."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from precast_app.extensions import db
from tests.attacks.machine import Machine, machine, running
from tests.conftest import submit, wait_for, worker
from tests.element_type_files import write_large_workbook
from tests.faults.scene import Servers, until
from tests.job_requests import post_job_action
from tests.project_snapshot import assert_same, snapshot_project

TAKEOVER_SECONDS = 120

# Holds a lock in an endless statement, in a session set up like the worker's.
HOLD_LOCK = """
import psycopg2
from precast_app.config import Settings, libpq_url
from precast_app.config.engine_options import engine_options

settings = Settings.from_environment()
arguments = engine_options(settings, 1, settings.job_limits)["connect_args"]
cursor = psycopg2.connect(libpq_url(settings.database_url), **arguments).cursor()
cursor.execute("SELECT pg_advisory_lock(1, 1); SELECT pg_sleep(600)")
"""


@pytest.fixture
def far_machine(app: Flask, servers: Servers) -> Iterator[Machine]:
    with machine() as made:
        db.session.remove()
        db.engine.dispose()
        servers.listen_on(made.here)
        yield made
        # After a failed test these sessions may still hold locks that the next test needs.
        end = text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE client_addr = CAST(:address AS inet)")
        db.session.execute(end, {"address": made.there})
        db.session.rollback()


def sessions_of(far_machine: Machine) -> int:
    count = text("SELECT count(*) FROM pg_stat_activity WHERE client_addr = CAST(:address AS inet)")
    found: int = db.session.execute(count, {"address": far_machine.there}).scalar_one()
    db.session.rollback()
    return found


def test_another_worker_continues_the_job(
    far_machine: Machine, green_meadows: int, environment: dict[str, str], tmp_path: Path
) -> None:
    job_id = submit(green_meadows, write_large_workbook(tmp_path / "types.xlsx", 6_000, 100, 1), batch_size=30)
    with running(far_machine.run([sys.executable, "worker.py"], environment)):
        wait_for(job_id, lambda job: job.status == "processing" and job.progress >= 10)
        far_machine.vanish()
        cut = time.monotonic()
        with worker(environment):
            time.sleep(5)
            # PostgreSQL has not noticed yet.
            assert sessions_of(far_machine) > 0
            ended = wait_for(job_id, lambda job: job.status in ("completed", "failed"), TAKEOVER_SECONDS)
            print(f"done by another worker after {time.monotonic() - cut:.0f} s")
    assert (ended.status, ended.attempt, ended.created_count) == ("completed", 2, 6_000), ended.error


def test_another_worker_continues_the_undo(
    far_machine: Machine,
    client: FlaskClient,
    admin: dict[str, str],
    green_meadows: int,
    environment: dict[str, str],
    tmp_path: Path,
) -> None:
    before = snapshot_project(green_meadows)
    job_id = submit(green_meadows, write_large_workbook(tmp_path / "types.xlsx", 6_000, 100, 1), batch_size=30)
    with worker(environment):
        wait_for(job_id, lambda job: job.status == "completed", TAKEOVER_SECONDS)
    undo_id = post_job_action(client, admin, "undo", job_id)[1]["job_id"]
    with running(far_machine.run([sys.executable, "worker.py"], environment)):
        wait_for(undo_id, lambda job: job.status == "processing" and job.progress >= 10)
        far_machine.vanish()
        cut = time.monotonic()
        with worker(environment):
            ended = wait_for(undo_id, lambda job: job.status in ("completed", "failed"), TAKEOVER_SECONDS)
            print(f"undone by another worker after {time.monotonic() - cut:.0f} s")
    assert (ended.status, ended.attempt) == ("completed", 2), ended.error
    assert_same(snapshot_project(green_meadows), before)


def test_a_running_statement_is_ended(far_machine: Machine, environment: dict[str, str]) -> None:
    def is_free() -> bool:
        free = db.session.execute(text("SELECT pg_try_advisory_xact_lock(1, 1)")).scalar_one()
        db.session.rollback()
        return bool(free)

    with running(far_machine.run([sys.executable, "-c", HOLD_LOCK], environment)):
        until(lambda: not is_free(), 20, "the lock is held")
        far_machine.vanish()
        cut = time.monotonic()
        time.sleep(5)
        assert not is_free()
        until(is_free, TAKEOVER_SECONDS, "PostgreSQL has ended the session")
        print(f"the session was ended after {time.monotonic() - cut:.0f} s")
