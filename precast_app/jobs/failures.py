"""What a job's exception means for its user: the text of the job's `error`, and the reason for its failure."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from rq.timeouts import JobTimeoutException

from precast_app.config import Settings
from precast_app.errors import AllRowsRejected, ImportAborted, JobFailed, RequestError
from precast_app.jobs import registry
from precast_app.messages import Message, join_messages
from precast_app.models import FailureReason
from precast_app.spreadsheets import UnreadableFile

log = logging.getLogger(__name__)

_RETRY = Message("Nothing was changed. Retry the job, and tell the administrator if this happens again.")
_SPLIT = Message("Nothing was changed. Split the file and upload its parts.")


@dataclass(frozen=True, slots=True)
class Failure:
    """How a failed job is recorded. A failure by a bug is logged with its traceback."""

    error: str
    reason: FailureReason = FailureReason.ERROR
    is_bug: bool = False


def log_failed(job_id: int, reason: str | None) -> None:
    """Log that a job has ended as failed; its error is not logged, because it can quote cells of a file."""
    log.warning("Job %d has status failed, reason %s.", job_id, reason or "unknown", extra={"job_id": job_id})


def describe(error: Exception, job_id: int, job_type: str, settings: Settings) -> Failure:
    """Return the failure that the exception of a job's function is recorded as."""
    match error:
        case AllRowsRejected():
            return Failure(error.message, FailureReason.REJECTED)
        case ImportAborted():
            return Failure(error.message, FailureReason.ABORTED)
        case JobFailed() | UnreadableFile() | RequestError():
            return Failure(error.message)
        case JobTimeoutException():
            seconds = settings.job_timeout_seconds
            in_batches = Message(
                "The import took longer than %(seconds)s seconds and was stopped. The rows that were "
                "imported until then stay. Split the file and upload its parts.",
                seconds=seconds,
            )
            at_once = Message("The job took longer than %(seconds)s seconds and was stopped.", seconds=seconds)
            return Failure(_error(job_type, in_batches, at_once, _SPLIT))
        # Parts of the interpreter report that memory has run out as a SystemError.
        case MemoryError() | SystemError(__cause__=MemoryError()):
            megabytes = round(settings.job_memory_bytes / 1e6)
            in_batches = Message(
                "The import needed more memory than the %(megabytes)s MB that a job may take, and was "
                "stopped. The rows that were imported until then stay. Split the file and upload its parts.",
                megabytes=megabytes,
            )
            at_once = Message(
                "The job needed more memory than the %(megabytes)s MB that a job may take, and was stopped.",
                megabytes=megabytes,
            )
            return Failure(_error(job_type, in_batches, at_once, _SPLIT))
        case _:
            in_batches = Message(
                "Something went wrong on our side; it is in the log under job %(job)s. The rows that were "
                "imported until then stay. Upload the file again, and tell the administrator if this happens "
                "again.",
                job=job_id,
            )
            at_once = Message("Something went wrong on our side; it is in the log under job %(job)s.", job=job_id)
            return Failure(_error(job_type, in_batches, at_once, _RETRY), is_bug=True)


def gave_up(job_type: str, attempts: int) -> str:
    """Return the error of a job that was interrupted in each of its attempts."""
    in_batches = Message(
        "The import was interrupted %(count)s times, so it was given up. The rows that were imported stay. "
        "Upload the file again to import the rest, and tell the administrator if this happens again.",
        count=attempts,
    )
    at_once = Message("The job was interrupted %(count)s times, so it was given up.", count=attempts)
    return _error(job_type, in_batches, at_once, _RETRY)


def _error(job_type: str, in_batches: Message, at_once: Message, advice: Message) -> str:
    """Return the error for a type of jobs that commits in batches, or for one that commits at once, with its advice."""
    found = registry.TYPES.get(job_type)
    if found is not None and found.commits_in_batches:
        return in_batches
    # A job without a file has nothing to split.
    return join_messages(" ", [at_once, advice if found is not None and found.has_file else _RETRY])
