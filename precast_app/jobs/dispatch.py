"""Enqueueing of jobs: each is recorded in the job's row, and then the job's id is given to Redis.

The record is a transaction of its own, after the one that made the job ready. If one transaction ended a job and
enqueued the next one of its project, two of them could each wait for the row that the other one has locked.
"""

from __future__ import annotations

import logging

from sqlalchemy import text

from precast_app.extensions import db
from precast_app.jobs import broker
from precast_app.telemetry import instrumentation

log = logging.getLogger(__name__)

_COUNT_ENQUEUE = text("""
    UPDATE import_jobs SET enqueue_count = enqueue_count + 1, enqueued_at = clock_timestamp(),
        trace_parent = coalesce(trace_parent, :trace_parent)
    WHERE id = :id AND enqueue_count = coalesce(:expected_count, enqueue_count) RETURNING enqueue_count
""")
_NEXT_IN_PROJECT = text("""
    SELECT id FROM import_jobs WHERE project_id = :project_id AND status = 'pending' AND phase = 'queued'
    ORDER BY queued_at, id LIMIT 1
""")


def enqueue(job_id: int, expected_count: int | None = None) -> bool:
    """Enqueue a committed job and return True; if Redis can't be reached, the reaper enqueues it later.

    `expected_count` is how often the job had been enqueued when it was found lost: return False, and do nothing, if
    another process has enqueued it since.
    """
    enqueue_count = db.session.execute(
        _COUNT_ENQUEUE, {"id": job_id, "expected_count": expected_count, "trace_parent": instrumentation.current_span()}
    ).scalar_one_or_none()
    # The id must not be in Redis before its row says so.
    db.session.commit()
    if enqueue_count is None:
        return False
    broker.push(job_id, enqueue_count)
    log.info("Job %d is enqueued.", job_id, extra={"job_id": job_id})
    return True


def enqueue_next(project_id: int) -> None:
    """Enqueue the first waiting job of the project, if there is one; see `enqueue`."""
    job_id = db.session.execute(_NEXT_IN_PROJECT, {"project_id": project_id}).scalar()
    if job_id is not None:
        enqueue(job_id)
