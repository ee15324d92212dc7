"""The mapping of a file's columns by a user: it starts a waiting job, or a new one for the same file.

Each function is one transaction. After the commit the job is enqueued. If one raises an exception, its transaction is
still open and must be rolled back, which happens at the end of a request.
"""

from __future__ import annotations

from dataclasses import dataclass

from precast_app import database
from precast_app.auth import audit
from precast_app.auth.permissions import Identity
from precast_app.errors import Conflict, invalid_field
from precast_app.extensions import db
from precast_app.importing.profiles.profile import ImportProfile
from precast_app.jobs import columns, corrections, creation, dispatch, files, lifecycle
from precast_app.jobs.files import Upload
from precast_app.messages import Message
from precast_app.models import ImportJob, JobStatus, Phase
from precast_app.projects import import_profiles
from precast_app.projects.import_profiles import StoredProfile


@dataclass(frozen=True, slots=True)
class ColumnMapping:
    """A user's answer to what the columns mean: a profile, or the id of a remembered one.

    With `save` the profile is remembered. `dry_run` and `create_missing` replace the job's options, if they are not
    None.
    """

    profile: ImportProfile | None = None
    profile_id: int | None = None
    save: bool = False
    dry_run: bool | None = None
    create_missing: bool | None = None


def start(job_id: int, mapping: ColumnMapping, starter: Identity) -> ImportJob:
    """Give a waiting job its mapping and enqueue it.

    Raise `Conflict` if it isn't waiting for one, `NotFound` for an unknown profile, `RequestError` if the file can't be
    read by the profile.
    """
    job = db.session.get_one(ImportJob, job_id)
    if job.status != JobStatus.PENDING or job.phase != Phase.WAITING_FOR_MAPPING:
        raise _not_waiting(job_id)
    profile = _profile_of(job, mapping)
    rows = _count_rows(job, profile, starter)
    if not lifecycle.mark_queued(job_id, waiting=Phase.WAITING_FOR_MAPPING):
        raise _not_waiting(job_id)
    columns.set_profile(job, _remembered(job, mapping, profile, starter))
    job.total_items, job.started_by_user_id = rows, starter.user_id
    job.dry_run = job.dry_run if mapping.dry_run is None else mapping.dry_run
    job.create_missing = job.create_missing if mapping.create_missing is None else mapping.create_missing
    audit.record(audit.Action.JOB_MAPPING, project_id=job.project_id, about=f"job {job.id}: {profile.name}")
    db.session.commit()
    dispatch.enqueue(job_id)
    return job


def import_again(job_id: int, mapping: ColumnMapping, starter: Identity) -> ImportJob:
    """Create and enqueue a job that reads the file of another one, with its corrections, by this mapping.

    Raise `Conflict` if that job has no file of element types any more, `NotFound` for an unknown profile,
    `RequestError` if the file can't be read by the profile.
    """
    old = db.session.get_one(ImportJob, job_id)
    if old.job_type != columns.ELEMENT_TYPES:
        raise Conflict(
            Message("Job %(job)s is not an import of element types, so its columns can't be mapped.", job=job_id)
        )
    profile = _profile_of(old, mapping)
    rows = _count_rows(old, profile, starter)
    job = creation.copy_job(
        old,
        starter,
        dry_run=old.dry_run if mapping.dry_run is None else mapping.dry_run,
        create_missing=old.create_missing if mapping.create_missing is None else mapping.create_missing,
    )
    columns.set_profile(job, _remembered(job, mapping, profile, starter))
    job.total_items = rows if old.only_rows is None else len(old.only_rows)
    job.only_rows, job.corrects_job_id = old.only_rows, old.corrects_job_id
    if old.sheet_layout and profile.profile.get("sheet") in (None, old.sheet_layout["sheet"]):
        corrections.copy(old, job, old.corrections_version)
    db.session.commit()
    dispatch.enqueue(job.id)
    return job


def _profile_of(job: ImportJob, mapping: ColumnMapping) -> StoredProfile:
    if mapping.profile is not None:
        return columns.not_remembered(mapping.profile)
    return import_profiles.get_usable(job.project_id, int(mapping.profile_id or 0))


def _count_rows(job: ImportJob, profile: StoredProfile, starter: Identity) -> int:
    """Return the number of data rows; raise `RequestError` if the profile doesn't fit the file."""
    if not files.is_stored(job.id):
        raise Conflict(
            Message("The file of job %(job)s has been deleted after its retention time. Upload it again.", job=job.id)
        )
    job_id, job_type = job.id, job.job_type
    with files.open_stored(job_id) as file:
        # Parsing takes seconds, and must not occupy a database connection.
        database.release_connection()
        upload, profiles = Upload(file, ""), [(profile.id, profile.profile)]
        counted = files.count_rows(upload, job_type, starter.name, profiles, is_chosen=True)
    if counted.problem is not None:
        raise invalid_field("columns", counted.problem)
    return counted.rows


def _remembered(job: ImportJob, mapping: ColumnMapping, profile: StoredProfile, starter: Identity) -> StoredProfile:
    """Return the profile as it is stored now: remembered if the user wants that."""
    if not mapping.save or mapping.profile is None:
        return profile
    stored = import_profiles.remember(job.project_id, mapping.profile, starter.name)
    return StoredProfile(stored.id, stored.version, stored.name, {**profile.profile, "name": stored.name})


def _not_waiting(job_id: int) -> Conflict:
    return Conflict(
        Message(
            "Job %(job)s isn't waiting for a mapping of its columns. To read its file in another "
            "way, send a POST request to the same address.",
            job=job_id,
        )
    )
