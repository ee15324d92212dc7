"""The imports of reference data: hierarchy, stages, drawing types, BOM products."""

from __future__ import annotations

from sqlalchemy import insert, update

from precast_app.errors import AllRowsRejected, NoRows
from precast_app.extensions import db
from precast_app.importing import batches, reference_files, reference_store
from precast_app.importing.reference_store import Stored
from precast_app.jobs import files, forecasts
from precast_app.jobs.work import Outcome, Work, abort, first_errors, forecast, store_issues, summary
from precast_app.models import Batch, ImportJob, OnError, Phase


def run(work: Work) -> Outcome:
    """Import the job's file in one transaction: these files are small, and a dry run can roll it back."""
    work.tell(Phase.READING)
    with files.open_stored(work.job_id) as file:
        book = files.open_upload(file, work.settings)
        work.tell(Phase.CHECKING)
        entries, issues, total = reference_files.read(book, work.job_type, work.project_id)
    if not total:
        raise NoRows
    work.tell(Phase.WRITING, total=total)
    # It is one batch, and as such done once; an attempt that was lost after its commit is only told again.
    if done := batches.stored_results(work.job_id):
        return _told(work, total, done[0].created, done[0].updated, done[0].rejected)
    work.fence(db.session())
    reference_store.hold(db.session(), work.project_id)
    forecasts.check_reference(work)
    before = reference_store.digest(db.session(), work.project_id, work.job_type)
    stored = reference_store.store(db.session(), work.project_id, work.job_type, entries)
    rejected = total - stored.created - stored.updated - stored.unchanged
    is_aborted = bool(rejected) and work.on_error is OnError.ABORT
    if work.dry_run or is_aborted:
        db.session.rollback()
    else:
        _record(work, stored, rejected)
        db.session.commit()
    store_issues(work, [*issues, *stored.issues])
    if work.dry_run:
        work.fence(db.session())
        db.session.execute(update(ImportJob).where(ImportJob.id == work.job_id).values(plan_digest=before))
        db.session.commit()
    elif is_aborted:
        work.tell(Phase.WRITING, rejected=rejected)
        raise abort(work.job_id, total, rejected)
    return _told(work, total, stored.created, stored.updated, rejected)


def _record(work: Work, stored: Stored, rejected: int) -> None:
    counts = {"created_count": stored.created, "updated_count": stored.updated, "rejected_count": rejected}
    db.session.execute(insert(Batch).values(job_id=work.job_id, number=1, pieces_added=0, pieces_removed=0, **counts))


def _told(work: Work, total: int, created: int, updated: int, rejected: int) -> Outcome:
    unchanged = total - created - updated - rejected
    work.tell(Phase.WRITING, processed=total, created=created, updated=updated, unchanged=unchanged, rejected=rejected)
    errors = first_errors(work.job_id) if rejected else None
    if work.dry_run:
        return Outcome(forecast(created, updated, unchanged, rejected), errors)
    if rejected == total:
        raise AllRowsRejected(total, errors)
    return Outcome(summary(total, rejected), errors)
