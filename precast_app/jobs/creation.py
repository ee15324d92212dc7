"""New jobs: their options and their rows in the table. What `service` and `mapping` have in common."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from sqlalchemy import func, select

from precast_app.auth import audit
from precast_app.config import BATCH_SIZE, CONCURRENT_BATCHES
from precast_app.errors import Conflict, TooManyRequests
from precast_app.extensions import current_settings, db
from precast_app.jobs import corrections, dispatch, files
from precast_app.messages import Message
from precast_app.models import ImportJob, JobStatus, Mapping, Missing, OnError, Phase, Renames

# The choice of an import profile that is not an id: the one that was made for such files, or none.
AUTO_PROFILE, NO_PROFILE = "auto", "none"

_RETRY_SECONDS = 60
# Rows that are left out, in the audit log; the job has all of them.
_AUDITED = 100


class Starter(Protocol):
    """Anyone who starts a job; without a `user_id`, the server's command line, which needs no permission."""

    @property
    def name(self) -> str: ...

    @property
    def user_id(self) -> int | None: ...


@dataclass(frozen=True, slots=True)
class JobOptions:
    """The options of an import; `batch_size` in data rows.

    `create_missing` creates the reference data that the file's headings name and the project does not have.
    `missing` says what happens to element types that the file lacks, `renames` to those that it probably renames.
    `use_profile` is `AUTO_PROFILE`, `NO_PROFILE` or the id of an import profile. `parameters` depend on the job type.
    """

    batch_size: int = BATCH_SIZE
    concurrent_batches: int = CONCURRENT_BATCHES
    dry_run: bool = False
    on_error: str = OnError.SKIP
    create_missing: bool = False
    use_profile: str = AUTO_PROFILE
    mapping: str = Mapping.REFUSE
    parameters: dict[str, Any] | None = None
    missing: str = Missing.KEEP
    renames: str = Renames.ASK


def import_again(
    old: ImportJob,
    starter: Starter,
    applies_job_id: int | None = None,
    review: dict[str, Any] | None = None,
) -> ImportJob:
    """Create and enqueue a job with file, profile, corrections and options of another one, but not as a dry run.

    `review` is the JSON of what was chosen of a preview (`importing.review.choice`).
    Raise `Conflict` if the file is no longer stored.
    """
    job = copy_job(old, starter, dry_run=False, create_missing=old.create_missing)
    job.total_items, job.applies_job_id = old.total_items, applies_job_id
    copy_profile(old, job)
    job.only_rows, job.corrects_job_id = old.only_rows, old.corrects_job_id
    # Corrections that came after the job are for another one, which imports its rejected rows.
    corrections.copy(old, job, old.checked_corrections_version)
    if review is not None:
        job.review, job.missing, job.renames = review, review["missing"], review["renames"]
        about = f"job {job.id}: {job.file_name or job.job_type}"
        options = {"missing": job.missing, "renames": job.renames, "left_out": review["leave_out"][:_AUDITED]}
        audit.record(audit.Action.JOB_CHOOSE, who=job.created_by, project_id=job.project_id, about=about, **options)
    db.session.commit()
    dispatch.enqueue(job.id)
    return job


def copy_profile(old: ImportJob, new: ImportJob) -> None:
    """Let a new job read its file by the profile of another one."""
    new.profile, new.profile_name = old.profile, old.profile_name
    new.profile_id, new.profile_version = old.profile_id, old.profile_version


def copy_job(old: ImportJob, starter: Starter, *, dry_run: bool, create_missing: bool) -> ImportJob:
    """Create a queued job with the file and options of another one. The caller sets its profile, commits and enqueues.

    Raise `Conflict` if the file is no longer stored.
    """
    if not files.is_stored(old.id):
        raise Conflict(
            Message("The file of job %(job)s has been deleted after its retention time. Upload it again.", job=old.id)
        )
    check_open_job_limit(old.project_id)
    options = JobOptions(
        old.batch_size,
        old.concurrent_batches,
        dry_run=dry_run,
        on_error=old.on_error,
        create_missing=create_missing,
        use_profile=old.use_profile,
        mapping=old.mapping,
        parameters=old.parameters,
        missing=old.missing,
        renames=old.renames,
    )
    job = new_job(old.project_id, old.job_type, options, starter.name, starter.user_id)
    set_queued(job)
    db.session.add(job)
    db.session.flush()
    files.copy_stored(old, job)
    audit_creation(job, of_job=old.id)
    return job


def new_job(
    project_id: int, job_type: str, options: JobOptions, created_by: str, started_by_user_id: int | None
) -> ImportJob:
    """Return a job that is not stored yet and waits for its file."""
    return ImportJob(
        project_id=project_id,
        job_type=job_type,
        created_by=created_by,
        started_by_user_id=started_by_user_id,
        **asdict(options),
    )


def set_queued(job: ImportJob) -> None:
    """Queue a job that is not stored yet."""
    job.phase, job.queued_at = Phase.QUEUED, datetime.now(UTC)


def check_open_job_limit(project_id: int) -> None:
    """Raise `TooManyRequests` if the project has as many pending and processing jobs as it may."""
    # A project's jobs run one after another, so only a client that submits jobs in an endless loop reaches the limit.
    is_open = ImportJob.status.in_((JobStatus.PENDING, JobStatus.PROCESSING))
    count = db.session.scalar(select(func.count()).where(ImportJob.project_id == project_id, is_open)) or 0
    if count >= current_settings().max_open_jobs:
        raise TooManyRequests(
            Message(
                "%(count)s jobs of this project are waiting or running. Wait until some have ended, or cancel some.",
                count=count,
            ),
            _RETRY_SECONDS,
        )


def audit_creation(job: ImportJob, **details: int) -> None:
    """Add an entry about a new job to the audit log."""
    about = f"job {job.id}: {job.file_name or job.job_type}"
    audit.record(
        audit.Action.JOB_CREATE, who=job.created_by, project_id=job.project_id, about=about, job_type=job.job_type,
        dry_run=job.dry_run, **details,
    )  # fmt: skip
