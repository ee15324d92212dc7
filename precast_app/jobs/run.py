"""What RQ calls, with the number of a job and nothing else: claim it, do it, say how it ended."""

from __future__ import annotations

import logging

from flask import Flask, current_app
from rq.timeouts import JobTimeoutException

from precast_app.config import Settings
from precast_app.errors import JobFailed, LeaseLost, Refused
from precast_app.extensions import db
from precast_app.importing.batches import RETRYABLE
from precast_app.jobs import horse, lifecycle, queue, registry
from precast_app.jobs.lifecycle import Lease, Progress
from precast_app.jobs.progress import Reporter
from precast_app.jobs.work import Outcome, Work
from precast_app.models import ImportJob, OnError, Phase
from precast_app.spreadsheets import FileRefused

log = logging.getLogger(__name__)


def run_job(job_id: int) -> None:
    """Do the job if it is its turn. It ends completed or failed, unless the process or the database is lost."""
    settings: Settings = current_app.config["PRECAST"]
    lease = lifecycle.claim(job_id, lease_seconds=settings.lease_seconds, attempts=settings.attempts)
    if lease is None:
        log.info("Job %d is left: it has ended, is another worker's, or it isn't its turn.", job_id)
        return
    job = db.session.get_one(ImportJob, job_id)
    project_id = job.project_id
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined] # threads need the application itself
    first = Progress(Phase.READING, total=job.total_items)
    try:
        with Reporter(app, lease, first) as reporter:
            outcome = _run(
                Work(
                    app,
                    lease,
                    reporter,
                    project_id,
                    job.job_type,
                    job.batch_size,
                    job.concurrent_batches,
                    job.dry_run,
                    OnError(job.on_error),
                    job.create_missing,
                )
            )
        lifecycle.complete(lease, result=outcome.result, error=outcome.error)
    except LeaseLost as lost:
        db.session.rollback()
        log.warning("%s", lost)
        return
    except (JobFailed, FileRefused, Refused) as failed:
        _fail(lease, str(failed))
    except JobTimeoutException:
        _fail(
            lease,
            f"The import took longer than {settings.job_seconds} seconds and was stopped. What had gone in stays; "
            "split the file and upload its parts.",
        )
    except MemoryError:
        horse.lift()
        _fail(
            lease,
            f"The import needed more memory than the {settings.job_bytes / 1e6:.0f} MB that a job may take, and was "
            "stopped. What had gone in stays; split the file and upload its parts.",
        )
    except RETRYABLE:
        # The database is away. The lease runs out and the watchman rings again.
        db.session.rollback()
        raise
    except Exception:
        log.exception("Job %d failed.", job_id)
        _fail(
            lease,
            f"Something went wrong on our side; it is in the log under job {job_id}. What had gone in stays. "
            "Upload the file again, and tell the administrator if it happens again.",
        )
    queue.ring_next(project_id)


def _run(work: Work) -> Outcome:
    db.session.rollback()
    return registry.get(work.job_type).run(work)


def _fail(lease: Lease, error: str) -> None:
    db.session.rollback()
    lifecycle.fail(lease, error=error)
