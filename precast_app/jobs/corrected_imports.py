"""Imports with corrections: a dry run that runs again, and a job for the rows that another one has rejected.

Each function is one transaction. After the commit the job is enqueued.
"""

from __future__ import annotations

from sqlalchemy import select

from precast_app.auth import audit
from precast_app.auth.permissions import Identity
from precast_app.errors import Conflict
from precast_app.extensions import db
from precast_app.jobs import corrections, creation, dispatch, files, lifecycle
from precast_app.messages import Message
from precast_app.models import FailureReason, ImportJob, JobStatus, RejectedRow


def revalidate(job_id: int, starter: Identity) -> ImportJob:
    """Run a dry run again, with its corrections and the project's data of now, and return it.

    Raise `Conflict` if it is not an ended dry run of element types, has been applied, or its file has expired.
    """
    job = db.session.get_one(ImportJob, job_id, with_for_update=True)
    if not job.dry_run:
        raise Conflict(
            Message(
                "Job %(job)s is an import. To import its rejected rows, send POST /api/jobs/%(job)s/import-rejected.",
                job=job_id,
            )
        )
    corrections.require_correctable(job)
    if not files.is_stored(job_id):
        raise Conflict(
            Message("The file of job %(job)s has been deleted after its retention time. Upload it again.", job=job_id)
        )
    creation.check_open_job_limit(job.project_id)
    is_moved = lifecycle.retry(job_id) if job.status == JobStatus.FAILED else lifecycle.repeat_dry_run(job_id)
    if not is_moved:
        raise Conflict(Message("Job %(job)s can't be previewed again. Upload its file as a new job.", job=job_id))
    job.started_by_user_id = starter.user_id
    audit.record(audit.Action.JOB_REVALIDATE, project_id=job.project_id, about=f"job {job.id}")
    db.session.commit()
    dispatch.enqueue(job_id)
    return job


def import_rejected(job_id: int, starter: Identity, *, dry_run: bool) -> ImportJob:
    """Create and enqueue a job for the rejected rows of an import, with the same file and its corrections.

    If the import has changed nothing because of its rejected rows, the new job is for all rows. Raise `Conflict` if the
    import has no rejected rows, or its file has expired.
    """
    old = db.session.get_one(ImportJob, job_id, with_for_update=True)
    if old.dry_run:
        raise Conflict(
            Message("Job %(job)s is a dry run. Preview it again with its corrections, then apply it.", job=job_id)
        )
    corrections.require_correctable(old)
    rows = list(db.session.scalars(select(RejectedRow.row).where(RejectedRow.job_id == job_id)))
    if not rows:
        raise Conflict(Message("Job %(job)s has no rejected rows.", job=job_id))
    job = creation.copy_job(old, starter, dry_run=dry_run, create_missing=old.create_missing)
    creation.copy_profile(old, job)
    corrections.copy(old, job, old.corrections_version)
    job.corrects_job_id = old.id
    is_whole = old.failure_reason == FailureReason.ABORTED
    job.only_rows = old.only_rows if is_whole else sorted(rows)
    job.total_items = old.total_items if is_whole else len(rows)
    db.session.commit()
    dispatch.enqueue(job.id)
    return job
