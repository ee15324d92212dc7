"""The state machine of a job. Only this module changes a job's status and progress.

A job goes from pending to processing and ends completed or failed. Each step is one UPDATE whose WHERE clause repeats
the condition for the step. The worker that runs a job holds a lease, and every write checks its token: a worker that
lost its lease can't write any more.

No function here commits or rolls back. The caller does, so that a step and what belongs to it are one transaction.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from psycopg2.errors import LockNotAvailable
from sqlalchemy import Row, text
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.orm import Session

from precast_app.errors import JobCancelled, LeaseLost
from precast_app.extensions import db
from precast_app.importing.counts import Counts
from precast_app.messages import Message, as_message, stored_parts
from precast_app.models import FailureReason, JobStatus, NotificationEvent, Phase
from precast_app.notifications import outbox

# The class of the advisory locks on job ids, which are positive; `process_lock` uses the other numbers of the class.
ADVISORY_LOCK_CLASS = 7_301

# No other job of the project is running and, if the job is pending, none was queued before it.
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
          AND b.created_count + b.updated_count + b.renamed_count + b.removed_count = 0
    """,
    """
        DELETE FROM import_batches
        WHERE job_id = :job_id AND created_count + updated_count + renamed_count + removed_count = 0
    """,
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
        result = :result, result_parts = :result_parts, error = :error, error_parts = :error_parts,
        failure_reason = :reason, cancelled_by = coalesce(cancelled_by, :cancelled_by)
    WHERE id = :job_id AND {condition}
    RETURNING dry_run
              AND created_count + updated_count + renamed_count + missing_count + rejected_count > 0 AS waits_for_person
"""


@dataclass(frozen=True, slots=True)
class Lease:
    """A worker's right to run a job, which lasts until it expires and another worker claims the job.

    With `stops_on_cancel`, the checks of the lease raise `JobCancelled` once a user has cancelled the job; a worker
    that reverts a cancelled job works without. `is_resumed` is true if an earlier attempt had begun the job.
    """

    job_id: int
    token: UUID
    stops_on_cancel: bool = True
    is_resumed: bool = False


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a job is: `total` and `processed` are numbers of data rows, `warnings` of issues."""

    phase: Phase
    total: int = 0
    processed: int = 0
    counts: Counts = field(default_factory=Counts)
    warnings: int = 0


def claim(job_id: int, *, lease_seconds: int, max_attempts: int) -> Lease | None:
    """Move the job to processing and return a lease on it.

    Return None if it is not the job's turn, if it has ended or has had `max_attempts`, or if another worker has it.
    """
    token = uuid4()
    parameters = {"locks": ADVISORY_LOCK_CLASS, "job_id": job_id, "token": token}
    try:
        # A savepoint, so that the caller's transaction goes on if another worker is quicker.
        with db.session.begin_nested():
            # Wait until the batches of the previous holder have ended; none begins once this is committed. Give up
            # after some seconds: if the holder's machine has vanished, its lock stays until the connection times out.
            db.session.execute(text("SET LOCAL lock_timeout = '5s'"))
            db.session.execute(text("SELECT pg_advisory_xact_lock(:locks, :job_id)"), parameters)
            claimed = db.session.execute(
                _CLAIM, {**parameters, "lease_seconds": lease_seconds, "attempts": max_attempts}
            ).first()
    except IntegrityError:
        # Another job of the project was claimed at the same moment. When it ends, it enqueues this one.
        return None
    except OperationalError as error:
        if not isinstance(error.orig, LockNotAvailable):
            raise
        return None
    return Lease(job_id, token, is_resumed=claimed.status == "processing") if claimed else None


def fence(session: Session, lease: Lease) -> None:
    """Keep the lease from being taken until this transaction ends.

    Raise `LeaseLost` if another worker has it or the job has ended, `JobCancelled` if a user has cancelled the job.
    The lock is an advisory one: a lock on the job's row would block the progress that is written meanwhile.
    """
    parameters = {"locks": ADVISORY_LOCK_CLASS, "job_id": lease.job_id, "token": lease.token}
    session.execute(text("SELECT pg_advisory_xact_lock_shared(:locks, :job_id)"), parameters)
    _raise_if_lost(lease, session.execute(_SELECT_LEASE, parameters).first())


def fence_exclusive(session: Session, lease: Lease) -> None:
    """Wait until every transaction that called `fence` has ended, then do as `fence`, and hold up further ones."""
    parameters = {"locks": ADVISORY_LOCK_CLASS, "job_id": lease.job_id, "token": lease.token}
    session.execute(text("SELECT pg_advisory_xact_lock(:locks, :job_id)"), parameters)
    _raise_if_lost(lease, session.execute(_SELECT_LEASE, parameters).first())


def check_lease(lease: Lease) -> None:
    """Raise `LeaseLost` if another worker has the lease or the job has ended, `JobCancelled` if a user cancelled it."""
    held = db.session.execute(_SELECT_LEASE, {"job_id": lease.job_id, "token": lease.token}).first()
    _raise_if_lost(lease, held)


def _raise_if_lost(lease: Lease, held: Row[Any] | None) -> None:
    if held is None:
        raise LeaseLost(f"Job {lease.job_id} has been taken by another worker, or has ended.")
    if lease.stops_on_cancel and held.cancelled_by is not None:
        raise JobCancelled(f"Job {lease.job_id} was cancelled by {held.cancelled_by}.")


def write_progress(lease: Lease, progress: Progress, *, lease_seconds: int) -> None:
    """Write the job's progress and renew the lease. The percentage never falls, and reaches 100 only on completion.

    Raise as `fence` does. After `JobCancelled`, the progress is written nevertheless if the caller commits.
    """
    written = db.session.execute(
        text("""
            UPDATE import_jobs
            SET phase = CASE WHEN cancelled_by IS NULL THEN :phase ELSE 'cancelling' END,
                total_items = :total, processed_items = greatest(processed_items, :processed),
                progress = greatest(progress, least(99, 100 * :processed / greatest(:total, 1))),
                created_count = :created, updated_count = :updated, unchanged_count = :unchanged,
                rejected_count = :rejected, renamed_count = :renamed, missing_count = :missing,
                removed_count = :removed, left_out_count = :left_out,
                pieces_added = :pieces_added, pieces_removed = :pieces_removed,
                warning_count = :warnings, updated_at = clock_timestamp(),
                lease_until = clock_timestamp() + make_interval(secs => :lease_seconds)
            WHERE id = :job_id AND lease_token = :token
            RETURNING cancelled_by
        """),
        {
            "phase": progress.phase,
            "total": progress.total,
            "processed": progress.processed,
            **progress.counts.as_dict(),
            "warnings": progress.warnings,
            "job_id": lease.job_id,
            "token": lease.token,
            "lease_seconds": lease_seconds,
        },
    ).first()
    _raise_if_lost(lease, written)


def release(lease: Lease) -> None:
    """Let the lease expire now, so that another worker can claim the job, and don't count the attempt.

    The job stays processing.
    """
    db.session.execute(
        text("""
            UPDATE import_jobs SET lease_until = clock_timestamp(), attempt = greatest(attempt - 1, 0)
            WHERE id = :job_id AND lease_token = :token
        """),
        {"job_id": lease.job_id, "token": lease.token},
    )


def complete(lease: Lease, *, result: str, error: str | None = None) -> bool:
    """Move the job from processing to completed; return False if the lease is lost or the job was cancelled."""
    condition = "lease_token = :token" + (" AND cancelled_by IS NULL" if lease.stops_on_cancel else "")
    return _finish(condition, lease.job_id, "completed", result=result, error=error, token=lease.token)


def fail(lease: Lease, *, error: str, reason: FailureReason = FailureReason.ERROR) -> bool:
    """Move the job from processing to failed; return False if the lease is lost."""
    return _finish("lease_token = :token", lease.job_id, "failed", error=error, reason=reason, token=lease.token)


def retry(job_id: int) -> bool:
    """Move the job from failed to pending, and reset all but its committed batches.

    Return False if it has not failed, was undone, or was cancelled and could not be reverted completely.
    """
    parameters = {"job_id": job_id}
    reset = db.session.execute(
        text("""
            UPDATE import_jobs
            SET status = 'pending', phase = CASE WHEN needs_mapping THEN 'waiting_for_mapping' ELSE 'queued' END,
                queued_at = clock_timestamp(), updated_at = clock_timestamp(), completed_at = NULL, error = NULL,
                failure_reason = NULL, cancelled_by = NULL, attempt = 0,
                progress = 0, processed_items = 0
            WHERE id = :job_id AND status = 'failed' AND undone_by_job_id IS NULL
              AND NOT EXISTS (
                  SELECT FROM import_jobs undo WHERE undo.undoes_job_id = :job_id AND undo.status <> 'failed')
              AND (EXISTS (SELECT FROM import_batches WHERE job_id = :job_id)
                   OR NOT EXISTS (SELECT FROM element_type_changes WHERE job_id = :job_id))
            RETURNING needs_mapping
        """),
        parameters,
    ).first()
    if reset is not None:
        # Batches of which the database rejected every row are run again: it may accept these rows now.
        for statement in _RESET_FOR_RETRY:
            db.session.execute(text(statement), parameters)
        if reset.needs_mapping:
            record_waiting(job_id)
    return reset is not None


def repeat_dry_run(job_id: int) -> bool:
    """Move a dry run from completed to pending, to run again; return False if it isn't one or has been applied."""
    moved = db.session.execute(
        text("""
            UPDATE import_jobs
            SET status = 'pending', phase = 'queued', queued_at = clock_timestamp(), updated_at = clock_timestamp(),
                completed_at = NULL, started_at = NULL, result = NULL, error = NULL, reference = NULL, attempt = 0,
                progress = 0, processed_items = 0
            WHERE id = :job_id AND status = 'completed' AND dry_run
              AND NOT EXISTS (
                  SELECT FROM import_jobs later WHERE later.applies_job_id = :job_id AND later.status <> 'failed'
                  AND later.undone_by_job_id IS NULL)
            RETURNING id
        """),
        {"job_id": job_id},
    ).first()
    return moved is not None


def cancel(job_id: int, user: str) -> bool:
    """Cancel a job: a pending one fails now, a processing one when its worker notices. Return False if it has ended."""
    error, reason = cancellation_message(user), FailureReason.CANCELLED
    if _finish("status = 'pending'", job_id, "failed", error=error, reason=reason, cancelled_by=user):
        return True
    marked = db.session.execute(
        # Reverting the job is another task than running it, and gets as many attempts.
        text("""
            UPDATE import_jobs
            SET cancelled_by = coalesce(cancelled_by, :user), phase = 'cancelling', attempt = 0,
                updated_at = clock_timestamp()
            WHERE id = :job_id AND status = 'processing' RETURNING id
        """),
        {"job_id": job_id, "user": user},
    ).first()
    return marked is not None


def cancellation_message(user: str, kept: str | None = None) -> str:
    """Return the `error` of a cancelled job; `kept` describes the changes that could not be reverted."""
    return Message("Cancelled by %(user)s; %(kept)s", user=user, kept=as_message(kept or "nothing was changed"))


def fail_overdue(job_id: int) -> bool:
    """Move the job from pending to failed because its file was not uploaded, or its columns not mapped, in time.

    Return False if it waits for neither.
    """
    reason = FailureReason.EXPIRED
    no_file = Message("No file was uploaded for this job in time. Create a new job and upload the file.")
    no_mapping = Message("The columns of the file were not mapped in time. Retry the job, or upload the file again.")
    waits = "status = 'pending' AND phase = "
    return _finish(f"{waits}'waiting_for_file'", job_id, "failed", error=no_file, reason=reason) or _finish(
        f"{waits}'waiting_for_mapping'", job_id, "failed", error=no_mapping, reason=reason
    )


def fail_exhausted(job_id: int, max_attempts: int, *, error: str) -> bool:
    """Move the job from processing to failed because its workers were lost too often; return False if they were not."""
    condition = "status = 'processing' AND lease_until < clock_timestamp() AND attempt >= :attempts"
    return _finish(condition, job_id, "failed", error=error, reason=FailureReason.GAVE_UP, attempts=max_attempts)


def mark_queued(job_id: int, *, waiting: Phase) -> bool:
    """Queue a job that has got what it waited for; return False if it isn't in the phase `waiting`."""
    return _leave_waiting(job_id, waiting, Phase.QUEUED)


def mark_waiting_for_mapping(job_id: int) -> bool:
    """Let a job whose file was attached wait for its mapping; return False if it isn't waiting for its file."""
    is_waiting = _leave_waiting(job_id, Phase.WAITING_FOR_FILE, Phase.WAITING_FOR_MAPPING)
    if is_waiting:
        record_waiting(job_id)
    return is_waiting


def record_waiting(job_id: int) -> None:
    """Add the messages to the outbox that say that the job waits for a person to map its columns."""
    outbox.record(job_id, [NotificationEvent.JOB_WAITING])


def _leave_waiting(job_id: int, waiting: Phase, phase: Phase) -> bool:
    found = db.session.execute(
        text("""
            UPDATE import_jobs
            SET phase = :phase, needs_mapping = :phase = 'waiting_for_mapping', updated_at = clock_timestamp(),
                queued_at = CASE WHEN :phase = 'queued' THEN clock_timestamp() ELSE queued_at END
            WHERE id = :job_id AND status = 'pending' AND phase = :waiting RETURNING id
        """),
        {"job_id": job_id, "waiting": waiting, "phase": phase},
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
    **parameters: Any,
) -> bool:
    values = {"status": status, "result": result, "error": error, "reason": reason, "cancelled_by": cancelled_by}
    values |= {"result_parts": _parts_as_json(result), "error_parts": _parts_as_json(error)}
    statement = text(_FINISH.format(condition=condition))
    ended = db.session.execute(statement, {"job_id": job_id, **values, **parameters}).first()
    if ended is None:
        return False
    if status == JobStatus.FAILED:
        outbox.record(job_id, [NotificationEvent.JOB_FAILED])
    elif ended.waits_for_person:
        # The preview has ended, and waits for a person to apply it or to correct its file.
        outbox.record(job_id, [NotificationEvent.JOB_COMPLETED, NotificationEvent.JOB_WAITING])
    else:
        outbox.record(job_id, [NotificationEvent.JOB_COMPLETED])
    return True


def _parts_as_json(message: str | None) -> str | None:
    parts = None if message is None else stored_parts(message)
    return None if parts is None else json.dumps(parts)
