"""The reaper: it finds jobs that Redis or a worker has lost and enqueues them again. One sweeps at a time."""

from __future__ import annotations

import logging
import time

from sqlalchemy import text

from precast_app.config import Settings
from precast_app.extensions import current_settings, db
from precast_app.jobs import broker, dispatch, lifecycle, lost_jobs, stats
from precast_app.jobs.lost_jobs import LostJob

log = logging.getLogger(__name__)

# How long a worker may take between popping an id from the queue and claiming its job.
_PICK_UP_SECONDS = 1.0

_EXHAUSTED = text("""
    SELECT id, project_id FROM import_jobs
    WHERE status = 'processing' AND lease_until < clock_timestamp() AND attempt >= :attempts
    ORDER BY id
""")

_FILE_OVERDUE = text("""
    SELECT id FROM import_jobs
    WHERE status = 'pending' AND phase = 'waiting_for_file'
      AND created_at < clock_timestamp() - make_interval(secs => :seconds)
""")

# What ended jobs keep for a time, some of it in each round, so that no round takes long: the table, its key beside the
# job, how many rows at a time (a row of a file has a megabyte), and the setting that says how long. A dry run can be
# carried out no longer than its file is kept.
_RETENTION = (
    ("import_file_chunks", "number", 50, "file_retention_days"),
    ("planned_changes", "row", 5_000, "file_retention_days"),
    ("import_issues", "id", 5_000, "issue_retention_days"),
)
_DELETE_EXPIRED = """
    DELETE FROM {table} USING (
        SELECT job.id AS job_id, kept.key FROM import_jobs job
        CROSS JOIN LATERAL (SELECT {key} AS key FROM {table} WHERE job_id = job.id LIMIT {most}) AS kept
        WHERE job.completed_at < clock_timestamp() - make_interval(days => :days)
        LIMIT {most}
    ) AS old
    WHERE {table}.job_id = old.job_id AND {table}.{key} = old.key
"""


_DELETE_EXPIRED_SESSIONS = text("""
    DELETE FROM user_sessions WHERE id IN (SELECT id FROM user_sessions WHERE expires_at < clock_timestamp() LIMIT 1000)
""")


def sweep() -> list[int]:
    """Run one sweep and return the ids of the re-enqueued jobs; none if another process holds the lock."""
    settings = current_settings()
    # A transaction's lock on a connection of its own: it outlasts the commits of this sweep, is released if the process
    # is killed, and, unlike a session's lock, works behind a pooler that gives each transaction another session.
    with db.engine.begin() as connection:
        locked = connection.execute(
            text("SELECT pg_try_advisory_xact_lock(:locks, 0)"), {"locks": lifecycle.ADVISORY_LOCK_CLASS}
        )
        if not locked.scalar():
            return []
        enqueued = _sweep_locked(settings)
        stats.record_sweep()
        return enqueued


def _sweep_locked(settings: Settings) -> list[int]:
    for (job_id,) in db.session.execute(_FILE_OVERDUE, {"seconds": settings.file_wait_seconds}).all():
        lifecycle.fail_without_file(job_id)
    for table, key, limit, days in _RETENTION:
        drop = text(_DELETE_EXPIRED.format(table=table, key=key, most=limit))
        db.session.execute(drop, {"days": getattr(settings, days)})
        db.session.commit()
    db.session.execute(_DELETE_EXPIRED_SESSIONS)
    db.session.commit()
    exhausted = db.session.execute(_EXHAUSTED, {"attempts": settings.max_attempts}).all()
    db.session.rollback()
    for job_id, project_id in exhausted:
        if lifecycle.fail_exhausted(job_id, settings.max_attempts):
            log.error("Job %d was lost %d times and is given up.", job_id, settings.max_attempts)
            dispatch.enqueue_next(project_id)
    enqueued = []
    for lost in _still_lost():
        if dispatch.enqueue(lost.job_id, after=lost.enqueue_count):
            log.warning("Job %d was lost and is enqueued again.", lost.job_id)
            broker.delete_rq_job(lost.rq_id)
            enqueued.append(lost.job_id)
    return enqueued


def _still_lost() -> list[LostJob]:
    """Return the lost jobs without those that a worker was just picking up."""
    found = lost_jobs.find_lost()
    if not found:
        return []
    time.sleep(_PICK_UP_SECONDS)
    return [lost for lost in lost_jobs.find_lost() if lost in found]
