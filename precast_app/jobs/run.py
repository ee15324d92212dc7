"""What RQ calls, with the number of a job and nothing else: claim it, do it, say how it ended."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from flask import Flask, current_app
from rq.timeouts import JobTimeoutException

from precast_app.config import Settings
from precast_app.errors import AllRowsRejected, Cancelled, ImportAborted, JobFailed, LeaseLost, Refused, Stopped
from precast_app.extensions import db
from precast_app.importing import batches
from precast_app.importing.batches import RETRYABLE
from precast_app.jobs import cancelling, horse, lifecycle, permissions, queue, registry
from precast_app.jobs.lifecycle import Lease, Progress
from precast_app.jobs.progress import Reporter
from precast_app.jobs.work import Outcome, Work
from precast_app.models import FailureReason, ImportJob, OnError, Phase
from precast_app.spreadsheets import FileRefused

log = logging.getLogger(__name__)


def run_job(job_id: int) -> None:
    """Do the job if it is its turn. It ends completed or failed, unless the process or the database is lost."""
    settings: Settings = current_app.config["PRECAST"]
    lease = lifecycle.claim(job_id, lease_seconds=settings.lease_seconds, attempts=settings.attempts)
    if lease is None:
        log.info("Job %d is left: it has ended, is another worker's, or it isn't its turn.", job_id)
        return
    project_id = db.session.get_one(ImportJob, job_id).project_id
    try:
        _check_starter(lease)
        try:
            _do(lease)
        except Cancelled as cancelled:
            db.session.rollback()
            log.info("%s", cancelled)
            _end_cancelled(replace(lease, heeds_cancel=False))
    except Stopped as stopped:
        db.session.rollback()
        log.info("%s", stopped)
        lifecycle.give_back(lease)
        queue.ring(job_id)
        return
    except LeaseLost as lost:
        db.session.rollback()
        log.warning("%s", lost)
        return
    except AllRowsRejected as failed:
        _fail(lease, str(failed), FailureReason.REJECTED)
    except ImportAborted as failed:
        _fail(lease, str(failed), FailureReason.ABORTED)
    except (JobFailed, FileRefused, Refused) as failed:
        _fail(lease, str(failed))
    except JobTimeoutException:
        _fail(
            lease,
            f"The import took longer than {settings.job_seconds} seconds and was stopped. What had gone in stays; "
            "split the file and upload its parts.",
        )
    except (MemoryError, SystemError) as error:
        horse.lift()
        # Some parts of the interpreter say that they have no memory in this way.
        if isinstance(error, SystemError) and not isinstance(error.__cause__, MemoryError):
            raise
        _fail(
            lease,
            f"The import needed more memory than the {settings.job_bytes / 1e6:.0f} MB that a job may take, and was "
            "stopped. What had gone in stays; split the file and upload its parts.",
        )
    except RETRYABLE:
        # The database is away. The lease runs out and the watchman rings again.
        db.session().invalidate()
        raise
    except Exception:
        log.exception("Job %d failed.", job_id)
        _fail(
            lease,
            f"Something went wrong on our side; it is in the log under job {job_id}. What had gone in stays. "
            "Upload the file again, and tell the administrator if it happens again.",
        )
    queue.ring_next(project_id)


def _check_starter(lease: Lease) -> None:
    """Raise `JobFailed` if the user who started the job may no longer do so; not for a job that is half done.

    A job that lost its worker goes on, unless it has written nothing yet: then it is as if it had not begun.
    """
    job = db.session.get_one(ImportJob, lease.job_id)
    is_half_done = lease.is_resumed and (job.reference is not None or bool(batches.stored_results(job.id)))
    revoked = None if job.cancelled_by or is_half_done else permissions.revoked(job)
    db.session.rollback()
    if revoked is not None:
        raise JobFailed(f"{revoked} Nothing further was changed.")


def _do(lease: Lease) -> None:
    """Do the job and complete it; raises `Cancelled` at the latest when it would have been completed."""
    with _work(lease, Phase.READING) as work:
        outcome: Outcome = registry.get(work.job_type).run(work)
    if not lifecycle.complete(lease, result=outcome.result, error=outcome.error):
        lifecycle.look(lease)


def _end_cancelled(lease: Lease) -> None:
    with _work(lease, Phase.CANCELLING) as work:
        too_late = cancelling.is_too_late(work)
        if not too_late:
            cancelling.finish(work)
    if too_late:
        _do(lease)


@contextmanager
def _work(lease: Lease, phase: Phase) -> Iterator[Work]:
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined] # threads need the application itself
    job = db.session.get_one(ImportJob, lease.job_id)
    with Reporter(app, lease, Progress(phase, total=job.total_items)) as reporter:
        work = Work(
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
        yield work


def _fail(lease: Lease, error: str, reason: FailureReason = FailureReason.ERROR) -> None:
    db.session.rollback()
    lifecycle.fail(lease, error=error, reason=reason)
