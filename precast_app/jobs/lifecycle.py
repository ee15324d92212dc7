"""The life of a job: the one place that changes its status or its progress.

pending → processing → completed or failed, each step one UPDATE that repeats the condition it depends on. Who works on
a job holds a lease, a token that every write is checked against: a worker that was thought dead can't write any more.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from psycopg2.errors import LockNotAvailable
from sqlalchemy import Row, text
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.orm import Session

from precast_app.errors import JobCancelled, LeaseLost
from precast_app.extensions import db
from precast_app.models import FailureReason, Phase

# The class of the advisory locks on job ids; the reaper's lock is of the same class, with the id 0.
ADVISORY_LOCK_CLASS = 7_301

# The job's turn: nothing else of its project is under way, and, unless it has begun, nothing was queued before it.
_IS_NEXT_IN_PROJECT = """
    NOT EXISTS (
        SELECT FROM import_jobs other
        WHERE other.project_id = import_jobs.project_id AND other.id <> import_jobs.id
          AND (other.status = 'processing'
               OR (import_jobs.status = 'pending' AND other.status = 'pending' AND other.phase = 'queued'
                   AND (other.queued_at, other.id) < (import_jobs.queued_at, import_jobs.id))))
"""

_CLAIM = text(f"""
    UPDATE import_jobs
    SET status = 'processing', phase = 'reading', lease_token = :token,
        lease_until = clock_timestamp() + make_interval(secs => :lease_seconds),
        attempt = attempt + 1, started_at = coalesce(started_at, clock_timestamp()), updated_at = clock_timestamp()
    FROM (SELECT status FROM import_jobs WHERE id = :job_id FOR UPDATE) AS before
    WHERE id = :job_id AND attempt < :attempts
      AND ((import_jobs.status = 'pending' AND phase = 'queued')
           OR (import_jobs.status = 'processing' AND lease_until < clock_timestamp()))
      AND {_IS_NEXT_IN_PROJECT}
    RETURNING before.status
""")

_RESET_FOR_RETRY = (
    """
        DELETE FROM import_issues i USING import_batches b
        WHERE b.job_id = :job_id AND i.job_id = b.job_id AND i.batch = b.number
          AND b.created_count = 0 AND b.updated_count = 0
    """,
    "DELETE FROM import_batches WHERE job_id = :job_id AND created_count = 0 AND updated_count = 0",
    # The headings are read again if nothing of the file was imported.
    """
        UPDATE import_jobs SET reference = NULL, started_at = NULL
        WHERE id = :job_id AND NOT EXISTS (SELECT FROM import_batches WHERE job_id = :job_id)
    """,
)

_SELECT_LEASE = text("SELECT cancelled_by FROM import_jobs WHERE id = :job_id AND lease_token = :token")

_FINISH = """
    UPDATE import_jobs
    SET status = :status, phase = 'done', progress = CASE WHEN :status = 'completed' THEN 100 ELSE progress END,
        completed_at = clock_timestamp(), updated_at = clock_timestamp(), lease_token = NULL, lease_until = NULL,
        result = :result, error = :error, failure_reason = :reason, cancelled_by = coalesce(cancelled_by, :cancelled_by)
    WHERE id = :job_id AND {condition}
    RETURNING id
"""


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to work on a job, until it runs out and another takes it.

    With `stops_on_cancel` the right is to do the job, and ends when a person cancels it; without, it is to end the
    job in
    any case, by taking it back or by what is left of it. `is_resumed` says that another worker had begun the job.
    """

    job_id: int
    token: UUID
    stops_on_cancel: bool = True
    is_resumed: bool = False


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a job is. `total` and `processed` in data rows; the others in element types and pieces."""

    phase: Phase
    total: int = 0
    processed: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: int = 0
    pieces_added: int = 0
    pieces_removed: int = 0
    warnings: int = 0


def claim(job_id: int, *, lease_seconds: int, max_attempts: int) -> Lease | None:
    """Take the job, or leave it: None where it isn't its turn, another has it, or it has ended."""
    token = uuid4()
    try:
        # Waits for the batches of a former holder that are under way, though not for ever: one whose machine is gone
        # keeps its lock until its connection is given up. None of them begins after this commits.
        db.session.execute(text("SET LOCAL lock_timeout = '5s'"))
        db.session.execute(
            text("SELECT pg_advisory_xact_lock(:locks, :job_id)"), {"locks": ADVISORY_LOCK_CLASS, "job_id": job_id}
        )
        taken = db.session.execute(
            _CLAIM, {"job_id": job_id, "token": token, "lease_seconds": lease_seconds, "attempts": max_attempts}
        ).first()
        db.session.commit()
    except IntegrityError:
        # Another job of the project was claimed in the same moment; it rings this one when it ends.
        db.session.rollback()
        return None
    except OperationalError as error:
        if not isinstance(error.orig, LockNotAvailable):
            raise
        db.session.rollback()
        return None
    return Lease(job_id, token, is_resumed=taken.status == "processing") if taken else None


def fence(session: Session, lease: Lease) -> None:
    """Hold the lease for the rest of this transaction; raises `LeaseLost` where it is another's by now, or
    `JobCancelled`.

    An advisory lock rather than one on the job's row, whose progress is written meanwhile.
    """
    names = {"locks": ADVISORY_LOCK_CLASS, "job_id": lease.job_id, "token": lease.token}
    session.execute(text("SELECT pg_advisory_xact_lock_shared(:locks, :job_id)"), names)
    _raise_if_lost(lease, session.execute(_SELECT_LEASE, names).first())


def fence_exclusive(session: Session, lease: Lease) -> None:
    """Like `fence`, when every transaction that holds the job has ended; none begins before this one ends."""
    names = {"locks": ADVISORY_LOCK_CLASS, "job_id": lease.job_id, "token": lease.token}
    session.execute(text("SELECT pg_advisory_xact_lock(:locks, :job_id)"), names)
    _raise_if_lost(lease, session.execute(_SELECT_LEASE, names).first())


def check_lease(lease: Lease) -> None:
    """Raise `LeaseLost` or `JobCancelled`, if it is so."""
    held = db.session.execute(_SELECT_LEASE, {"job_id": lease.job_id, "token": lease.token}).first()
    db.session.rollback()
    _raise_if_lost(lease, held)


def _raise_if_lost(lease: Lease, held: Row[Any] | None) -> None:
    if held is None:
        raise LeaseLost(f"Job {lease.job_id} has been taken by another worker, or has ended.")
    if lease.stops_on_cancel and held.cancelled_by is not None:
        raise JobCancelled(f"Job {lease.job_id} is cancelled by {held.cancelled_by}.")


def write_progress(lease: Lease, progress: Progress, *, lease_seconds: int) -> None:
    """Write how far the job is and renew the lease; the percentage never falls, and is 100 only when completed.

    Raises as `fence` does.
    """
    written = db.session.execute(
        text("""
            UPDATE import_jobs
            SET phase = CASE WHEN cancelled_by IS NULL THEN :phase ELSE 'cancelling' END,
                total_items = :total, processed_items = greatest(processed_items, :processed),
                progress = greatest(progress, least(99, 100 * :processed / greatest(:total, 1))),
                created_count = :created, updated_count = :updated, unchanged_count = :unchanged,
                rejected_count = :rejected, pieces_added = :pieces_added, pieces_removed = :pieces_removed,
                warning_count = :warnings, updated_at = clock_timestamp(),
                lease_until = clock_timestamp() + make_interval(secs => :lease_seconds)
            WHERE id = :job_id AND lease_token = :token
            RETURNING cancelled_by
        """),
        {**_values(progress), "job_id": lease.job_id, "token": lease.token, "lease_seconds": lease_seconds},
    ).first()
    db.session.commit()
    _raise_if_lost(lease, written)


def release(lease: Lease) -> None:
    """Let another worker take the job now; the attempt doesn't count. It stays `processing`, with no one at it."""
    db.session.execute(
        text("""
            UPDATE import_jobs SET lease_until = clock_timestamp(), attempt = greatest(attempt - 1, 0)
            WHERE id = :job_id AND lease_token = :token
        """),
        {"job_id": lease.job_id, "token": lease.token},
    )
    db.session.commit()


def complete(lease: Lease, *, result: str, error: str | None = None) -> bool:
    """processing → completed; False where the lease is lost, or the job cancelled."""
    condition = "lease_token = :token" + (" AND cancelled_by IS NULL" if lease.stops_on_cancel else "")
    return _finish(condition, lease.job_id, "completed", result=result, error=error, token=lease.token)


def fail(lease: Lease, *, error: str, reason: FailureReason = FailureReason.ERROR) -> bool:
    """processing → failed, with what the session has done before; False where the lease is lost."""
    return _finish("lease_token = :token", lease.job_id, "failed", error=error, reason=reason, token=lease.token)


def retry(job_id: int) -> bool:
    """failed → pending, as new but for the batches that are in.

    False where it has not failed, is undone, or was cancelled and could not be taken out as a whole. Does not commit.
    """
    names = {"job_id": job_id}
    again = db.session.execute(
        text("""
            UPDATE import_jobs
            SET status = 'pending', phase = 'queued', queued_at = clock_timestamp(), updated_at = clock_timestamp(),
                completed_at = NULL, error = NULL, failure_reason = NULL, cancelled_by = NULL, attempt = 0,
                progress = 0, processed_items = 0
            WHERE id = :job_id AND status = 'failed' AND undone_by_job_id IS NULL
              AND NOT EXISTS (
                  SELECT FROM import_jobs undo WHERE undo.undoes_job_id = :job_id AND undo.status <> 'failed')
              AND (EXISTS (SELECT FROM import_batches WHERE job_id = :job_id)
                   OR NOT EXISTS (SELECT FROM element_type_changes WHERE job_id = :job_id))
            RETURNING id
        """),
        names,
    ).first()
    if again is not None:
        # What the database refused may be taken now.
        for statement in _RESET_FOR_RETRY:
            db.session.execute(text(statement), names)
    return again is not None


def cancel(job_id: int, user: str) -> bool:
    """Stop a job: a pending one fails at once; who holds a processing one is told to. False where it has ended."""
    error, reason = cancellation_message(user), FailureReason.CANCELLED
    if _finish("status = 'pending'", job_id, "failed", error=error, reason=reason, cancelled_by=user):
        return True
    told = db.session.execute(
        # It gets its attempts again: what it is to do now is something else.
        text("""
            UPDATE import_jobs
            SET cancelled_by = coalesce(cancelled_by, :user), phase = 'cancelling', attempt = 0,
                updated_at = clock_timestamp()
            WHERE id = :job_id AND status = 'processing' RETURNING id
        """),
        {"job_id": job_id, "user": user},
    ).first()
    db.session.commit()
    return told is not None


def cancellation_message(user: str, kept: str | None = None) -> str:
    """The contract's `error` of a cancelled job; `kept` says what of it could not be taken out again."""
    return f"Cancelled by {user}; {kept or 'nothing was changed'}"


def fail_without_file(job_id: int) -> bool:
    """pending → failed, for a job that was never given its file."""
    error = "No file was uploaded for this job in time. Create a new job and upload the file."
    condition = "status = 'pending' AND phase = 'waiting_for_file'"
    return _finish(condition, job_id, "failed", error=error, reason=FailureReason.EXPIRED)


def fail_exhausted(job_id: int, max_attempts: int) -> bool:
    """processing → failed, for a job whose workers were lost too often."""
    error = (
        f"The import was interrupted {max_attempts} times and was given up. What had gone in stays; upload the file "
        "again to import the rest, and tell the administrator if it happens again."
    )
    condition = "status = 'processing' AND lease_until < clock_timestamp() AND attempt >= :attempts"
    return _finish(condition, job_id, "failed", error=error, reason=FailureReason.GAVE_UP, attempts=max_attempts)


def mark_queued(job_id: int) -> bool:
    """A waiting job has got its file: waiting_for_file → queued. False where it isn't waiting. Does not commit."""
    found = db.session.execute(
        text("""
            UPDATE import_jobs SET phase = 'queued', queued_at = clock_timestamp(), updated_at = clock_timestamp()
            WHERE id = :job_id AND status = 'pending' AND phase = 'waiting_for_file' RETURNING id
        """),
        {"job_id": job_id},
    ).first()
    return found is not None


def _finish(
    condition: str,
    job_id: int,
    status: str,
    *,
    result: str | None = None,
    error: str | None = None,
    reason: FailureReason | None = None,
    cancelled_by: str | None = None,
    **names: Any,
) -> bool:
    values = {"status": status, "result": result, "error": error, "reason": reason, "cancelled_by": cancelled_by}
    statement = text(_FINISH.format(condition=condition))
    ended = db.session.execute(statement, {"job_id": job_id, **values, **names}).first()
    db.session.commit()
    return ended is not None


def _values(progress: Progress) -> dict[str, Any]:
    return {name: getattr(progress, name) for name in Progress.__slots__}
