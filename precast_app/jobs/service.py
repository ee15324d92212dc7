"""What users do with jobs: submit, attach the file, apply a dry run, undo, retry, cancel. Each is one transaction.

After the commit the job is enqueued. If one of these functions raises an exception, its transaction is still open and
must be rolled back, which happens at the end of a request.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy.exc import IntegrityError

from precast_app import database
from precast_app.auth import audit
from precast_app.auth.permissions import Identity
from precast_app.errors import Conflict, NotFound, RequestError
from precast_app.extensions import db
from precast_app.importing.profiles.profile import ImportProfile
from precast_app.importing.review.choice import ReviewRequest
from precast_app.jobs import (
    columns,
    creation,
    dispatch,
    dry_run,
    failures,
    files,
    idempotency,
    lifecycle,
    registry,
    revert,
)
from precast_app.jobs.creation import JobOptions, Starter
from precast_app.jobs.files import Upload
from precast_app.messages import Message
from precast_app.models import ImportJob, JobStatus, Phase, Project
from precast_app.projects import import_profiles

EVERYTHING = ReviewRequest()


def submit(
    *,
    project_id: int,
    job_type: str,
    created_by: str,
    options: JobOptions,
    upload: Upload | None,
    idempotency_key: str | None = None,
    started_by_user_id: int | None = None,
    profile: ImportProfile | None = None,
) -> ImportJob:
    """Create a job; with a file it is enqueued, without one it waits for its file.

    With a `profile`, which need not be remembered, or one that the options name, the file is read by it. If the columns
    of a file are not understood, the job waits for a mapping if the options ask for that.
    With an idempotency key that the same user has used within a day, return that job, or raise `Conflict` if the upload
    is another one. Raise another `RequestError` if the file can't be imported or the project has too many open jobs.
    Without `started_by_user_id` it is a job of the server's command line, which needs no permission.
    """
    if db.session.get(Project, project_id) is None:
        raise NotFound(Message("There is no project %(project)s.", project=project_id))
    registry.get_creatable(job_type)
    job = creation.new_job(project_id, job_type, options, created_by, started_by_user_id)
    job.idempotency_key = idempotency_key
    if upload:
        files.check_size(upload)
    if existing := idempotency.find_existing(job, upload):
        return existing
    creation.check_open_job_limit(project_id)
    columns.set_chosen_profile(job, profile)
    if upload:
        found = columns.inspect(job, upload, created_by)
        if found.is_understood:
            job.total_items = found.rows
            columns.set_profile(job, found.profile)
            creation.set_queued(job)
        else:
            job.phase, job.needs_mapping = Phase.WAITING_FOR_MAPPING, True
    idempotency.expire_key(job)
    db.session.add(job)
    try:
        db.session.flush()
    except IntegrityError:
        # Another request with the same key has just been committed.
        db.session.rollback()
        if existing := idempotency.find_existing(job, upload):
            return existing
        raise
    if upload:
        files.store(job, upload)
    if job.needs_mapping:
        lifecycle.record_waiting(job.id)
    creation.audit_creation(job)
    # The caller reads the new job, which the commit would otherwise expire: without the session, no query is needed.
    db.session.flush()
    db.session.expunge(job)
    db.session.commit()
    if upload and not job.needs_mapping:
        dispatch.enqueue(job.id)
    return job


def start(
    *,
    project_id: int,
    job_type: str,
    parameters: dict[str, Any],
    total: int,
    starter: Starter,
    idempotency_key: str | None = None,
) -> ImportJob:
    """Create and enqueue a job that needs no file; `total` is the number of items that it will process.

    With an idempotency key that the same user has used within a day, return that job, or raise `Conflict` if it was
    asked for something else. Raise `TooManyRequests` if the project has too many open jobs.
    """
    job = creation.new_job(project_id, job_type, JobOptions(), starter.name, starter.user_id)
    job.parameters, job.total_items, job.idempotency_key = parameters, total, idempotency_key
    if existing := idempotency.find_existing(job, None):
        return existing
    creation.check_open_job_limit(project_id)
    creation.set_queued(job)
    idempotency.expire_key(job)
    db.session.add(job)
    try:
        db.session.flush()
    except IntegrityError:
        # Another request with the same key has just been committed.
        db.session.rollback()
        if existing := idempotency.find_existing(job, None):
            return existing
        raise
    creation.audit_creation(job)
    db.session.commit()
    dispatch.enqueue(job.id)
    return job


def detect_job_type(project_id: int, upload: Upload | None, owner: str) -> str:
    """Return the job type that the headings of the file are for, or an import profile for lists of pieces.

    Raise `RequestError` if there is no file or it can't be read. If several types fit, its `errors` list them as
    `job_types`.
    """
    if upload is None:
        message = Message(
            "job_type=%(job_type)s needs the file in the same request. Send it, or name the job type.",
            job_type=registry.DETECT,
        )
        raise RequestError(message, {"query": {"job_type": [message]}})
    files.check_size(upload)
    lists = [(each.id, each.profile) for each in import_profiles.list_candidates(project_id, of_pieces=True)]
    # Parsing takes seconds, and must not occupy a database connection.
    database.release_connection()
    job_types = files.detect_job_types(upload, owner, lists)
    if len(job_types) > 1:
        names = ", ".join(job_types)
        message = Message(
            "The headings of this file fit more than one job type. Repeat the request with one of: %(job_types)s.",
            job_types=names,
        )
        raise RequestError(message, {"job_types": job_types})
    return job_types[0]


def attach_file(job_id: int, upload: Upload, starter: Identity) -> ImportJob:
    """Store the file of a waiting job and enqueue the job; raise `Conflict` if it isn't waiting for a file.

    If its columns are not understood, the job waits for a mapping if its options ask for that.
    Raise another `RequestError` if the file can't be imported.
    """
    files.check_size(upload)
    job = db.session.get_one(ImportJob, job_id)
    found = columns.inspect(job, upload, starter.name)
    if found.is_understood:
        is_waiting = lifecycle.mark_queued(job_id, waiting=Phase.WAITING_FOR_FILE)
    else:
        is_waiting = lifecycle.mark_waiting_for_mapping(job_id)
    if not is_waiting:
        raise Conflict(Message("Job %(job)s isn't waiting for a file. Create a new job for this file.", job=job_id))
    job.total_items, job.started_by_user_id = found.rows, starter.user_id
    if found.is_understood:
        columns.set_profile(job, found.profile)
    files.store(job, upload)
    audit.record(audit.Action.JOB_FILE, project_id=job.project_id, about=f"job {job.id}: {job.file_name}")
    db.session.commit()
    if found.is_understood:
        dispatch.enqueue(job_id)
    return job


def apply(job_id: int, starter: Starter, request: ReviewRequest = EVERYTHING) -> ImportJob:
    """Create and enqueue the job that applies a dry run, or what the request chooses of it.

    Raise `Conflict` if the job is not a completed dry run, has been applied, its file has expired, or all the data that
    it was planned on has changed; raise another `RequestError` if the choice is not possible. The new job checks each
    row again.
    """
    # The lock keeps a second request from applying the dry run too, and from running it again meanwhile.
    dry = db.session.get_one(ImportJob, job_id, with_for_update=True, populate_existing=True)
    dry_run.check_applicable(dry, registry.get(dry.job_type).is_outdated)
    return creation.import_again(dry, starter, applies_job_id=dry.id, review=dry_run.choose(dry, request))


def undo(job_id: int, starter: Starter) -> ImportJob:
    """Create and enqueue the job that undoes a job; to undo an undo, one that does again what was undone.

    Raise `Conflict` with the reasons if the job can't be undone.
    """
    target = db.session.get_one(ImportJob, job_id)
    if target.undoes_job_id is not None:
        return _redo(target, starter)
    job_type = registry.get(target.job_type)
    if job_type.undo_type is None or target.dry_run:
        raise Conflict(
            Message(
                "Job %(job)s has changed neither element types nor pieces, or it is a dry run. It can't be undone.",
                job=job_id,
            )
        )
    revert.check_undoable(target, job_type.find_conflicts)
    options = JobOptions(concurrent_batches=1)
    job = creation.new_job(target.project_id, job_type.undo_type, options, starter.name, starter.user_id)
    job.undoes_job_id, job.file_name = job_id, target.file_name
    job.total_items = target.created_count + target.updated_count + target.renamed_count + target.removed_count
    creation.set_queued(job)
    db.session.add(job)
    about = f"job {job_id}: {target.file_name or ''}"
    audit.record(audit.Action.JOB_UNDO, who=starter.name, project_id=job.project_id, about=about)
    try:
        db.session.commit()
    except IntegrityError:
        # A unique index allows one undo of a job that has not failed.
        db.session.rollback()
        raise Conflict(Message("Job %(job)s is already being undone.", job=job_id)) from None
    dispatch.enqueue(job.id)
    return job


def retry(job_id: int, started_by_user_id: int | None) -> ImportJob:
    """Enqueue a failed job again, with its stored file; batches that are committed are not run again.

    A job whose columns were never mapped waits for its mapping again.
    Raise `Conflict` if it has not failed, was undone, was cancelled and partly kept, or its file has expired.
    """
    job = db.session.get_one(ImportJob, job_id)
    needs_file = registry.get(job.job_type).has_file and job.undoes_job_id is None
    if needs_file and not files.is_stored(job_id):
        raise Conflict(
            Message(
                "The file of job %(job)s has been deleted, or was never uploaded. Upload it as a new job.", job=job_id
            )
        )
    if not lifecycle.retry(job_id):
        raise Conflict(
            Message(
                "Job %(job)s can't be retried: it has not failed, it was undone, or it was cancelled and "
                "some of its changes were kept. Upload its file as a new job.",
                job=job_id,
            )
        )
    job.started_by_user_id = started_by_user_id
    audit.record(audit.Action.JOB_RETRY, project_id=job.project_id, about=f"job {job.id}")
    db.session.commit()
    if not job.needs_mapping:
        dispatch.enqueue(job_id)
    return job


def cancel(job_id: int, user: str) -> ImportJob:
    """Cancel a job: a pending one fails at once, a running one when its worker has reverted it.

    Raise `Conflict` if it has ended.
    """
    if not lifecycle.cancel(job_id, user):
        raise Conflict(Message("Job %(job)s has ended and can't be cancelled any more.", job=job_id))
    job = db.session.get_one(ImportJob, job_id, populate_existing=True)
    audit.record(audit.Action.JOB_CANCEL, who=user, project_id=job.project_id, about=f"job {job.id}")
    db.session.commit()
    if job.status == JobStatus.FAILED:
        failures.log_failed(job.id, job.failure_reason)
        dispatch.enqueue_next(job.project_id)
    return job


def _redo(undo_job: ImportJob, starter: Starter) -> ImportJob:
    if undo_job.status != JobStatus.COMPLETED:
        raise Conflict(Message("Job %(job)s has not undone anything, so there is nothing to undo.", job=undo_job.id))
    target = db.session.get_one(ImportJob, undo_job.undoes_job_id)
    job_type = registry.get(target.job_type)
    if job_type.has_file:
        # What was chosen of a preview can only be found in that preview.
        applies_job_id = target.applies_job_id if target.review is not None else None
        return creation.import_again(target, starter, applies_job_id=applies_job_id, review=target.review)
    return start(
        project_id=target.project_id,
        job_type=target.job_type,
        parameters=job_type.repeat(target),
        total=undo_job.updated_count,
        starter=starter,
    )
