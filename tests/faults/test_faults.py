"""Imports of some hundred rows, each with one fault at a random moment.

Afterwards the project, the job, its issues and its before-images are the same as after a run without a fault.
`FAULT_RUNS` is the number of runs (`make faults`: 100), `FAULT_SEED` selects them. `var/log/faults.log` records each.
"""

from __future__ import annotations

import time
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from psycopg2.extensions import cursor

from precast_app.extensions import db
from precast_app.jobs.runner import run_job
from precast_app.models import ImportJob
from tests import project_snapshot
from tests.conftest import EXAMPLES, get_job, run_import, submit, wait_for
from tests.faults.fault_kinds import KINDS
from tests.faults.fault_runs import RECOVERY_TIMEOUT_SECONDS, RUNS, SEED, has_ended, write_log, write_workbook
from tests.faults.scene import Scene, Servers

WAITING = "FROM pg_locks WHERE relation = 'element_types'::regclass AND NOT granted"
_undisturbed: dict[str, Any] = {}

# Removals and renames are broken too.
REVISION: dict[str, Any] = {
    "batch_size": 5, "concurrent_batches": 2, "missing": "remove", "renames": "accept",
}  # fmt: skip


def undisturbed(project_id: int, first: Path, second: Path, scene: Scene) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the snapshots of the project and the job after a run without a fault."""
    if not _undisturbed:
        assert run_import(project_id, first).status == "completed"
        scene.start_worker()
        start = time.monotonic()
        done = wait_for(submit(project_id, second, **REVISION), has_ended, 10 * RECOVERY_TIMEOUT_SECONDS)
        _undisturbed["seconds"] = time.monotonic() - start
        assert (done.status, done.rejected_count) == ("completed", 8), done.error
        assert min(done.created_count, done.updated_count, done.unchanged_count, done.pieces_removed) > 20
        assert min(done.renamed_count, done.removed_count) > 10
        _undisturbed["project"], _undisturbed["job"] = (
            project_snapshot.snapshot_project(project_id),
            project_snapshot.snapshot_job(done.id),
        )
        scene.clear()
    return _undisturbed["project"], _undisturbed["job"]


def _bound_seconds() -> float:
    """Return how long a recovery may take on this machine, which may be busy with other things."""
    return RECOVERY_TIMEOUT_SECONDS + 5 * float(_undisturbed.get("seconds", 0))


def _wait_for_random_moment(scene: Scene) -> ImportJob:
    """Wait for a random moment, before the job writes or at some percentage, and return the job."""
    if scene.rng.random() < 0.3:
        time.sleep(scene.rng.uniform(0, _undisturbed["seconds"] / 2))
        return get_job(scene.job_id)
    percentage = scene.rng.uniform(0, 95)
    return wait_for(scene.job_id, lambda each: has_ended(each) or each.progress > percentage, _bound_seconds())


def files(tmp_path: Path) -> tuple[Path, Path]:
    first = write_workbook(tmp_path / "first.xlsx", 250, 1)
    return first, write_workbook(tmp_path / "second.xlsx", 400, 2, is_revision=True)


def test_an_import_without_a_fault(green_meadows: int, scene: Scene, tmp_path: Path) -> None:
    first, second = files(tmp_path)
    undisturbed(green_meadows, first, second, scene)


@pytest.mark.parametrize("run", range(RUNS))
def test_an_import_with_a_fault_ends_like_one_without(
    green_meadows: int, scene: Scene, fault_servers: Servers, tmp_path: Path, run: int
) -> None:
    if not _undisturbed:
        pytest.fail(
            "There is nothing to compare with: run `test_an_import_without_a_fault` too, and see why it failed."
        )
    first, second = files(tmp_path)
    assert run_import(green_meadows, first).status == "completed"
    names = list(KINDS)
    name = names[(SEED + run) % len(names)] if run < len(names) else scene.rng.choice(names)
    scene.start_worker()
    scene.job_id = submit(green_meadows, second, **REVISION)
    before = _wait_for_random_moment(scene)
    # Some faults close the connections of this process too.
    db.session.remove()
    db.engine.dispose()
    moment = f"{before.status}/{before.phase} at {before.progress:2} %"
    start = time.monotonic()
    KINDS[name](scene, fault_servers)
    db.session.remove()
    db.engine.dispose()
    done = wait_for(scene.job_id, has_ended, _bound_seconds())
    took = time.monotonic() - start
    description = (
        f"seed {SEED} run {run:3}: {name:18} {moment:32} → {done.status} after {took:4.1f} s, attempt {done.attempt}"
    )
    _compare(green_meadows, scene, description)


def _compare(project_id: int, scene: Scene, description: str) -> None:
    """Compare the project and the job with those of a run without a fault, and log the result after `description`."""
    try:
        project_snapshot.assert_same(project_snapshot.snapshot_project(project_id), _undisturbed["project"])
        assert project_snapshot.wrong_totals(project_id) == []
        found = project_snapshot.snapshot_job(scene.job_id)
        assert found["job"] == _undisturbed["job"]["job"]
        project_snapshot.assert_same(found, {key: _undisturbed["job"][key] for key in ("issues", "changes")})
    except AssertionError as error:
        write_log(f"{description}: WRONG: {error}")
        raise
    write_log(f"{description}, same result")


@pytest.mark.skipif(RUNS < 100, reason="takes a minute and more; `make faults` does it")
@pytest.mark.parametrize("how", ["gone", "silent"])
def test_jobs_survive_a_minute_without_redis(
    green_meadows: int, scene: Scene, fault_servers: Servers, tmp_path: Path, how: str
) -> None:
    """The running job continues; the next one of the project runs when Redis is back."""
    first, second = files(tmp_path)
    assert run_import(green_meadows, first).status == "completed"
    scene.start_worker()
    scene.job_id = submit(green_meadows, second, **REVISION)
    wait_for(scene.job_id, lambda each: each.progress > 20, _bound_seconds())
    start = time.monotonic()
    fault_servers.kill_redis() if how == "gone" else fault_servers.hold_redis(held=True)
    try:
        following = submit(green_meadows, second)
        # The server ends a session that keeps a transaction open for so long.
        db.session.rollback()
        time.sleep(max(0.0, start + 60 - time.monotonic()))
        description = (
            f"seed {SEED}: Redis {how} for a minute: {get_job(scene.job_id).status} at "
            f"{get_job(scene.job_id).progress} %"
        )
    finally:
        fault_servers.start_redis() if how == "gone" else fault_servers.hold_redis(held=False)
    wait_for(scene.job_id, has_ended, _bound_seconds())
    again = wait_for(following, has_ended, _bound_seconds())
    assert (again.status, again.created_count, again.updated_count) == ("completed", 0, 0)
    _compare(green_meadows, scene, description)


@pytest.mark.parametrize("run", range(max(2, RUNS // 2)))
def test_a_job_whose_worker_is_killed_at_pick_up_is_completed(project_id: int, scene: Scene, run: int) -> None:
    """A worker that is killed within 50 ms may have taken the id from Redis without claiming the job."""
    scene.start_worker()
    job_id = submit(project_id, EXAMPLES / "stages.csv", "stage_import")
    time.sleep(scene.rng.uniform(0, 0.05))
    start = time.monotonic()
    moment = get_job(job_id).status
    scene.clear()
    scene.start_worker()
    done = wait_for(job_id, has_ended, _bound_seconds())
    took = time.monotonic() - start
    write_log(f"seed {SEED} run {run:3}: killed at pick-up, {moment} → {done.status} after {took:4.1f} s")
    assert (done.status, done.created_count) == ("completed", 8)


def test_a_file_uploaded_while_redis_is_away_is_imported_later(
    green_meadows: int, scene: Scene, fault_servers: Servers, tmp_path: Path
) -> None:
    """The job is stored in PostgreSQL, and the reaper enqueues it when Redis is back."""
    fault_servers.kill_redis()
    try:
        job_id = submit(green_meadows, files(tmp_path)[0])
        assert get_job(job_id).status == "pending"
    finally:
        fault_servers.start_redis()
    scene.start_worker()
    assert wait_for(job_id, has_ended, _bound_seconds()).status == "completed"


def waits_in_attempt(attempt: int, database: cursor, job: ImportJob) -> bool:
    """Return whether this attempt of the job has begun and waits for the lock of the table of element types."""
    database.execute(f"SELECT pid {WAITING}")
    return job.attempt == attempt and database.fetchone() is not None


def test_a_job_that_kills_its_worker_each_time_fails(
    green_meadows: int, project_id: int, scene: Scene, tmp_path: Path
) -> None:
    """It fails after three attempts, and the next job of the project runs."""
    first, second = files(tmp_path)
    scene.start_worker()
    poisoned = submit(green_meadows, second, batch_size=1, concurrent_batches=1)
    with closing(psycopg2.connect(scene.database_url)) as blocker, blocker.cursor() as database:
        # The import waits for this lock, so that it can't end before it is killed.
        database.execute("LOCK TABLE element_types IN SHARE ROW EXCLUSIVE MODE")
        for attempt in (1, 2, 3):
            wait_for(poisoned, partial(waits_in_attempt, attempt, database), _bound_seconds())
            job_processes = scene.children("job_process")
            assert job_processes, "the process of the job was not found"
            for job_process in job_processes:
                job_process.kill()
            # A session that waits for a lock doesn't notice that its client is gone.
            database.execute(f"SELECT pg_terminate_backend(pid) {WAITING}")
    failed = wait_for(poisoned, has_ended, _bound_seconds())
    assert (failed.status, failed.attempt) == ("failed", 3)
    assert str(failed.error).startswith("The import was interrupted 3 times, so it was given up.")
    assert wait_for(submit(green_meadows, first), has_ended, _bound_seconds()).status == "completed"


def test_a_job_that_two_processes_claim_runs_once(green_meadows: int, scene: Scene, tmp_path: Path) -> None:
    """One of two processes that take the same job, this one and a worker, does it."""
    first, _ = files(tmp_path)
    scene.start_worker()
    job_id = submit(green_meadows, first)
    run_job(job_id)
    done = wait_for(job_id, has_ended, _bound_seconds())
    assert (done.status, done.created_count, done.attempt) == ("completed", 250, 1)
