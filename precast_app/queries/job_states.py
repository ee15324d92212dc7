"""How a job stands, in more detail than its status: the words that pages show and filter by."""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import ColumnElement, and_, case, func

from precast_app.models import FailureReason, ImportJob, JobStatus, Phase


class JobState(StrEnum):
    """A status with its most important detail: what a pending job waits for, or why a job has ended."""

    WAITING_FOR_FILE = "waiting_for_file"
    WAITING_FOR_MAPPING = "waiting_for_mapping"
    QUEUED = "queued"
    RUNNING = "running"
    COMPLETED = "completed"
    DRY_RUN = "dry_run"
    UNDONE = "undone"
    FAILED = "failed"
    CANCELLED = "cancelled"
    REJECTED = "rejected"
    ABORTED = "aborted"
    GAVE_UP = "gave_up"
    EXPIRED = "expired"


_WAITING: dict[str, JobState] = {
    Phase.WAITING_FOR_FILE: JobState.WAITING_FOR_FILE,
    Phase.WAITING_FOR_MAPPING: JobState.WAITING_FOR_MAPPING,
}


def state_of(job: ImportJob) -> JobState:
    """Return the state of the job."""
    if job.status == JobStatus.PENDING:
        return _WAITING.get(job.phase, JobState.QUEUED)
    if job.status == JobStatus.PROCESSING:
        return JobState.RUNNING
    if job.status == JobStatus.COMPLETED:
        return JobState.UNDONE if job.undone_by_job_id else JobState.DRY_RUN if job.dry_run else JobState.COMPLETED
    if job.failure_reason in (None, FailureReason.ERROR):
        return JobState.FAILED
    return JobState(job.failure_reason)


def is_in_state(state: JobState) -> ColumnElement[bool]:
    """Return the condition for jobs in this state; the same rules as `state_of`."""
    is_pending = ImportJob.status == JobStatus.PENDING
    is_completed = ImportJob.status == JobStatus.COMPLETED
    other_reason = func.nullif(ImportJob.failure_reason, FailureReason.ERROR)
    found = case(
        *((and_(is_pending, ImportJob.phase == phase), waiting) for phase, waiting in _WAITING.items()),
        (is_pending, JobState.QUEUED),
        (ImportJob.status == JobStatus.PROCESSING, JobState.RUNNING),
        (and_(is_completed, ImportJob.undone_by_job_id.is_not(None)), JobState.UNDONE),
        (and_(is_completed, ImportJob.dry_run), JobState.DRY_RUN),
        (is_completed, JobState.COMPLETED),
        else_=func.coalesce(other_reason, JobState.FAILED),
    )
    return found == state
