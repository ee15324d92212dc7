"""How the jobs stand, in numbers: read from the table and Redis when asked, so that every web process says the same."""

from __future__ import annotations

import time
from dataclasses import dataclass
from math import isfinite

from flask import current_app
from redis.exceptions import RedisError
from sqlalchemy import text

from precast_app.extensions import db
from precast_app.jobs import broker, lost_jobs
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
           count(*) FILTER (WHERE phase = 'waiting_for_file') AS unfed,
           coalesce(extract(epoch FROM clock_timestamp() - min(queued_at) FILTER (WHERE phase = 'queued')), 0)
               AS oldest_seconds,
           pg_database_size(current_database()) AS database_bytes,
           pg_total_relation_size('import_file_chunks') AS file_bytes
    FROM import_jobs WHERE status IN ('pending', 'processing')
""")
# An error is `failed`, as it was before the other reasons were told apart.
OUTCOMES = (
    "completed", "completed_with_rejects", "failed",
    *(str(reason) for reason in FailureReason if reason is not FailureReason.ERROR),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class QueueStats:
    """What Redis knows: live workers, ids in the queue, and seconds since the reaper's last sweep, if there was one."""

    workers: int
    enqueued: int
    seconds_since_sweep: float | None


@dataclass(frozen=True, slots=True)
class JobStats:
    """All jobs of the installation. `queue` is None where Redis can't be reached."""

    by_type_and_status: dict[tuple[str, str], int]
    ended_last_hour: dict[str, int]
    queued: int
    waiting_for_file: int
    oldest_seconds: float
    lost_jobs: int
    database_bytes: int
    file_bytes: int
    queue: QueueStats | None


def collect() -> JobStats:
    """The numbers as they are now."""
    by_status = {(job_type, status): count for job_type, status, count in db.session.execute(_BY_STATUS)}
    ended = dict.fromkeys(OUTCOMES, 0)
    for outcome, count in db.session.execute(_ENDED):
        ended[outcome] = count
    now = db.session.execute(_NOW).one()
    db.session.rollback()
    return JobStats(
        by_type_and_status=by_status,
        ended_last_hour=ended,
        queued=now.queued,
        waiting_for_file=now.unfed,
        oldest_seconds=float(now.oldest_seconds),
        lost_jobs=len(lost_jobs.find_lost()),
        database_bytes=now.database_bytes,
        file_bytes=now.file_bytes,
        queue=_queue(),
    )


def record_sweep() -> None:
    """Record in Redis that the reaper has swept now."""
    try:
        broker.redis_connection().set(_key(), time.time())
    except RedisError:
        # Nothing is lost but the note; that Redis is away is told elsewhere.
        return


def _queue() -> QueueStats | None:
    try:
        noted = broker.redis_connection().get(_key())
        return QueueStats(len(broker.worker_names()), broker.rq_queue().count, _seconds_since(noted))
    except RedisError:
        return None


def _seconds_since(noted: str | bytes | None) -> float | None:
    """Return how long ago that time was; None where it isn't a time."""
    try:
        seconds = time.time() - float(noted or "")
    except ValueError:
        return None
    return max(0.0, seconds) if isfinite(seconds) else None


def _key() -> str:
    # Of this installation: several may share a Redis.
    return f"{_LAST_SWEEP_KEY}:{current_app.config['PRECAST'].queue_name}"
