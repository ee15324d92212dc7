"""Web server and worker behind PgBouncer in transaction mode: import, cancel, killed worker and undo."""

from __future__ import annotations

import time
from contextlib import ExitStack, suppress
from pathlib import Path

import psutil
import pytest
from flask import Flask

from precast_app.models import ImportJob
from tests import project_snapshot
from tests.conftest import EXAMPLES, wait_for, worker
from tests.element_type_files import SAMPLE_TOTALS, write_large_workbook
from tests.live_site import ADMIN, started
from tests.pgbouncer import advisory_locks, environment_behind, needs_pgbouncer, other_clients_busy, run_pgbouncer

pytestmark = needs_pgbouncer


def has_ended(job: ImportJob) -> bool:
    return job.status in ("completed", "failed")


def test_import_cancel_undo_and_recovery(
    app: Flask, environment: dict[str, str], tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    large = write_large_workbook(tmp_path / "large.xlsx", 3_000, 200, 1)
    home = tmp_path_factory.mktemp("pgbouncer")
    with (
        run_pgbouncer(environment["DATABASE_URL"], home) as url,
        other_clients_busy(url),
        started(environment_behind(environment, url)) as site,
    ):
        project = site.project("Green Meadows")
        first = site.upload(f"/api/project/{project}/import/excel", EXAMPLES / "element_types.xlsx")
        assert site.follow(first["job_id"])[-1]["result"] == "Successfully processed 120 elements"
        summary = site.get(f"/api/project/{project}/summary")["summary"]
        assert {name: summary[name] for name in SAMPLE_TOTALS} == SAMPLE_TOTALS
        imported = project_snapshot.snapshot_project(project)
        export = site.session.get(f"{site.address}/api/project/{project}/export/excel", timeout=30)
        assert (export.status_code, export.content[:2]) == (200, b"PK")

        cancelled = site.upload(f"/api/project/{project}/import/excel", large)["job_id"]
        wait_for(cancelled, lambda each: has_ended(each) or each.phase == "writing")
        site.post(f"/api/jobs/{cancelled}/cancel")
        assert site.follow(cancelled)[-1]["error"] == f"Cancelled by {ADMIN}; nothing was changed"
        project_snapshot.assert_same(project_snapshot.snapshot_project(project), imported)

        # The worker is killed during the import; the reaper re-enqueues the job for the next worker.
        killed = site.upload(f"/api/project/{project}/import/excel?concurrent_batches=2", large)["job_id"]
        wait_for(killed, lambda each: has_ended(each) or each.progress > 10)
        kill_workers()
        done = wait_for(killed, has_ended)
        assert (done.status, done.created_count, done.attempt) == ("completed", 3_000, 2), done.error

        undo = site.post(f"/api/jobs/{killed}/undo")["job_id"]
        assert site.follow(undo)[-1]["status"] == "completed"
        project_snapshot.assert_same(project_snapshot.snapshot_project(project), imported)
        assert site.get("/readyz")["status"] == "ok"
    assert advisory_locks(environment) == 0


@pytest.mark.parametrize("sessions", [3, 12])
def test_many_workers_share_few_sessions(
    sessions: int, app: Flask, environment: dict[str, str], tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Four imports, each with up to eight connections, wait for each other's transactions, and none fails."""
    file = write_large_workbook(tmp_path / "types.xlsx", 600, 200, 1)
    home = tmp_path_factory.mktemp("pgbouncer")
    with ExitStack() as stack:
        url = stack.enter_context(run_pgbouncer(environment["DATABASE_URL"], home, sessions))
        behind = environment_behind(environment, url)
        site = stack.enter_context(started(behind))
        projects = [site.project(f"Project {number}") for number in range(4)]
        for _ in range(3):
            stack.enter_context(worker(behind))
        begun = time.monotonic()
        jobs = [site.upload(f"/api/project/{project}/import/excel", file)["job_id"] for project in projects]
        ended = [wait_for(job_id, has_ended, 180) for job_id in jobs]
        print(f"{len(jobs)} imports through {sessions} sessions took {time.monotonic() - begun:.1f} s")
        assert [(job.status, job.created_count, job.attempt) for job in ended] == [("completed", 600, 1)] * 4
        assert site.get("/readyz")["status"] == "ok"
    assert advisory_locks(environment) == 0


def kill_workers() -> None:
    """Kill every worker process and its job process, but not the processes that restart them."""
    killed = 0
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            if process.cmdline()[-2:] == ["precast_app.worker", "jobs"]:
                for each in [*process.children(recursive=True), process]:
                    each.kill()
                killed += 1
    assert killed
