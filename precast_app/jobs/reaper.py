"""The reaper: it finds jobs that Redis or a worker has lost and enqueues them again."""

from __future__ import annotations

import logging
import time

from sqlalchemy import text

from precast_app.extensions import current_settings, db
from precast_app.jobs import broker, dispatch, failures, lifecycle, lost_jobs, process_lock, stats, totals
from precast_app.jobs.lost_jobs import DueJob
from precast_app.models import FailureReason

log = logging.getLogger(__name__)

# How long a worker may take between popping an id from the queue and claiming its job.
_PICK_UP_SECONDS = 1.0

_OVERDUE = text("""
    SELECT id FROM import_jobs
    WHERE status = 'pending'
      AND ((phase = 'waiting_for_file' AND created_at < clock_timestamp() - make_interval(secs => :seconds))
           OR (phase = 'waiting_for_mapping' AND updated_at < clock_timestamp() - make_interval(secs => :seconds)))
""")

_EXHAUSTED = text("""
    SELECT id, project_id, job_type FROM import_jobs
    WHERE status = 'processing' AND lease_until < clock_timestamp() AND attempt >= :attempts
    ORDER BY id
""")


def sweep() -> list[int]:
    """Run one sweep and return the ids of the re-enqueued jobs; an empty list if another process is sweeping.

    Jobs that wait too long for their file or its mapping, and jobs whose workers were lost too often, become failed.
    Each job is a transaction of its own.
    """
    with process_lock.try_lock(process_lock.REAPER) as locked:
        if not locked:
            return []
        _fail_overdue()
        _fail_exhausted()
        enqueued = _enqueue_lost()
        stats.record_sweep()
        totals.refresh_outdated()
        return enqueued


def _fail_overdue() -> None:
    seconds = current_settings().file_wait_seconds
    for (job_id,) in db.session.execute(_OVERDUE, {"seconds": seconds}).all():
        has_failed = lifecycle.fail_overdue(job_id)
        db.session.commit()
        if has_failed:
            failures.log_failed(job_id, FailureReason.EXPIRED)


def _fail_exhausted() -> None:
    attempts = current_settings().max_attempts
    for job_id, project_id, job_type in db.session.execute(_EXHAUSTED, {"attempts": attempts}).all():
        error = failures.gave_up(job_type, attempts)
        has_failed = lifecycle.fail_exhausted(job_id, attempts, error=error)
        db.session.commit()
        if has_failed:
            log.error("Job %d was lost %d times and is given up.", job_id, attempts, extra={"job_id": job_id})
            failures.log_failed(job_id, FailureReason.GAVE_UP)
            dispatch.enqueue_next(project_id)


def _enqueue_lost() -> list[int]:
    enqueued = []
    for lost in _find_lost_twice():
        if dispatch.enqueue(lost.job_id, expected_count=lost.enqueue_count):
            log.warning("Job %d was lost and is enqueued again.", lost.job_id, extra={"job_id": lost.job_id})
            broker.delete_rq_job(lost.rq_id)
            enqueued.append(lost.job_id)
    return enqueued


def _find_lost_twice() -> list[DueJob]:
    """Return the lost jobs without those that a worker was just picking up."""
    found = _find_lost()
    if not found:
        return []
    time.sleep(_PICK_UP_SECONDS)
    return [lost for lost in _find_lost() if lost in found]


def _find_lost() -> list[DueJob]:
    due = lost_jobs.find_due()
    db.session.rollback()
    return lost_jobs.filter_lost(due)
