"""The import of element types, as the story of a job: read, check, plan, write."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from contextlib import closing

from sqlalchemy import text, update

from precast_app.errors import AllRowsRejected, JobFailed, NoRows
from precast_app.extensions import db
from precast_app.importing import batches, headers, making, missing, plan, reference, rows, whole
from precast_app.importing.batches import BatchResult
from precast_app.importing.columns import ColumnMap
from precast_app.importing.issues import Beyond, Issue, of_note
from precast_app.importing.plan import Plan, Update
from precast_app.importing.reference import Reference
from precast_app.importing.rows import Row
from precast_app.importing.stored import Stored
from precast_app.importing.writing import Target
from precast_app.jobs import files, forecasts, memory
from precast_app.jobs.work import (
    Outcome,
    Work,
    abort,
    first_errors,
    forecast,
    refused_rows,
    store_issues,
    summary,
)
from precast_app.models import ImportJob, OnError, Phase, Severity
from precast_app.spreadsheets import FileRefused


def run(work: Work) -> Outcome:
    """Import the job's file into its project."""
    named = _named(work)
    try:
        return _import(work, named)
    except (JobFailed, FileRefused):
        _take_away(work, named)
        raise


def _import(work: Work, named: Reference) -> Outcome:
    with memory.filling():
        columns, data, issues, beyond = _read(work, named)
        if not data:
            raise NoRows
        planned = _plan(work, columns, data, issues, beyond)
        del data
    if work.dry_run:
        return _foresee(work, planned, named)
    forecasts.check(work, planned, named)
    if planned.rejected and work.on_error is OnError.ABORT:
        work.tell(Phase.PLANNING, rejected=planned.rejected)
        raise abort(work.job_id, planned.total, planned.rejected)
    rejected = _write(work, planned, Target(work.project_id, work.job_id, columns, named.naming_conventions))
    if rejected == planned.total:
        raise AllRowsRejected(planned.total, first_errors(work.job_id))
    return Outcome(summary(planned.total, rejected), first_errors(work.job_id) if rejected else None)


def _foresee(work: Work, planned: Plan, named: Reference) -> Outcome:
    """Keep what the plan says instead of carrying it out."""
    forecasts.keep(work, planned, named)
    work.tell(
        Phase.PLANNING,
        processed=planned.total,
        created=planned.created,
        updated=planned.updated,
        unchanged=planned.unchanged,
        rejected=planned.rejected,
        pieces_added=sum(run.count for batch in planned.batches() for step in batch.steps for run in step.pieces),
        pieces_removed=sum(
            count for operation in planned.doing if isinstance(operation, Update) for _, count in operation.removals
        ),
    )
    told = forecast(planned.created, planned.updated, planned.unchanged, planned.rejected)
    return Outcome(told, first_errors(work.job_id) if planned.rejected else None)


def _named(work: Work) -> Reference:
    """What the headings can name, as the job's first attempt found it: every attempt reads them in the same way."""
    job = db.session.get_one(ImportJob, work.job_id)
    if job.reference is not None:
        named = reference.from_json(work.project_id, job.reference)
        db.session.rollback()
        return named
    lacking = _lacking(work) if work.create_missing else {}
    work.fence(db.session())
    if lacking and not work.dry_run:
        named = making.make(db.session(), work.project_id, lacking)
    else:
        named = making.imagine(reference.load(db.session(), work.project_id), lacking)
    job.reference = reference.to_json(named)
    db.session.commit()
    return named


def _lacking(work: Work) -> making.Entries:
    """What the file's headings name and the project lacks."""
    known = reference.load(db.session(), work.project_id)
    db.session.rollback()
    with files.open_stored(work.job_id) as file:
        return missing.entries(files.open_upload(file, work.settings), known)


def _take_away(work: Work, named: Reference) -> None:
    """What was made for a file that did not go in goes again."""
    db.session.rollback()
    if named.made and not work.dry_run:
        work.fence(db.session())
        making.take_away(db.session(), named)
        db.session.commit()


def _read(work: Work, named: Reference) -> tuple[ColumnMap, list[Row], list[Issue], Beyond]:
    """The file's columns, its rows as values, what is odd about it and how much more; the file itself is let go."""
    work.tell(Phase.READING)
    with files.open_stored(work.job_id) as file:
        book = files.open_upload(file, work.settings)
        columns, issues = headers.match(book, named)
        work.tell(Phase.CHECKING)
        every, beyond = rows.within(
            work.heeding(rows.validate(book.rows(columns.sheet), columns)), work.settings.issues_kept
        )
        data = [row for row in every if not row.skipped]
        skipped = [issue for row in every if row.skipped for issue in row.issues]
        made = making.issues(columns, named, only_imagined=work.dry_run)
        issues = [*map(of_note, book.notes), headers.understood(columns), *issues, *made, *skipped]
        # The workbook's memory is wanted for the plan.
        del every, book
    return columns, data, issues, beyond


def _plan(work: Work, columns: ColumnMap, data: list[Row], issues: list[Issue], beyond: Beyond) -> Plan:
    work.tell(Phase.PLANNING, total=len(data))
    # One view of the project, however many questions the plan asks.
    db.session.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
    settled = refused_rows(work.job_id)
    stored = Stored(db.session(), work.project_id, work.job_id)
    planned = plan.build(data, columns, stored, work.batch_size, settled)
    db.session.rollback()
    issues = [*issues, *planned.issues]
    store_issues(work, issues, beyond=beyond)
    work.fence(db.session())
    db.session.execute(update(ImportJob).where(ImportJob.id == work.job_id).values(unchanged_ids=planned.unchanged_ids))
    db.session.commit()
    work.tell(Phase.PLANNING, warnings=sum(issue.severity is Severity.WARNING for issue in issues))
    return planned


def _write(work: Work, planned: Plan, target: Target) -> int:
    """Carry the plan out; the number of rejected rows, those of the plan and those that the database refused."""
    known = [*{each.number: each for each in batches.stored_results(work.job_id)}.values()]
    _tell(work, planned, known)
    # Closed, so that batches that have not begun are not begun when the job stops here.
    with closing(_results(work, planned, target, frozenset(each.number for each in known))) as results:
        for result in results:
            _tell(work, planned, [result])
    return work.reporter.newest.rejected


def _results(work: Work, planned: Plan, target: Target, done: frozenset[int]) -> Generator[BatchResult]:
    if work.on_error is OnError.SKIP:
        yield from batches.run(
            work.app,
            planned,
            target,
            done=done,
            concurrent_batches=work.concurrent_batches,
            fence=work.fence,
        )
        return
    try:
        yield from whole.run(planned, target, done=done, fence=work.fence)
    except whole.RowsRefused as refused:
        store_issues(work, list(refused.issues), replace=False)
        raise abort(work.job_id, planned.total, len(refused.issues)) from None


def _tell(work: Work, planned: Plan, more: Iterable[BatchResult]) -> None:
    """Add results to what was told; the first time, what the plan alone has dealt with too."""
    newest = work.reporter.newest
    fresh = newest.phase is not Phase.WRITING
    created = updated = rejected = added = removed = 0
    for result in more:
        created += result.created
        updated += result.updated
        rejected += result.rejected
        added += result.pieces_added
        removed += result.pieces_removed
    work.tell(
        Phase.WRITING,
        processed=newest.processed + created + updated + rejected + (planned.unchanged + planned.rejected) * fresh,
        created=newest.created + created,
        updated=newest.updated + updated,
        unchanged=planned.unchanged,
        rejected=newest.rejected + rejected + planned.rejected * fresh,
        pieces_added=newest.pieces_added + added,
        pieces_removed=newest.pieces_removed + removed,
    )
