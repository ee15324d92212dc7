"""The imports of reference data: hierarchy, stages, drawing types, BOM products."""

from __future__ import annotations

from precast_app.errors import JobFailed, NoRows
from precast_app.extensions import db
from precast_app.importing import reference_files, reference_store
from precast_app.jobs import files
from precast_app.jobs.work import Outcome, Work, abort, first_errors, forecast, store_issues, summary
from precast_app.models import OnError, Phase


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
    work.fence(db.session())
    stored = reference_store.store(db.session(), work.project_id, work.job_type, entries)
    rejected = total - stored.created - stored.updated - stored.unchanged
    nothing = work.dry_run or (rejected and work.on_error is OnError.ABORT)
    if nothing:
        db.session.rollback()
    else:
        db.session.commit()
    store_issues(work, [*issues, *stored.issues])
    if nothing and not work.dry_run:
        raise abort(work.job_id, total, rejected)
    work.tell(
        Phase.WRITING,
        processed=total,
        created=stored.created,
        updated=stored.updated,
        unchanged=stored.unchanged,
        rejected=rejected,
    )
    errors = first_errors(work.job_id) if rejected else None
    if work.dry_run:
        return Outcome(forecast(stored.created, stored.updated, stored.unchanged, rejected), errors)
    if rejected == total:
        raise JobFailed(f"None of the {total} rows could be imported.\n{errors}")
    return Outcome(summary(total, rejected), errors)
