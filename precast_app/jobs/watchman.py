"""The watchman: finds in the table what Redis or a worker has lost, and rings for it again. One at a time."""

from __future__ import annotations

import logging
import time

from flask import current_app
from sqlalchemy import text

from precast_app.config import Settings
from precast_app.extensions import db
from precast_app.jobs import lifecycle, lost_jobs, measures, queue
from precast_app.jobs.lost_jobs import LostJob

log = logging.getLogger(__name__)

# How long a worker may take between popping an id from the queue and claiming its job.
_PICK_UP_SECONDS = 1.0

_EXHAUSTED = text("""
    SELECT id, project_id FROM import_jobs
    WHERE status = 'processing' AND lease_until < clock_timestamp() AND attempt >= :attempts
    ORDER BY id
""")

_NEVER_FED = text("""
    SELECT id FROM import_jobs
    WHERE status = 'pending' AND phase = 'waiting_for_file'
      AND created_at < clock_timestamp() - make_interval(secs => :seconds)
""")

# What ended jobs keep for a time, some of it in each round, so that no round takes long: the table, its key beside the
# job, how many rows at a time (a row of a file has a megabyte), and the setting that says how long. A dry run can be
# carried out no longer than its file is kept.
_KEPT = (
    ("import_file_chunks", "number", 50, "file_days"),
    ("planned_changes", "row", 5_000, "file_days"),
    ("import_issues", "id", 5_000, "issue_days"),
)
_DROP = """
    DELETE FROM {table} USING (
        SELECT job.id AS job_id, kept.key FROM import_jobs job
        CROSS JOIN LATERAL (SELECT {key} AS key FROM {table} WHERE job_id = job.id LIMIT {most}) AS kept
        WHERE job.completed_at < clock_timestamp() - make_interval(days => :days)
        LIMIT {most}
    ) AS old
    WHERE {table}.job_id = old.job_id AND {table}.{key} = old.key
"""


_OLD_SESSIONS = text("""
    DELETE FROM user_sessions WHERE id IN (SELECT id FROM user_sessions WHERE expires_at < clock_timestamp() LIMIT 1000)
""")


def look() -> list[int]:
    """One round; the numbers of the jobs that were rung for. Where another watchman is at it, none."""
    settings: Settings = current_app.config["PRECAST"]
    # A transaction's lock on a connection of its own: it outlasts the commits of this sweep, is released if the process
    # is killed, and, unlike a session's lock, works behind a pooler that gives each transaction another session.
    with db.engine.begin() as connection:
        locked = connection.execute(text("SELECT pg_try_advisory_xact_lock(:locks, 0)"), {"locks": lifecycle.LOCKS})
        if not locked.scalar():
            return []
        rung = _round(settings)
        measures.note_round()
        return rung


def _round(settings: Settings) -> list[int]:
    for (job_id,) in db.session.execute(_NEVER_FED, {"seconds": settings.feed_seconds}).all():
        lifecycle.expire(job_id)
    for table, key, most, days in _KEPT:
        drop = text(_DROP.format(table=table, key=key, most=most))
        db.session.execute(drop, {"days": getattr(settings, days)})
        db.session.commit()
    db.session.execute(_OLD_SESSIONS)
    db.session.commit()
    exhausted = db.session.execute(_EXHAUSTED, {"attempts": settings.attempts}).all()
    db.session.rollback()
    for job_id, project_id in exhausted:
        if lifecycle.give_up(job_id, settings.attempts):
            log.error("Job %d was lost %d times and is given up.", job_id, settings.attempts)
            queue.ring_next(project_id)
    rung = []
    for lost in _still_lost():
        if queue.ring(lost.job_id, after=lost.enqueue_count):
            log.warning("Job %d was lost and is enqueued again.", lost.job_id)
            queue.forget(lost.rq_id)
            rung.append(lost.job_id)
    return rung


def _still_lost() -> list[LostJob]:
    """Return the lost jobs without those that a worker was just picking up."""
    found = lost_jobs.find()
    if not found:
        return []
    time.sleep(_PICK_UP_SECONDS)
    return [lost for lost in lost_jobs.find() if lost in found]
