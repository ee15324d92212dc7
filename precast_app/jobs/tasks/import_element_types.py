"""The import of element types: read the file, validate its rows, plan the changes, write them.

Each step is a transaction of its own, and so is each batch. No transaction is open while the file is read.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence, Set
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import func, insert, select, text, update

from precast_app import database, gc_tuning
from precast_app.errors import AllRowsRejected, JobFailed, NoDataRows
from precast_app.extensions import db
from precast_app.importing import (
    atomic,
    batch_runner,
    column_mapping,
    create_missing,
    current_reference,
    find_missing,
    mapping_description,
    piece_limits,
    plan,
    reference_data,
    row_validation,
    sheet_layout,
    summary_sheet,
)
from precast_app.importing.batch_runner import BatchResult
from precast_app.importing.batch_sql import BatchTarget
from precast_app.importing.counts import Counts
from precast_app.importing.current_state import CurrentState
from precast_app.importing.issues import Issue, IssueOverflow
from precast_app.importing.piece_limits import PieceLimits
from precast_app.importing.plan import Plan
from precast_app.importing.profiles import application, missing_items, row_grouping
from precast_app.importing.profiles.profile import ImportProfile
from precast_app.importing.profiles.schema import load_profile
from precast_app.importing.reference_data import ReferenceData
from precast_app.importing.review import plan_review
from precast_app.importing.review.plan_review import PlanReview
from precast_app.importing.row_validation import Row
from precast_app.importing.schema import ColumnMap
from precast_app.jobs import dry_run, files, rejected_rows
from precast_app.jobs.context import (
    JobContext,
    Outcome,
    abort_error,
    describe_first_errors,
    dry_run_summary,
    import_summary,
    rows_rejected_by_database,
    store_issues,
)
from precast_app.models import ImportJob, OnError, Phase, Project, Severity
from precast_app.models import Issue as IssueRow
from precast_app.spreadsheets import SheetRow, UnreadableFile


def run(context: JobContext) -> Outcome:
    """Import the job's file into its project and return the outcome; raise `JobFailed` or `UnreadableFile`."""
    reference = _load_reference_data(context)
    try:
        return _import(context, reference)
    except (JobFailed, UnreadableFile):
        _delete_created(context, reference)
        raise


def _import(context: JobContext, reference: ReferenceData) -> Outcome:
    with gc_tuning.collection_paused():
        read = _read(context, reference)
        if not read.rows:
            raise NoDataRows
        planned, review = _plan(context, read, reference)
        rejected_rows.store(context, read.columns, _rejected_numbers(read, planned))
        columns, identities = read.columns, read.identities
        del read
    if context.dry_run:
        return _store_dry_run(context, planned, review, reference)
    dry_run.check_still_valid(context, columns, review, reference)
    if planned.rejected and context.on_error is OnError.ABORT:
        context.report_progress(Phase.PLANNING, counts=Counts(rejected=planned.rejected))
        raise abort_error(context.job_id, planned.total, planned.rejected)
    context.report_progress(Phase.PLANNING, counts=Counts(missing=review.missing_count))
    rejected = _write(
        context, planned, BatchTarget(context.project_id, context.job_id, columns, reference.naming_conventions)
    )
    if by_database := rows_rejected_by_database(context.job_id):
        rejected_rows.store(context, columns, _with_related(by_database, identities), replace=False)
    wanted = planned.total - planned.left_out
    if rejected and rejected == wanted and not context.reporter.latest.counts.removed:
        raise AllRowsRejected(planned.total, describe_first_errors(context.job_id))
    return Outcome(import_summary(wanted, rejected), describe_first_errors(context.job_id) if rejected else None)


def _store_dry_run(context: JobContext, planned: Plan, review: PlanReview, reference: ReferenceData) -> Outcome:
    """Store the plan instead of writing it."""
    dry_run.store_plan(context, planned, review, reference)
    db.session.commit()
    counts = planned.counts + Counts(missing=review.missing_count)
    context.report_progress(Phase.PLANNING, processed=planned.total, counts=counts)
    summary = dry_run_summary(counts.created, counts.updated, counts.unchanged, counts.rejected)
    return Outcome(summary, describe_first_errors(context.job_id) if planned.rejected else None)


def _load_reference_data(context: JobContext) -> ReferenceData:
    """Return the reference data as the job's first attempt found it, so that every attempt maps the columns alike."""
    job = db.session.get_one(ImportJob, context.job_id)
    if job.reference is not None:
        reference = reference_data.from_json(context.project_id, job.reference)
        db.session.rollback()
        return reference
    missing_entries = _find_missing(context) if context.create_missing else {}
    context.fence(db.session())
    if missing_entries and not context.dry_run:
        reference = create_missing.create(db.session(), context.project_id, missing_entries)
    else:
        reference = create_missing.preview(current_reference.load(db.session(), context.project_id), missing_entries)
    job.reference = reference_data.to_json(reference)
    db.session.commit()
    return reference


def _find_missing(context: JobContext) -> create_missing.Entries:
    """Return the reference data that the file's headings name and the project lacks."""
    known = current_reference.load(db.session(), context.project_id)
    with files.open_stored(context.job_id) as file:
        database.release_connection()
        profile = _load_profile(context)
        book = files.open_corrected(file, context.settings, profile, context.corrections)
        if profile is not None:
            return missing_items.find_missing_entries(book, profile, known)
        return find_missing.find_missing_entries(book, known)


def _load_profile(context: JobContext) -> ImportProfile | None:
    """Return the import profile by which the file is read; None if it has the project's own headings."""
    return None if context.profile is None else load_profile(context.profile)


def _delete_created(context: JobContext, reference: ReferenceData) -> None:
    """Delete the reference data that was created for a file that was not imported."""
    db.session.rollback()
    if reference.created and not context.dry_run:
        context.fence(db.session())
        create_missing.delete_created(db.session(), reference)
        db.session.commit()


@dataclass(frozen=True, slots=True)
class _ReadFile:
    """What was read: the columns, the rows without the skipped ones, the issues, and those beyond the limit.

    `layout` is what `sheet_layout.describe` returns. `identities` are the element types of the rows, by row number, if
    rows are put together.
    """

    columns: ColumnMap
    rows: list[Row]
    issues: list[Issue]
    overflow: IssueOverflow
    layout: dict[str, Any]
    identities: dict[int, tuple[str, str]]


def _read(context: JobContext, reference: ReferenceData) -> _ReadFile:
    context.report_progress(Phase.READING)
    project_name = db.session.get_one(Project, context.project_id).name
    with files.open_stored(context.job_id) as file:
        database.release_connection()
        profile = _load_profile(context)
        book = files.open_corrected(file, context.settings, profile, context.corrections)
        if profile is None:
            columns, issues = column_mapping.map_columns(book, reference)
        else:
            columns, issues = application.map_columns(book, profile, reference)
        issues = [*summary_sheet.check_project(book, project_name), *issues]
        columns = piece_limits.limited(columns, _piece_limits(context))
        context.report_progress(Phase.CHECKING)
        mapped = columns
        sheet_rows = partial(book.rows, columns.sheet, columns.shown_columns)
        last_row = 0

        def read_rows() -> Iterator[SheetRow]:
            nonlocal last_row
            for row in sheet_rows():
                last_row = row.number
                yield row

        rows: Iterable[Row] = context.checked(row_validation.validate_rows(read_rows, columns))
        identities: dict[int, tuple[str, str]] = {}
        if columns.grouping is not None:
            columns, rows = row_grouping.group_rows(_with_identities(rows, identities), columns, reference)
        if (only_rows := context.only_rows) is not None:
            # All rows are validated, so that a repeated element type is found.
            rows = (row for row in rows if row.number in only_rows)
        every, overflow = row_validation.cap_issues(rows, context.settings.max_stored_issues)
        layout = sheet_layout.describe(book, mapped, last_row)
        data = [row for row in every if not row.skipped]
        skipped = [issue for row in every if row.skipped for issue in row.issues]
        first_row = data[0].number if data and only_rows is None else mapped.first_data_row
        created = create_missing.creation_issues(columns, reference, dry_run=context.dry_run)
        issues = [
            *mapping_description.reader_issues(book.notes, mapped),
            mapping_description.describe_mapping(mapped, first_row),
            *issues,
            *created,
            *skipped,
        ]
        # The plan needs the workbook's memory.
        del every, book
    return _ReadFile(columns, data, issues, overflow, layout, identities)


def _with_identities(rows: Iterable[Row], identities: dict[int, tuple[str, str]]) -> Iterator[Row]:
    """Yield the rows, and store their element types by row number."""
    for row in rows:
        if row.element_type_key[0]:
            identities[row.number] = row.element_type_key
        yield row


def _rejected_numbers(read: _ReadFile, planned: Plan) -> set[int]:
    """Return the numbers of all rows that are not imported."""
    rejected = {row.number for row in read.rows if row.rejected}
    rejected |= {issue.row for issue in planned.issues if issue.severity is Severity.ERROR and issue.row}
    return _with_related(rejected, read.identities)


def _with_related(numbers: Set[int], identities: Mapping[int, tuple[str, str]]) -> set[int]:
    """Return the numbers with those of all rows of the same element types, if rows are put together."""
    rejected = {identities[number] for number in numbers if number in identities}
    return {*numbers, *(number for number, identity in identities.items() if identity in rejected)}


def _plan(context: JobContext, read: _ReadFile, reference: ReferenceData) -> tuple[Plan, PlanReview]:
    columns, data, issues = read.columns, read.rows, read.issues
    context.report_progress(Phase.PLANNING, total=len(data))
    # All queries of the plan see the same snapshot of the project.
    db.session.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
    already_processed = rows_rejected_by_database(context.job_id)
    stored = CurrentState(db.session(), context.project_id, context.job_id)
    planned = plan.build_plan(data, columns, stored, context.batch_size, already_processed)
    review = plan_review.review_plan(context, planned, data, stored, reference)
    too_many = piece_limits.find_problem(planned.counts, stored.piece_count(), _piece_limits(context))
    db.session.rollback()
    issues = [
        *issues,
        *planned.issues,
        *review.issues,
        *([too_many] if too_many else []),
    ]
    store_issues(context, issues, overflow=read.overflow)
    if too_many:
        db.session.commit()
        raise JobFailed(too_many.message)
    db.session.execute(
        update(ImportJob)
        .where(ImportJob.id == context.job_id)
        .values(
            unchanged_ids=planned.unchanged_ids,
            sheet_layout=read.layout,
            checked_corrections_version=context.corrections_version,
        )
    )
    if not context.dry_run and not batch_runner.stored_results(context.job_id):
        renamed = {rename.missing.id for rename in review.findings.renames}
        dry_run.store_missing(context, review.findings, renamed | {each.id for each in review.removals})
    db.session.commit()
    context.report_progress(Phase.PLANNING, warnings=sum(issue.severity is Severity.WARNING for issue in issues))
    return planned, review


def _piece_limits(context: JobContext) -> PieceLimits:
    settings = context.settings
    return PieceLimits(settings.pieces_per_cell, settings.pieces_per_file, settings.pieces_per_project)


def _write(context: JobContext, planned: Plan, target: BatchTarget) -> int:
    """Write the plan and return the number of rejected rows: those of the plan and those that the database rejected."""
    committed = batch_runner.stored_results(context.job_id)
    db.session.rollback()
    _report_batches(context, planned, committed)
    # Closing it keeps batches that wait from being started when the job stops here.
    with closing(_run_batches(context, planned, target, frozenset(each.number for each in committed))) as results:
        for result in results:
            _report_batches(context, planned, [result])
    return context.reporter.latest.counts.rejected


def _run_batches(
    context: JobContext, planned: Plan, target: BatchTarget, done: frozenset[int]
) -> Generator[BatchResult]:
    if context.on_error is OnError.SKIP:
        yield from batch_runner.run_batches(
            context.app,
            planned,
            target,
            done=done,
            concurrent_batches=context.concurrent_batches,
            fence=context.fence,
        )
        return
    try:
        results = atomic.run_atomically(planned, target, done=done, fence=context.fence)
    except atomic.RowsRejected as rejected:
        db.session.rollback()
        store_issues(context, list(rejected.issues), replace=False)
        db.session.commit()
        raise abort_error(context.job_id, planned.total, len(rejected.issues)) from None
    # With the numbers of their batches, they stay stored if the job starts again.
    rows = [
        batch_runner.issue_to_row(issue, context.job_id, result.number) for result in results for issue in result.issues
    ]
    if rows:
        db.session.execute(insert(IssueRow), rows)
    db.session.commit()
    yield from results


def _report_batches(context: JobContext, planned: Plan, results: Sequence[BatchResult]) -> None:
    """Add the counts of batches to the progress; the first time, also the rows that need no batch."""
    latest = context.reporter.latest
    counts = sum((result.counts for result in results), Counts())
    # Removals that the database has refused.
    warnings = sum(issue.severity is Severity.WARNING for result in results for issue in result.issues)
    if latest.phase is not Phase.WRITING:
        warnings += _count_stored_warnings(context.job_id)
        counts += Counts(unchanged=len(planned.unchanged_ids), rejected=planned.rejected, left_out=planned.left_out)
    context.report_progress(
        Phase.WRITING,
        processed=latest.processed + counts.processed,
        counts=latest.counts + counts,
        warnings=latest.warnings + warnings,
    )


def _count_stored_warnings(job_id: int) -> int:
    """Return the number of warnings of batches that an earlier attempt has committed."""
    of_batches = IssueRow.job_id == job_id, IssueRow.batch.is_not(None), IssueRow.severity == Severity.WARNING
    count = db.session.scalar(select(func.count()).select_from(IssueRow).where(*of_batches)) or 0
    # The session is not used again before all batches are written.
    database.release_connection()
    return count
