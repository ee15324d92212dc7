"""Workers on several hosts import many projects; one host is cut off in the middle and comes back later."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from precast_app.extensions import db
from precast_app.jobs import lifecycle
from precast_app.projects import projects
from tests import project_snapshot
from tests.attacks.machine import running
from tests.attacks.network import Host, Network, network
from tests.conftest import EXAMPLES, REFERENCE_DATA, get_job, run_import, submit, wait_for
from tests.element_type_files import write_large_workbook
from tests.faults.scene import Servers, until

HOSTS = 4
PROJECTS = 20
WORKBOOKS = 4
ROWS = 600
TAKEOVER_SECONDS = 120
ALL_SECONDS = 540

JOBS_OF_HOST = text("""
    SELECT DISTINCT id FROM pg_locks JOIN pg_stat_activity USING (pid) JOIN import_jobs ON id = objid::bigint
    WHERE locktype = 'advisory' AND classid = :locks AND client_addr = CAST(:address AS inet) AND granted
""")


@pytest.fixture
def hosts(app: Flask, servers: Servers) -> Iterator[Network]:
    with network(HOSTS) as made:
        db.session.remove()
        db.engine.dispose()
        servers.listen_on(made.address, network_bits=24)
        yield made


def project_with_reference_data(name: str, directory: Path) -> int:
    project_id = projects.create(name).id
    for job_type, file in REFERENCE_DATA.items():
        path = directory / file
        # The hierarchy's file names its project.
        path.write_bytes(re.sub(rb"(?m)^(\d+),1,", rb"\g<1>,%d," % project_id, (EXAMPLES / file).read_bytes()))
        assert run_import(project_id, path, job_type).status == "completed"
    return project_id


def jobs_of(host: Host) -> list[int]:
    """Return the jobs for which the host is writing a batch just now."""
    names = {"locks": lifecycle.ADVISORY_LOCK_CLASS, "address": host.address}
    found = list(db.session.scalars(JOBS_OF_HOST, names))
    db.session.rollback()
    return found


def wait_for_job_of(host: Host) -> int:
    """Return a job that the host has half done, as soon as there is one."""
    found: list[int] = []

    def is_half_done() -> bool:
        found[:] = [job_id for job_id in jobs_of(host) if 10 <= get_job(job_id).progress <= 60]
        return bool(found)

    until(is_half_done, 120, "the host has half done a job")
    return found[0]


def test_a_host_that_is_cut_off_leaves_every_project_as_undisturbed(
    hosts: Network, client: FlaskClient, admin: dict[str, str], environment: dict[str, str], tmp_path: Path
) -> None:
    def export(project_id: int) -> list[bytes]:
        # Batches that run at the same time create element types in any order.
        with client.get(f"/api/project/{project_id}/export_csv_element_type", headers=admin) as response:
            assert response.status_code == 200
            content: bytes = response.data
            return sorted(content.splitlines())

    files = [write_large_workbook(tmp_path / f"{n}.xlsx", ROWS, 20 + n, n) for n in range(WORKBOOKS)]
    undisturbed = [project_with_reference_data(f"Undisturbed {n}", tmp_path) for n in range(WORKBOOKS)]
    for project_id, file in zip(undisturbed, files, strict=True):
        assert run_import(project_id, file, batch_size=30).status == "completed"
    made = [project_with_reference_data(f"Project {n}", tmp_path) for n in range(PROJECTS)]
    started = time.monotonic()
    jobs = {
        project_id: submit(project_id, files[n % WORKBOOKS], batch_size=30, concurrent_batches=2)
        for n, project_id in enumerate(made)
    }

    cut_off = hosts.hosts[0]
    with ExitStack() as workers:
        for host in hosts.hosts:
            workers.enter_context(running(host.run([sys.executable, "worker.py"], environment)))
        lost = wait_for_job_of(cut_off)
        cut_off.drop_packets()
        cut = time.monotonic()
        taken_over = wait_for(lost, lambda job: job.attempt > 1, TAKEOVER_SECONDS)
        print(f"\njob {lost} was at {taken_over.progress} %; another host took it after {time.monotonic() - cut:.0f} s")
        cut_off.let_back()
        for job_id in jobs.values():
            job = wait_for(job_id, lambda job: job.status in ("completed", "failed"), ALL_SECONDS)
            assert job.status == "completed", job.error
        print(f"{PROJECTS} projects were imported by {HOSTS} hosts in {time.monotonic() - started:.0f} s")

    attempts = {job_id: get_job(job_id).attempt for job_id in jobs.values()}
    print(f"jobs that were started twice: {[job_id for job_id, attempt in attempts.items() if attempt > 1]}")
    assert attempts[lost] == 2
    for n, project_id in enumerate(made):
        expected = undisturbed[n % WORKBOOKS]
        found = project_snapshot.snapshot_project(project_id)
        project_snapshot.assert_same(found, project_snapshot.snapshot_project(expected))
        assert export(project_id) == export(expected)
    print("every export has the rows of an undisturbed import")

    # The host that was cut off works again, alone.
    last = submit(made[0], files[1], batch_size=30)
    with running(cut_off.run([sys.executable, "worker.py"], environment)):
        assert wait_for(last, lambda job: job.status in ("completed", "failed"), 120).status == "completed"
