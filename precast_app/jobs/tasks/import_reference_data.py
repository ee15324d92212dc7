"""The imports of reference data, such as the hierarchy and the stages."""

from __future__ import annotations

from sqlalchemy import insert, update

from precast_app import database
from precast_app.errors import AllRowsRejected, NoDataRows
from precast_app.extensions import db
from precast_app.importing import batch_runner, reference_files, reference_store
from precast_app.importing.counts import Counts
from precast_app.jobs import dry_run, files
from precast_app.jobs.context import (
    JobContext,
    Outcome,
    abort_error,
    describe_first_errors,
    dry_run_summary,
    import_summary,
    store_issues,
)
from precast_app.models import ImportBatch, ImportJob, OnError, Phase


def run(context: JobContext) -> Outcome:
    """Import the job's file and return the outcome; raise `JobFailed` or `UnreadableFile`.

    These files are small: the rows are written in one transaction, which a dry run rolls back.
    """
    context.report_progress(Phase.READING)
    with files.open_stored(context.job_id) as file:
        database.release_connection()
        book = files.open_upload(file, context.settings)
        context.report_progress(Phase.CHECKING)
        entries, issues, total = reference_files.read_entries(book, context.job_type, context.project_id)
    if not total:
        raise NoDataRows
    context.report_progress(Phase.WRITING, total=total)
    # The import is one batch. If an earlier attempt was lost after its commit, only the result is reported again.
    if done := batch_runner.stored_results(context.job_id):
        return _outcome(context, total, done[0].counts)
    context.fence(db.session())
    reference_store.lock_project(db.session(), context.project_id)
    dry_run.check_reference_still_valid(context)
    before = reference_store.digest(db.session(), context.project_id, context.job_type)
    stored = reference_store.store_entries(db.session(), context.project_id, context.job_type, entries)
    rejected = total - stored.counts.processed
    counts = stored.counts + Counts(rejected=rejected)
    is_aborted = bool(rejected) and context.on_error is OnError.ABORT
    if context.dry_run or is_aborted:
        db.session.rollback()
    else:
        _record_batch(context, counts)
    store_issues(context, [*issues, *stored.issues])
    if context.dry_run:
        db.session.execute(update(ImportJob).where(ImportJob.id == context.job_id).values(plan_digest=before))
    db.session.commit()
    if is_aborted and not context.dry_run:
        context.report_progress(Phase.WRITING, counts=Counts(rejected=rejected))
        raise abort_error(context.job_id, total, rejected)
    return _outcome(context, total, counts)


def _record_batch(context: JobContext, counts: Counts) -> None:
    db.session.execute(
        insert(ImportBatch).values(
            job_id=context.job_id,
            number=1,
            created_count=counts.created,
            updated_count=counts.updated,
            rejected_count=counts.rejected,
            pieces_added=0,
            pieces_removed=0,
        )
    )


def _outcome(context: JobContext, total: int, counts: Counts) -> Outcome:
    # A stored result has no count of unchanged items.
    counts += Counts(unchanged=total - counts.processed)
    context.report_progress(Phase.WRITING, processed=total, counts=counts)
    errors = describe_first_errors(context.job_id) if counts.rejected else None
    if context.dry_run:
        summary = dry_run_summary(counts.created, counts.updated, counts.unchanged, counts.rejected)
        return Outcome(summary, errors)
    if counts.rejected == total:
        raise AllRowsRejected(total, errors)
    return Outcome(import_summary(total, counts.rejected), errors)
