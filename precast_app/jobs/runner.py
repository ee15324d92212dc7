"""What RQ calls, with the number of a job and nothing else: claim it, do it, say how it ended."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from flask import Flask, current_app
from rq.timeouts import JobTimeoutException

from precast_app import process_limits
from precast_app.errors import (
    AllRowsRejected,
    ImportAborted,
    JobCancelled,
    JobFailed,
    LeaseLost,
    RequestError,
    WorkerStopping,
)
from precast_app.extensions import current_settings, db
from precast_app.importing import batch_runner
from precast_app.importing.batch_runner import RETRYABLE
from precast_app.jobs import dispatch, lifecycle, permissions, registry, revert
from precast_app.jobs.context import JobContext, Outcome
from precast_app.jobs.lifecycle import Lease, Progress
from precast_app.jobs.progress import ProgressReporter
from precast_app.models import FailureReason, ImportJob, OnError, Phase
from precast_app.spreadsheets import UnreadableFile

log = logging.getLogger(__name__)


def run_job(job_id: int) -> None:
    """Do the job if it is its turn. It ends completed or failed, unless the process or the database is lost."""
    settings = current_settings()
    lease = lifecycle.claim(job_id, lease_seconds=settings.lease_seconds, max_attempts=settings.max_attempts)
    if lease is None:
        log.info("Job %d is left: it has ended, is another worker's, or it isn't its turn.", job_id)
        return
    project_id = db.session.get_one(ImportJob, job_id).project_id
    try:
        _check_starter(lease)
        try:
            _execute(lease)
        except JobCancelled as cancelled:
            db.session.rollback()
            log.info("%s", cancelled)
            _revert_cancelled(replace(lease, stops_on_cancel=False))
    except WorkerStopping as stopped:
        db.session.rollback()
        log.info("%s", stopped)
        lifecycle.release(lease)
        dispatch.enqueue(job_id)
        return
    except LeaseLost as lost:
        db.session.rollback()
        log.warning("%s", lost)
        return
    except AllRowsRejected as failed:
        _fail(lease, str(failed), FailureReason.REJECTED)
    except ImportAborted as failed:
        _fail(lease, str(failed), FailureReason.ABORTED)
    except (JobFailed, UnreadableFile, RequestError) as failed:
        _fail(lease, str(failed))
    except JobTimeoutException:
        _fail(
            lease,
            f"The import took longer than {settings.job_timeout_seconds} seconds and was stopped. What had gone in "
            f"stays; "
            "split the file and upload its parts.",
        )
    except (MemoryError, SystemError) as error:
        process_limits.lift_memory_limit()
        # Some parts of the interpreter say that they have no memory in this way.
        if isinstance(error, SystemError) and not isinstance(error.__cause__, MemoryError):
            raise
        _fail(
            lease,
            f"The import needed more memory than the {settings.job_memory_bytes / 1e6:.0f} MB that a job may take, "
            f"and was "
            "stopped. What had gone in stays; split the file and upload its parts.",
        )
    except RETRYABLE:
        # The database is unreachable. The lease expires and the reaper enqueues the job again.
        db.session().invalidate()
        raise
    except Exception:
        log.exception("Job %d failed.", job_id)
        _fail(
            lease,
            f"Something went wrong on our side; it is in the log under job {job_id}. What had gone in stays. "
            "Upload the file again, and tell the administrator if it happens again.",
        )
    dispatch.enqueue_next(project_id)


def _check_starter(lease: Lease) -> None:
    """Raise `JobFailed` if the user who started the job may no longer do so; not for a job that is half done.

    A job that lost its worker goes on, unless it has written nothing yet: then it is as if it had not begun.
    """
    job = db.session.get_one(ImportJob, lease.job_id)
    is_half_done = lease.is_resumed and (job.reference is not None or bool(batch_runner.stored_results(job.id)))
    revoked = None if job.cancelled_by or is_half_done else permissions.revocation_reason(job)
    db.session.rollback()
    if revoked is not None:
        raise JobFailed(f"{revoked} Nothing further was changed.")


def _execute(lease: Lease) -> None:
    """Do the job and complete it; raises `JobCancelled` at the latest when it would have been completed."""
    with _job_context(lease, Phase.READING) as context:
        outcome: Outcome = registry.get(context.job_type).run(context)
    if not lifecycle.complete(lease, result=outcome.result, error=outcome.error):
        lifecycle.check_lease(lease)


def _revert_cancelled(lease: Lease) -> None:
    with _job_context(lease, Phase.CANCELLING) as context:
        # What is not revertible is committed at once, so the job has been completed already, but for its status.
        too_late = not registry.get(context.job_type).is_revertible and bool(batch_runner.stored_results(lease.job_id))
        if not too_late:
            revert.revert_cancelled(context)
    if too_late:
        _execute(lease)


@contextmanager
def _job_context(lease: Lease, phase: Phase) -> Iterator[JobContext]:
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined] # threads need the application itself
    job = db.session.get_one(ImportJob, lease.job_id)
    with ProgressReporter(app, lease, Progress(phase, total=job.total_items)) as reporter:
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
        )
        db.session.rollback()
        yield context


def _fail(lease: Lease, error: str, reason: FailureReason = FailureReason.ERROR) -> None:
    db.session.rollback()
    lifecycle.fail(lease, error=error, reason=reason)
