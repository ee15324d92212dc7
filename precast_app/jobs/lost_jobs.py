"""Jobs that no worker works on and that do not wait in Redis's queue either."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import text

from precast_app.extensions import db
from precast_app.jobs import broker, queue

# A worker needs a moment between taking an id from the queue and claiming its job.
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


@dataclass(frozen=True, slots=True)
class LostJob:
    """A job whose turn it is, or whose lease has expired. `rq_id` is the id under which it was last enqueued."""

    job_id: int
    rq_id: str
    was_processing: bool
    attempt: int


def find() -> list[LostJob]:
    """Return the lost jobs, in the order of the queue. While Redis is away every job that it may have lost is one."""
    rows = db.session.execute(_LOST, {"quiet": _QUIET_SECONDS}).all()
    db.session.rollback()
    waiting = queue.waiting_rq_ids() if rows else frozenset()
    found = [
        LostJob(row.id, broker.rq_job_id(row.id, row.ring), row.status == "processing", row.attempt) for row in rows
    ]
    return [lost for lost in found if lost.rq_id not in waiting]
