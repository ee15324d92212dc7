"""Execute a plan: batches side by side in a thread pool, each in a transaction of its own.

A batch commits its rows together with its own number, so that it is never written twice. A batch that the database
rejects is rolled back and retried row by row: the rejected row becomes an issue, the others are written.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from threading import BoundedSemaphore
from typing import Any

import psycopg2
from flask import Flask
from sqlalchemy import insert, text
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.orm import Session

from precast_app import database
from precast_app.enums import Severity
from precast_app.extensions import db
from precast_app.importing.batch_sql import (
    BatchTarget,
    PiecesInProduction,
    count_steps,
    write_batch,
    write_removals,
)
from precast_app.importing.counts import Counts
from precast_app.importing.issues import Issue
from precast_app.importing.plan import Plan, PlannedBatch, Step, Update
from precast_app.importing.review.missing import in_production_issue
from precast_app.messages import Message, stored_parts
from precast_app.models import Issue as IssueRow
from precast_app.telemetry import job_runs

log = logging.getLogger(__name__)

# Errors that the data did not cause: retrying the batch may succeed. psycopg2 raises deadlocks and serialization
# failures as OperationalError too, but not a server that became read-only in a failover.
RETRYABLE = (
    OperationalError,
    InterfaceError,
    psycopg2.OperationalError,
    psycopg2.InterfaceError,
    *database.UNAVAILABLE,
)
_MAX_TRIES = 4
_RESERVED_CONNECTIONS = 2
# Enough to keep the database busy while others wait for its disk. More would lock the same reference data at once,
# which costs the database more time.
_MAX_TRANSACTIONS = 5

# Errors that the data caused.
DATABASE_REJECTIONS = (psycopg2.IntegrityError, psycopg2.DataError, PiecesInProduction)

_CLAIM = """
    INSERT INTO import_batches
        (job_id, number, created_count, updated_count, renamed_count, pieces_added, pieces_removed, rejected_count)
    VALUES (%s, %s, %s, %s, %s, %s, %s, 0) ON CONFLICT DO NOTHING
"""

Fence = Callable[[Session], None]


@dataclass(frozen=True, slots=True)
class BatchResult:
    """What a batch has written, with an issue for each row or removal that the database rejected."""

    number: int
    counts: Counts
    issues: tuple[Issue, ...] = ()


def run_batches(
    app: Flask, plan: Plan, target: BatchTarget, *, done: frozenset[int], concurrent_batches: int, fence: Fence
) -> Iterator[BatchResult]:
    """Write the batches that are not in `done`, `concurrent_batches` at once, and yield the result of each.

    `fence` is called in each transaction, and raises if the job must not write any more. An exception of a batch is
    raised here after the running batches have ended; no other batch is started.
    """
    # Batches share the process's connection pool. Two connections are reserved for the progress reporter and the main
    # thread, which could otherwise wait for the whole import.
    connections: int = db.engine.pool.size()  # type: ignore[attr-defined] # of a QueuePool
    slots = BoundedSemaphore(max(1, min(_MAX_TRANSACTIONS, connections - _RESERVED_CONNECTIONS)))
    waiting = (batch for batch in plan.batches() if batch.number not in done)
    under_way: set[Future[BatchResult]] = set()
    with ThreadPoolExecutor(concurrent_batches, thread_name_prefix="batch") as pool:
        # Twice as many are submitted as run at once, so that no thread waits for the next batch.
        for batch in waiting:
            under_way.add(pool.submit(_run_batch, app, slots, batch, target, fence))
            if len(under_way) >= 2 * concurrent_batches:
                yield from _collect_finished(under_way)
        while under_way:
            yield from _collect_finished(under_way)


def _collect_finished(under_way: set[Future[BatchResult]]) -> Iterator[BatchResult]:
    ended, _ = wait(under_way, return_when=FIRST_COMPLETED)
    under_way -= ended
    try:
        for future in ended:
            yield future.result()
    except BaseException:
        for future in under_way:
            future.cancel()
        raise


def _run_batch(
    app: Flask, slots: BoundedSemaphore, batch: PlannedBatch, target: BatchTarget, fence: Fence
) -> BatchResult:
    with slots, app.app_context(), job_runs.batch(batch.number):
        for attempt in range(1, _MAX_TRIES + 1):
            try:
                return _write_batch(batch, target, fence)
            except RETRYABLE:
                # SQLAlchemy doesn't notice a connection that was lost during COPY, and a rollback would fail.
                db.session().invalidate()
                if attempt == _MAX_TRIES:
                    raise
                log.warning("Retrying batch %d of job %d.", batch.number, target.job_id, exc_info=True)
                time.sleep(0.2 * 2**attempt)
    raise AssertionError("a batch returns or raises")


def _write_batch(batch: PlannedBatch, target: BatchTarget, fence: Fence) -> BatchResult:
    fence(db.session())
    cursor = _cursor()
    try:
        if not _claim(cursor, batch, target):
            db.session.rollback()
            return _stored_result(batch, target)
        result = _write_all(cursor, batch, target)
        db.session.commit()
        return result
    except DATABASE_REJECTIONS:
        db.session.rollback()
        return _retry_row_by_row(batch, target, fence)


def _write_all(cursor: Any, batch: PlannedBatch, target: BatchTarget) -> BatchResult:
    """Write a batch that is claimed, and return its result."""
    write_batch(cursor, batch.steps, target)
    result = BatchResult(batch.number, count_steps(batch.steps))
    if batch.removals:
        result = BatchResult(batch.number, result.counts + write_removals(cursor, batch.removals, target))
        _record_result(result, target)
    return result


def write_in_transaction(batch: PlannedBatch, target: BatchTarget) -> BatchResult:
    """Write a batch in the caller's transaction; rows that the database rejects become issues. The caller commits."""
    cursor = _cursor()
    _claim(cursor, batch, target)
    cursor.execute("SAVEPOINT batch")
    try:
        result = _write_all(cursor, batch, target)
    except DATABASE_REJECTIONS:
        cursor.execute("ROLLBACK TO SAVEPOINT batch")
        result = _write_with_savepoints(batch, target)
        _record_result(result, target)
    return result


def _write_with_savepoints(batch: PlannedBatch, target: BatchTarget) -> BatchResult:
    cursor = _cursor()
    counts = Counts()
    issues: list[Issue] = []
    for step in batch.steps:
        cursor.execute("SAVEPOINT one_row")
        try:
            write_batch(cursor, [step], target)
            counts += count_steps([step])
        except DATABASE_REJECTIONS as error:
            cursor.execute("ROLLBACK TO SAVEPOINT one_row")
            issues.append(_rejection_issue(step, target, error))
        cursor.execute("RELEASE SAVEPOINT one_row")
    counts += Counts(rejected=len(issues))
    for removal in batch.removals:
        cursor.execute("SAVEPOINT one_row")
        try:
            counts += write_removals(cursor, [removal], target)
        except DATABASE_REJECTIONS:
            cursor.execute("ROLLBACK TO SAVEPOINT one_row")
            issues.append(in_production_issue(removal.missing, target.columns))
        cursor.execute("RELEASE SAVEPOINT one_row")
    return BatchResult(batch.number, counts, tuple(issues))


def _retry_row_by_row(batch: PlannedBatch, target: BatchTarget, fence: Fence) -> BatchResult:
    fence(db.session())
    if not _claim(_cursor(), batch, target):
        db.session.rollback()
        return _stored_result(batch, target)
    result = _write_with_savepoints(batch, target)
    if result.issues:
        db.session.execute(
            insert(IssueRow), [issue_to_row(issue, target.job_id, batch.number) for issue in result.issues]
        )
    _record_result(result, target)
    db.session.commit()
    return result


def issue_to_row(issue: Issue, job_id: int, batch: int | None = None) -> dict[str, Any]:
    """Return an issue as a row of `import_issues`, with U+FFFD for each NUL, which PostgreSQL can't store."""
    return {
        "job_id": job_id,
        "batch": batch,
        "severity": issue.severity,
        "code": issue.code,
        "message": _storable(issue.message),
        "message_parts": stored_parts(issue.message),
        "row": issue.row,
        "column": issue.column,
        "heading": _storable(issue.heading),
        "value": _storable(issue.value),
        "sheet": _storable(issue.sheet),
    }


def _storable(text: str | None) -> str | None:
    return None if text is None else text.replace("\0", "\ufffd")


def _cursor() -> Any:
    """Return a psycopg2 cursor in the session's transaction whose statements find rows by their keys."""
    cursor = database.driver_cursor()
    # Every row is found by its key. Without this setting, the plans of foreign key checks, cached per connection, scan
    # whole tables if these were empty when the import began (measured with 10 000 rows: three times slower).
    # `synchronous_commit` stays on, though it costs time: if the server crashes and restarts, this process goes on, and
    # would not know that batches that it considers committed were lost.
    cursor.execute("SET LOCAL enable_seqscan = off")
    return cursor


def _claim(cursor: Any, batch: PlannedBatch, target: BatchTarget) -> bool:
    """Store the batch's number with what it will write; return False if it is committed.

    Wait for a transaction that is writing the batch. What removals delete is recorded after them.
    """
    counts = count_steps(batch.steps)
    cursor.execute(
        _CLAIM,
        (
            target.job_id,
            batch.number,
            counts.created,
            counts.updated,
            counts.renamed,
            counts.pieces_added,
            counts.pieces_removed,
        ),
    )
    claimed: int = cursor.rowcount
    return claimed == 1


def _record_result(result: BatchResult, target: BatchTarget) -> None:
    db.session.execute(
        text("""
            UPDATE import_batches SET created_count = :created, updated_count = :updated, rejected_count = :rejected,
                renamed_count = :renamed, removed_count = :removed, pieces_added = :pieces_added,
                pieces_removed = :pieces_removed
            WHERE job_id = :job_id AND number = :number
        """),
        {"job_id": target.job_id, "number": result.number, **result.counts.as_dict()},
    )


def _stored_result(batch: PlannedBatch, target: BatchTarget) -> BatchResult:
    (result,) = [each for each in stored_results(target.job_id) if each.number == batch.number]
    return result


def stored_results(job_id: int) -> list[BatchResult]:
    """Return the results of a job's committed batches, without their issues."""
    rows = db.session.execute(
        text("""
            SELECT number, created_count AS created, updated_count AS updated, rejected_count AS rejected,
                   renamed_count AS renamed, removed_count AS removed, pieces_added, pieces_removed
            FROM import_batches WHERE job_id = :job_id
        """),
        {"job_id": job_id},
    )
    return [BatchResult(row.pop("number"), Counts(**row)) for row in map(dict, rows.mappings())]


def _rejection_issue(step: Step, target: BatchTarget, error: Exception) -> Issue:
    """Return the issue for a row that the database has rejected."""
    code, message = _describe_rejection(error)
    operation = step.operation
    row = operation.row
    if isinstance(error, psycopg2.Error) and code == "refused_by_database":
        # One line without the row's values, since thousands of rows may be rejected for the same reason.
        rule = error.diag.constraint_name or "unnamed"
        log.warning(
            "Row %d of job %d was rejected: %s, constraint %s", row.number, target.job_id, type(error).__name__, rule
        )
    element_type = operation.element_type if isinstance(operation, Update) else row.values[0]
    return target.columns.issue(
        severity=Severity.ERROR,
        code=code,
        message=message,
        row=row.number,
        column=target.columns.columns[1],
        value=f"{element_type} {row.values[1]}",
    )


def _describe_rejection(error: Exception) -> tuple[str, str]:
    """Return the code and the message for an error of the database."""
    if isinstance(error, PiecesInProduction):
        return (
            "pieces_in_production",
            Message(
                "Pieces that this row removes have gone into production during the import. Check their status, "
                "and upload "
                "the row again with a quantity that keeps them."
            ),
        )
    if isinstance(error, psycopg2.errors.ForeignKeyViolation):
        return (
            "reference_deleted",
            Message(
                "Something that this row refers to was deleted during the import. "
                "Add it again, or remove its column, and upload the row again."
            ),
        )
    return (
        "refused_by_database",
        Message(
            "The database rejected this row, though each of its cells is valid. Nothing of it was stored. Upload "
            "it again, "
            "and tell the administrator if it is rejected again."
        ),
    )
