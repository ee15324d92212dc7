"""The function that RQ calls, with a job's id as its only argument: claim the job, run it, record how it ended."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from flask import Flask, current_app

from precast_app import logs, process_limits
from precast_app.errors import JobCancelled, JobFailed, LeaseLost, WorkerStopping
from precast_app.extensions import current_settings, db
from precast_app.importing import batch_runner
from precast_app.importing.batch_runner import RETRYABLE
from precast_app.importing.review import choice
from precast_app.jobs import corrections, dispatch, failures, lifecycle, permissions, registry, revert
from precast_app.jobs.context import JobContext, Outcome
from precast_app.jobs.lifecycle import Lease, Progress
from precast_app.jobs.progress import ProgressReporter
from precast_app.messages import Message, as_message
from precast_app.models import ImportJob, JobStatus, OnError, Phase
from precast_app.telemetry import job_runs

log = logging.getLogger(__name__)


def run_job(job_id: int) -> None:
    """Claim the job and run it until it is completed or failed, then enqueue the next job of its project.

    Leave the job alone if it can't be claimed. Release it if this worker has to stop. If the database can't be reached,
    raise its error: the lease expires, and the reaper enqueues the job again.
    """
    settings = current_settings()
    lease = lifecycle.claim(job_id, lease_seconds=settings.lease_seconds, max_attempts=settings.max_attempts)
    db.session.commit()
    if lease is None:
        log.info("Job %d is left alone: it has ended, another worker has it, or it isn't its turn.", job_id)
        return
    with logs.job(job_id), job_runs.measure_job(job_id, is_resumed=lease.is_resumed):
        _run_leased(lease)


def _run_leased(lease: Lease) -> None:
    job_id = lease.job_id
    project_id = db.session.get_one(ImportJob, job_id).project_id
    try:
        _check_starter(lease)
        _run_or_revert(lease)
    except LeaseLost as lost:
        db.session.rollback()
        log.warning("%s", lost)
        return
    except WorkerStopping as stopping:
        db.session.rollback()
        log.info("%s", stopping)
        lifecycle.release(lease)
        db.session.commit()
        dispatch.enqueue(job_id)
        return
    except RETRYABLE:
        # A rollback would need the connection.
        db.session().invalidate()
        raise
    except Exception as error:
        db.session.rollback()
        _fail(lease, error)
    _log_failure(job_id)
    dispatch.enqueue_next(project_id)


def _log_failure(job_id: int) -> None:
    job = db.session.get_one(ImportJob, job_id, populate_existing=True)
    if job.status == JobStatus.FAILED:
        failures.log_failed(job_id, job.failure_reason)


def _check_starter(lease: Lease) -> None:
    """Raise `JobFailed` if the user who started the job may no longer do so and the job has not written anything.

    A job that lost its worker after it had written something is finished: its rows are better complete than partial.
    """
    job = db.session.get_one(ImportJob, lease.job_id)
    is_half_done = lease.is_resumed and (job.reference is not None or bool(batch_runner.stored_results(job.id)))
    revoked = None if job.cancelled_by or is_half_done else permissions.revocation_reason(job)
    db.session.rollback()
    if revoked is not None:
        raise JobFailed(Message("%(reason)s Nothing further was changed.", reason=as_message(revoked)))


def _run_or_revert(lease: Lease) -> None:
    try:
        _run(lease)
    except JobCancelled as cancelled:
        db.session.rollback()
        log.info("%s", cancelled)
        _revert_cancelled(replace(lease, stops_on_cancel=False))


def _run(lease: Lease) -> None:
    """Run the job's function and complete the job; raise `JobCancelled` if a user cancelled it before that."""
    with _job_context(lease, Phase.READING) as context:
        outcome: Outcome = registry.get(context.job_type).run(context)
    if not lifecycle.complete(lease, result=outcome.result, error=outcome.error):
        lifecycle.check_lease(lease)
    db.session.commit()


def _revert_cancelled(lease: Lease) -> None:
    """Revert what a cancelled job has committed and end it as failed; complete it if it can't be reverted any more."""
    with _job_context(lease, Phase.CANCELLING) as context:
        # A job that is not revertible commits once, at its end: if it has, only its status is missing.
        is_too_late = not registry.get(context.job_type).is_revertible and bool(
            batch_runner.stored_results(lease.job_id)
        )
        if not is_too_late:
            revert.revert_cancelled(context)
            db.session.commit()
    if is_too_late:
        _run(lease)


@contextmanager
def _job_context(lease: Lease, phase: Phase) -> Iterator[JobContext]:
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined] # threads need the application itself
    job = db.session.get_one(ImportJob, lease.job_id)
    timer = job_runs.PhaseTimer(job.job_type, phase)
    with ProgressReporter(app, lease, Progress(phase, total=job.total_items), timer) as reporter:
        try:
            context = JobContext(
                app,
                lease,
                reporter,
                job.project_id,
                job.job_type,
                job.batch_size,
                job.concurrent_batches,
                job.dry_run,
                OnError(job.on_error),
                job.create_missing,
                choice.from_json(job.review, job.missing, job.renames),
                job.profile,
                corrections.load(job),
                job.corrections_version,
                None if job.only_rows is None else frozenset(job.only_rows),
                job.parameters or {},
            )
            db.session.rollback()
            yield context
        finally:
            # The reporter's last write would wait for this transaction's lock on the job's row.
            db.session.rollback()


def _fail(lease: Lease, error: Exception) -> None:
    # Memory may have run out, and what follows needs some.
    process_limits.lift_memory_limit()
    job_type = db.session.get_one(ImportJob, lease.job_id).job_type
    failure = failures.describe(error, lease.job_id, job_type, current_settings())
    if failure.is_bug:
        log.error("Job %d failed.", lease.job_id, exc_info=error)
    lifecycle.fail(lease, error=failure.error, reason=failure.reason)
    db.session.commit()
