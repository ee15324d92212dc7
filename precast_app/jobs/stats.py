"""Statistics of the jobs, read from the table and from Redis at each call: every web process returns the same."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass
from math import isfinite

from flask import current_app
from redis.exceptions import RedisError
from sqlalchemy import text

from precast_app.extensions import db
from precast_app.jobs import broker, lost_jobs
from precast_app.jobs.lost_jobs import DueJob
from precast_app.models import FailureReason

_LAST_SWEEP_KEY = "precast:reaper"

_BY_STATUS = text("SELECT job_type, status, count(*) FROM import_jobs GROUP BY job_type, status ORDER BY 1, 2")
_ENDED = text("""
    SELECT CASE WHEN status = 'failed' AND coalesce(failure_reason, 'error') = 'error' THEN 'failed'
                WHEN status = 'failed' THEN failure_reason
                WHEN rejected_count > 0 THEN 'completed_with_rejects' ELSE 'completed' END AS outcome,
           count(*) FROM import_jobs
    WHERE completed_at > clock_timestamp() - interval '1 hour' GROUP BY outcome
""")
_NOW = text("""
    SELECT count(*) FILTER (WHERE phase = 'queued') AS queued,
           count(*) FILTER (WHERE phase = 'waiting_for_file') AS waiting_for_file,
           count(*) FILTER (WHERE phase = 'waiting_for_mapping') AS waiting_for_mapping,
           coalesce(extract(epoch FROM clock_timestamp() - min(queued_at) FILTER (WHERE phase = 'queued')), 0)
               AS oldest_seconds,
           pg_database_size(current_database()) AS database_bytes,
           pg_total_relation_size('import_file_chunks') AS file_bytes
    FROM import_jobs WHERE status IN ('pending', 'processing')
""")
# `failed` is a failure by an error; every other reason is an outcome of its own.
OUTCOMES = (
    "completed", "completed_with_rejects", "failed",
    *(str(reason) for reason in FailureReason if reason is not FailureReason.ERROR),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class QueueStats:
    """Live workers, ids in the queue, and seconds since the reaper's last sweep, if there was one; from Redis."""

    workers: int
    enqueued: int
    seconds_since_sweep: float | None


@dataclass(frozen=True, slots=True)
class JobStats:
    """All jobs of the installation, and the size of its database; from PostgreSQL."""

    by_type_and_status: dict[tuple[str, str], int]
    ended_last_hour: dict[str, int]
    queued: int
    waiting_for_file: int
    waiting_for_mapping: int
    oldest_seconds: float
    due: list[DueJob]
    database_bytes: int
    file_bytes: int


def collect() -> JobStats:
    """Return the statistics of the jobs as they are now."""
    by_status = {(job_type, status): count for job_type, status, count in db.session.execute(_BY_STATUS)}
    ended = dict.fromkeys(OUTCOMES, 0)
    for outcome, count in db.session.execute(_ENDED):
        ended[outcome] = count
    now = db.session.execute(_NOW).one()
    return JobStats(
        by_type_and_status=by_status,
        ended_last_hour=ended,
        queued=now.queued,
        waiting_for_file=now.waiting_for_file,
        waiting_for_mapping=now.waiting_for_mapping,
        oldest_seconds=float(now.oldest_seconds),
        due=lost_jobs.find_due(),
        database_bytes=now.database_bytes,
        file_bytes=now.file_bytes,
    )


def record_sweep() -> None:
    """Record in Redis that the reaper has swept now."""
    # If Redis can't be reached, only this record is missing; `/readyz` and the metrics say so.
    with suppress(RedisError):
        broker.redis_connection().set(_key(), time.time())


def read_queue() -> QueueStats | None:
    """Return the statistics of the queue as they are now; None if Redis can't be reached.

    Redis may take seconds to answer: call it without a database connection.
    """
    try:
        swept_at = broker.redis_connection().get(_key())
        return QueueStats(len(broker.worker_names()), broker.rq_queue().count, _seconds_since(swept_at))
    except RedisError:
        return None


def _seconds_since(timestamp: str | bytes | None) -> float | None:
    """Return the seconds since a Unix timestamp; None if it isn't one."""
    try:
        seconds = time.time() - float(timestamp or "")
    except ValueError:
        return None
    return max(0.0, seconds) if isfinite(seconds) else None


def _key() -> str:
    # Several installations may share a Redis.
    return f"{_LAST_SWEEP_KEY}:{current_app.config['PRECAST'].queue_name}"
