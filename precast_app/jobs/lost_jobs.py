"""Detection of lost jobs: no worker runs them, and their ids are not in the queue either."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import text

from precast_app.extensions import db
from precast_app.jobs import broker

# The id of a job that was enqueued a moment ago may not have reached Redis yet.
_QUIET_SECONDS = 3

_DUE = text("""
    SELECT id, enqueue_count FROM import_jobs job
    WHERE (enqueued_at IS NULL OR enqueued_at < clock_timestamp() - make_interval(secs => :quiet))
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
class DueJob:
    """A job that a worker should claim next, and how often it was enqueued."""

    job_id: int
    enqueue_count: int

    @property
    def rq_id(self) -> str:
        """The RQ id under which it was last enqueued."""
        return broker.rq_job_id(self.job_id, self.enqueue_count)


def find_due() -> list[DueJob]:
    """Return the jobs whose turn it is or whose lease has expired, in the order of the queue."""
    return [DueJob(*row) for row in db.session.execute(_DUE, {"quiet": _QUIET_SECONDS})]


def filter_lost(due: list[DueJob]) -> list[DueJob]:
    """Return those of the jobs whose id is not in the queue in Redis; all of them if Redis can't be reached.

    Redis may take seconds to answer: call it without a database connection.
    """
    queued = broker.enqueued_ids([job.rq_id for job in due]) if due else frozenset()
    return [job for job in due if job.rq_id not in queued]
