"""Fixtures: PostgreSQL, Redis, a database created by the migrations, the application, and a worker."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest
from flask import Flask
from flask.testing import FlaskClient

from devstack import Servers, demo, servers
from precast_app import create_app
from precast_app.config import Settings
from precast_app.extensions import db
from precast_app.jobs import broker, service
from precast_app.jobs.creation import JobOptions
from precast_app.jobs.files import Upload
from precast_app.jobs.runner import run_job
from precast_app.models import ImportJob
from precast_app.projects import projects
from tests.auth_headers import user_headers
from tests.database_rows import StoredRows, empty_tables

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = demo.EXAMPLES
REFERENCE_DATA = demo.REFERENCE_DATA

# With more processes, each with a PostgreSQL of its own, memory becomes short before the tests become faster.
_MAX_PROCESSES = 8


def pytest_xdist_auto_num_workers() -> int:
    """Return the number of test processes: two a core, since half of a test's time is spent waiting."""
    return min(2 * (os.cpu_count() or 1), _MAX_PROCESSES)


@pytest.fixture(scope="session")
def used(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """Start the servers and yield them; they are not durable, since a test's data need not survive a crash."""
    with servers(tmp_path_factory.mktemp("servers"), durable=False) as started:
        yield started


@pytest.fixture(scope="session")
def environment(used: Servers) -> dict[str, str]:
    """Return the environment of the application's processes; short intervals make tests of recovery short."""
    return {
        **os.environ,
        "DATABASE_URL": used.database_url,
        "REDIS_URL": used.redis_url,
        "SECRET_KEY": "only for tests, abcdefghijklmnop",
        # No rate limits, except in the tests of rate limits.
        "REQUESTS_PER_MINUTE": "1000000",
        "UPLOADS_PER_MINUTE": "1000000",
        "LEASE_SECONDS": "3",
        "REAPER_INTERVAL_SECONDS": "0.5",
        "PROGRESS_INTERVAL_SECONDS": "0.1",
        "PYTHONUNBUFFERED": "1",
    }


@pytest.fixture(scope="session")
def _application(environment: dict[str, str]) -> Flask:
    subprocess.run([sys.executable, "-m", "flask", "db", "upgrade"], cwd=ROOT, env=environment, check=True)
    # Several test processes share the cores, so large files take longer. Tests of the deadline start their own server.
    settings = replace(Settings.from_environment(environment), parse_seconds=120)
    # A test waits longer within a transaction than a request ever does, so its sessions have a job's limit for that.
    limits = replace(settings.web_limits, idle_transaction_seconds=settings.job_idle_transaction_seconds)
    return create_app(settings, limits=limits)


@contextmanager
def emptied(application: Flask) -> Iterator[Flask]:
    """Yield the application in an application context, with empty tables and an empty Redis."""
    with application.app_context():
        empty_tables()
        db.session.commit()
        broker.redis_connection().flushdb()
        yield application
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def app(_application: Flask) -> Iterator[Flask]:
    """Yield the application with empty tables, for one test."""
    with emptied(_application) as empty:
        yield empty


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """Return a client that is not signed in."""
    return app.test_client()


@pytest.fixture
def admin(app: Flask) -> dict[str, str]:
    """Return the headers of an administrator's requests."""
    return user_headers("admin", is_admin=True)


@pytest.fixture
def project_id(app: Flask) -> int:
    """Return an empty project; its id is 1, as in the sample's hierarchy file."""
    return projects.create("Green Meadows").id


def submit(project_id: int, path: Path, job_type: str = "element_type_import", **options: Any) -> int:
    """Submit a file as a job and return the job's id."""
    with path.open("rb") as stream:
        return service.submit(
            project_id=project_id,
            job_type=job_type,
            created_by="tester",
            options=JobOptions(**options),
            upload=Upload(stream, path.name),
        ).id


def run_import(project_id: int, path: Path, job_type: str = "element_type_import", **options: Any) -> ImportJob:
    """Submit a file, run its job in this process as RQ would, and return the job."""
    job_id = submit(project_id, path, job_type, **options)
    run_job(job_id)
    return get_job(job_id)


def get_job(job_id: int) -> ImportJob:
    """Return the job as it is in the database now."""
    db.session.rollback()
    db.session.expire_all()
    return db.session.get_one(ImportJob, job_id)


@pytest.fixture
def green_meadows(project_id: int) -> int:
    """Return a project with the sample's reference data."""
    fill_reference(project_id)
    return project_id


def fill_reference(project_id: int) -> None:
    """Import the sample's reference data; from the second time on, insert the same rows instead of importing them."""
    if project_id == 1 and _reference_rows and _reference_rows[0].fits():
        _reference_rows[0].insert()
        db.session.commit()
        return
    before = StoredRows.read()
    for job_type, name in REFERENCE_DATA.items():
        done = run_import(project_id, EXAMPLES / name, job_type)
        assert done.status == "completed", done.error
    if project_id == 1 and not _reference_rows:
        _reference_rows.append(StoredRows.read().since(before))
    db.session.rollback()
    # No worker has taken the ids of these jobs, since they ran in this process.
    broker.redis_connection().flushdb()


_reference_rows: list[StoredRows] = []


def wait_for(job_id: int, until: Callable[[ImportJob], bool], seconds: float = 60) -> ImportJob:
    """Return the job as soon as `until` is true of it; fail the test after `seconds`."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = get_job(job_id)
        if until(found):
            return found
        time.sleep(0.05)
    raise AssertionError(f"job {job_id} stays {found.status} ({found.phase}) at {found.progress} %: {found.error}")


@contextmanager
def worker(environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """Run `worker.py`, and kill it with all its children at the end."""
    process = subprocess.Popen([sys.executable, "worker.py"], cwd=ROOT, env=environment)
    try:
        yield process
    finally:
        kill(process)


def kill(process: subprocess.Popen[bytes]) -> None:
    """Kill a process and all its descendants."""
    kill_family(process.pid)
    process.wait()


def kill_family(pid: int) -> None:
    """Kill the process with this id and all its descendants."""
    with suppress(psutil.NoSuchProcess):
        family = [*psutil.Process(pid).children(recursive=True), psutil.Process(pid)]
        for member in family:
            with suppress(psutil.NoSuchProcess):
                member.send_signal(signal.SIGKILL)
        psutil.wait_procs(family, timeout=10)
