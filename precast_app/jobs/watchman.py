"""The watchman: finds in the table what Redis or a worker has lost, and rings for it again. One at a time."""

from __future__ import annotations

import logging

from flask import current_app
from redis.exceptions import RedisError
from rq.exceptions import NoSuchJobError
from rq.job import Job, JobStatus
from rq.serializers import JSONSerializer
from sqlalchemy import text

from precast_app.config import Settings
from precast_app.extensions import db
from precast_app.jobs import lifecycle, measures, queue

log = logging.getLogger(__name__)

_QUIET_SECONDS = 3

_LOST = text("""
    SELECT id, status, ring, attempt FROM import_jobs job
    WHERE (rung_at IS NULL OR rung_at < clock_timestamp() - make_interval(secs => :quiet))
      AND ((status = 'processing' AND lease_until < clock_timestamp())
           OR (status = 'pending' AND phase = 'queued' AND NOT EXISTS (
               SELECT FROM import_jobs other
               WHERE other.project_id = job.project_id AND other.id <> job.id
                 AND (other.status = 'processing'
                      OR (other.status = 'pending' AND other.phase = 'queued'
                          AND (other.queued_at, other.id) < (job.queued_at, job.id))))))
    ORDER BY queued_at, id
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
    with db.engine.connect() as connection:
        names = {"locks": lifecycle.LOCKS}
        # A session's lock: it is kept over the commits of this round, and goes with the connection if we are killed.
        if not connection.execute(text("SELECT pg_try_advisory_lock(:locks, 0)"), names).scalar():
            return []
        connection.commit()
        try:
            rung = _round(settings)
            measures.note_round()
            return rung
        finally:
            connection.execute(text("SELECT pg_advisory_unlock(:locks, 0)"), names)
            connection.commit()


def _round(settings: Settings) -> list[int]:
    for (job_id,) in db.session.execute(_NEVER_FED, {"seconds": settings.feed_seconds}).all():
        lifecycle.expire(job_id)
    for table, key, most, days in _KEPT:
        drop = text(_DROP.format(table=table, key=key, most=most))
        db.session.execute(drop, {"days": getattr(settings, days)})
        db.session.commit()
    db.session.execute(_OLD_SESSIONS)
    db.session.commit()
    lost = db.session.execute(_LOST, {"quiet": _QUIET_SECONDS}).all()
    db.session.rollback()
    rung = []
    for job_id, status, ring, attempt in lost:
        if status == "processing" and attempt >= settings.attempts:
            if lifecycle.give_up(job_id, settings.attempts):
                log.error("Job %d was lost %d times and is given up.", job_id, attempt)
                _ring_next(job_id)
        elif not _waits(job_id, ring):
            log.warning("Job %d was lost; ringing for it again.", job_id)
            queue.ring(job_id)
            rung.append(job_id)
    return rung


def _ring_next(job_id: int) -> None:
    project_id = db.session.execute(
        text("SELECT project_id FROM import_jobs WHERE id = :id"), {"id": job_id}
    ).scalar_one()
    queue.ring_next(project_id)


def _waits(job_id: int, ring: int) -> bool:
    """Whether the last ring is still to be heard: its RQ job stands in the queue."""
    try:
        job = Job.fetch(queue.ring_id(job_id, ring), connection=queue.connection(), serializer=JSONSerializer)
        return job.get_status(refresh=False) == JobStatus.QUEUED
    except (NoSuchJobError, RedisError):
        return False
