"""Carry out a plan: batches side by side in a thread pool, each in a transaction of its own.

A batch commits its rows together with its own number, so that it is never done twice. A batch that the database refuses
is rolled back and done again row by row: the refused row becomes an issue, the others go in.
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
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.orm import Session

from precast_app import database
from precast_app.enums import Severity
from precast_app.extensions import db
from precast_app.importing.batch_sql import BatchTarget, PiecesInProduction, WriteCounts, write_batch
from precast_app.importing.issues import Issue
from precast_app.importing.plan import Plan, PlannedBatch, Step, Update
from precast_app.models import Issue as IssueRow

log = logging.getLogger(__name__)

# What is no fault of the data: the same batch, tried again, may go in. psycopg2 raises deadlocks and serialization
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

# What the database refuses because of the data.
DATABASE_REJECTIONS = (psycopg2.IntegrityError, psycopg2.DataError, PiecesInProduction)

Fence = Callable[[Session], None]


@dataclass(frozen=True, slots=True)
class BatchResult:
    """What became of a batch's operations; `rejected` were refused by the database and are told in `issues`."""

    number: int
    created: int = 0
    updated: int = 0
    rejected: int = 0
    pieces_added: int = 0
    pieces_removed: int = 0
    issues: tuple[Issue, ...] = ()


def run_batches(
    app: Flask, plan: Plan, target: BatchTarget, *, done: frozenset[int], concurrent_batches: int, fence: Fence
) -> Iterator[BatchResult]:
    """Do the batches that are not in yet, at most `concurrent_batches` at once; yields each as it is in.

    `fence` is called in each transaction and raises if the job may write no more. What a batch raises is raised here,
    after the ones under way have ended; no further ones are begun.
    """
    # Batches share the process's connections, and leave two of them to who writes the progress, and the main thread: a
    # pool hands a free one to whoever asks first, so that those could wait for the whole import.
    connections: int = db.engine.pool.size()  # type: ignore[attr-defined] # of a QueuePool
    slots = BoundedSemaphore(max(1, connections - _RESERVED_CONNECTIONS))
    waiting = (batch for batch in plan.batches() if batch.number not in done)
    under_way: set[Future[BatchResult]] = set()
    with ThreadPoolExecutor(concurrent_batches, thread_name_prefix="batch") as pool:
        # Twice as many are handed over as run, so that no thread waits for the next one to be planned.
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
    with slots, app.app_context():
        for attempt in range(1, _MAX_TRIES + 1):
            try:
                return _write_batch(batch, target, fence)
            except RETRYABLE:
                # A rollback would fail where the connection was lost under COPY, of which SQLAlchemy doesn't know.
                db.session().invalidate()
                if attempt == _MAX_TRIES:
                    raise
                log.warning("Batch %d of job %d is tried again.", batch.number, target.job_id, exc_info=True)
                time.sleep(0.2 * 2**attempt)
    raise AssertionError("a batch returns or raises")


def _write_batch(batch: PlannedBatch, target: BatchTarget, fence: Fence) -> BatchResult:
    try:
        fence(db.session())
        if not _claim_batch(batch, target):
            db.session.rollback()
            return _stored_result(batch, target)
        counts = write_batch(_cursor(), batch.steps, target)
        result = _result(batch, counts)
        _record_result(result, target)
        db.session.commit()
        return result
    except DATABASE_REJECTIONS:
        db.session.rollback()
        return _retry_row_by_row(batch, target, fence)


def write_in_transaction(batch: PlannedBatch, target: BatchTarget) -> BatchResult:
    """Write a batch in the caller's transaction, which the caller commits; rows that are refused are told as issues."""
    _claim_batch(batch, target)
    cursor = _cursor()
    cursor.execute("SAVEPOINT batch")
    try:
        result = _result(batch, write_batch(cursor, batch.steps, target))
    except DATABASE_REJECTIONS:
        cursor.execute("ROLLBACK TO SAVEPOINT batch")
        result = _write_with_savepoints(batch, target)
    _record_result(result, target)
    return result


def _write_with_savepoints(batch: PlannedBatch, target: BatchTarget) -> BatchResult:
    cursor = _cursor()
    done: list[WriteCounts] = []
    issues: list[Issue] = []
    for step in batch.steps:
        cursor.execute("SAVEPOINT one_row")
        try:
            done.append(write_batch(cursor, [step], target))
        except DATABASE_REJECTIONS as error:
            cursor.execute("ROLLBACK TO SAVEPOINT one_row")
            issues.append(_rejection_issue(step, target, error))
        cursor.execute("RELEASE SAVEPOINT one_row")
    total = (
        WriteCounts(*(sum(values) for values in zip(*map(_as_tuple, done), strict=True)))
        if done
        else WriteCounts(0, 0, 0, 0)
    )
    return _result(batch, total, tuple(issues))


def _retry_row_by_row(batch: PlannedBatch, target: BatchTarget, fence: Fence) -> BatchResult:
    fence(db.session())
    if not _claim_batch(batch, target):
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
    """An issue as a row of `import_issues`."""
    return {
        "job_id": job_id,
        "batch": batch,
        "severity": issue.severity,
        "sheet": issue.sheet,
        "row": issue.row,
        "column": issue.column,
        "heading": issue.heading,
        "value": issue.value,
        "code": issue.code,
        "message": issue.message,
    }


def _cursor() -> Any:
    """The psycopg2 cursor of the session's transaction: COPY and arrays are its own."""
    connection = db.session.connection().connection.dbapi_connection
    assert connection is not None
    cursor = connection.cursor()
    # Every row is found by its key. Without this, the plans of the foreign keys' checks, made once for each connection,
    # read whole tables where those were empty when the import began (measured at 10 000 rows: three times slower).
    # Each batch waits for the disk, though that costs time: where the server crashes and is back at once, this process
    # goes on, and would not know that batches which it takes for done were lost.
    cursor.execute("SET LOCAL enable_seqscan = off")
    return cursor


def _claim_batch(batch: PlannedBatch, target: BatchTarget) -> bool:
    """Claim the batch's number; False where it is in already. Waits for whoever is putting it in just now."""
    try:
        claimed = db.session.execute(
            text("""
                INSERT INTO import_batches
                    (job_id, number, created_count, updated_count, rejected_count, pieces_added, pieces_removed)
                VALUES (:job_id, :number, 0, 0, 0, 0, 0) ON CONFLICT DO NOTHING RETURNING number
            """),
            {"job_id": target.job_id, "number": batch.number},
        )
    except DBAPIError as error:
        raise (error.orig or error) from error
    return claimed.first() is not None


def _record_result(result: BatchResult, target: BatchTarget) -> None:
    db.session.execute(
        text("""
            UPDATE import_batches SET created_count = :created, updated_count = :updated, rejected_count = :rejected,
                pieces_added = :pieces_added, pieces_removed = :pieces_removed
            WHERE job_id = :job_id AND number = :number
        """),
        {
            "job_id": target.job_id,
            "number": result.number,
            "created": result.created,
            "updated": result.updated,
            "rejected": result.rejected,
            "pieces_added": result.pieces_added,
            "pieces_removed": result.pieces_removed,
        },
    )


def _stored_result(batch: PlannedBatch, target: BatchTarget) -> BatchResult:
    (result,) = [each for each in stored_results(target.job_id) if each.number == batch.number]
    return result


def stored_results(job_id: int) -> list[BatchResult]:
    """The batches of a job that are in, without their issues."""
    rows = db.session.execute(
        text("""
            SELECT number, created_count, updated_count, rejected_count, pieces_added, pieces_removed
            FROM import_batches WHERE job_id = :job_id
        """),
        {"job_id": job_id},
    )
    results = [BatchResult(*each) for each in rows]
    db.session.rollback()
    return results


def _result(batch: PlannedBatch, counts: WriteCounts, issues: tuple[Issue, ...] = ()) -> BatchResult:
    return BatchResult(
        batch.number, counts.created, counts.updated, len(issues), counts.pieces_added, counts.pieces_removed, issues
    )


def _as_tuple(counts: WriteCounts) -> tuple[int, int, int, int]:
    return counts.created, counts.updated, counts.pieces_added, counts.pieces_removed


def _rejection_issue(step: Step, target: BatchTarget, error: Exception) -> Issue:
    if isinstance(error, PiecesInProduction):
        message = (
            "Pieces that this row would remove have gone into production while the file was imported. "
            "Look at their status, and upload the row again with a quantity that keeps them."
        )
        code = "pieces_in_production"
    elif isinstance(error, psycopg2.errors.ForeignKeyViolation):
        message = (
            "Something that this row refers to (a drawing type, node, stage or product) was deleted while the file was "
            "imported. Add it again, or take its column out, and upload the row again."
        )
        code = "reference_deleted"
    else:
        message = (
            "The database refused this row, though each of its cells looks right. Nothing of it was stored; upload it "
            "again, and tell the administrator if it is refused once more."
        )
        code = "refused_by_database"
        # A line, since thousands of rows may be refused for one reason, and without the row's values.
        assert isinstance(error, psycopg2.Error), "the other errors in REFUSED are told above"
        rule = error.diag.constraint_name or "no constraint that has a name"
        log.warning(
            "Row %d of job %d was refused: %s, %s", step.operation.row.number, target.job_id, type(error).__name__, rule
        )
    values = step.operation.row.values
    name = target.columns.columns[1]
    operation = step.operation
    shown = f"{operation.element_type if isinstance(operation, Update) else values[0]} {values[1]}"
    return Issue(
        Severity.ERROR,
        code,
        message,
        operation.row.number,
        name.letter,
        name.heading,
        shown,
        target.columns.sheet or None,
    )
