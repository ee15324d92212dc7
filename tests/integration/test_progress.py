"""The progress that a job has reported last is stored before the job ends."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg2
import pytest
from flask import Flask
from sqlalchemy.exc import OperationalError

from precast_app.errors import JobFailed, WorkerStopping
from precast_app.extensions import settings_of
from precast_app.importing.counts import Counts
from precast_app.jobs.lifecycle import Lease, Progress
from precast_app.jobs.progress import ProgressReporter
from precast_app.models import Phase
from precast_app.telemetry.job_runs import PhaseTimer
from tests.conftest import get_job
from tests.job_states import claim_or_fail, submit_stages

LAST = Progress(Phase.WRITING, total=10, processed=10, counts=Counts(updated=7))


def reporter_of(app: Flask, lease: Lease) -> ProgressReporter:
    return ProgressReporter(app, lease, Progress(Phase.READING), PhaseTimer("stage_import", Phase.READING))


@contextmanager
def writes_of_job_cut(app: Flask, job_id: int) -> Iterator[None]:
    """Lock the job's row meanwhile, and close each connection that waits for it."""
    has_ended = threading.Event()
    connection = psycopg2.connect(settings_of(app).database_url)
    cursor = connection.cursor()
    cursor.execute("SELECT id FROM import_jobs WHERE id = %s FOR UPDATE", (job_id,))

    def cut() -> None:
        while not has_ended.wait(0.02):
            cursor.execute("""
                SELECT pg_terminate_backend(pid) FROM pg_locks
                WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))
            """)

    thread = threading.Thread(target=cut)
    thread.start()
    try:
        yield
    finally:
        has_ended.set()
        thread.join()
        connection.close()


@pytest.mark.parametrize("error", [None, JobFailed("broken")], ids=["work that succeeds", "work that fails"])
def test_the_progress_reported_last_is_stored(app: Flask, project_id: int, error: JobFailed | None) -> None:
    number = submit_stages(project_id)
    try:
        with reporter_of(app, claim_or_fail(number)) as reporter:
            reporter.report(LAST)
            if error is not None:
                raise error
    except JobFailed as raised:
        assert raised is error
    job = get_job(number)
    assert (job.phase, job.processed_items, job.updated_count) == ("writing", 10, 7)


@pytest.mark.parametrize("error", [None, JobFailed("broken")], ids=["work that succeeds", "work that fails"])
def test_a_job_does_not_end_if_its_last_progress_can_not_be_stored(
    app: Flask, project_id: int, error: JobFailed | None
) -> None:
    number = submit_stages(project_id)
    lease = claim_or_fail(number)
    with writes_of_job_cut(app, number), pytest.raises(OperationalError), reporter_of(app, lease) as reporter:
        reporter.report(LAST)
        if error is not None:
            raise error
    assert get_job(number).updated_count == 0


@pytest.mark.parametrize("error", [MemoryError(), WorkerStopping("stop")], ids=["no memory", "worker stops"])
def test_an_error_that_ends_the_attempt_is_kept_if_the_last_progress_can_not_be_stored(
    app: Flask, project_id: int, error: Exception
) -> None:
    number = submit_stages(project_id)
    lease = claim_or_fail(number)
    with pytest.raises(type(error)), writes_of_job_cut(app, number), reporter_of(app, lease) as reporter:
        reporter.report(LAST)
        raise error


def test_the_last_progress_is_written_again_after_an_error(app: Flask, project_id: int) -> None:
    number = submit_stages(project_id)
    lease = claim_or_fail(number)
    with reporter_of(app, lease) as reporter, writes_of_job_cut(app, number):
        reporter.report(LAST)
        # A write is tried at once, and again when the block has ended.
        time.sleep(3 * settings_of(app).progress_interval_seconds)
    assert get_job(number).updated_count == 7
