"""What a job's exception means for its user: the text of the job's `error`, and the reason for its failure."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from rq.timeouts import JobTimeoutException

from precast_app.config import Settings
from precast_app.errors import AllRowsRejected, ImportAborted, JobFailed, RequestError
from precast_app.messages import Message
from precast_app.models import FailureReason
from precast_app.spreadsheets import UnreadableFile

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Failure:
    """How a failed job is recorded. A failure by a bug is logged with its traceback."""

    error: str
    reason: FailureReason = FailureReason.ERROR
    is_bug: bool = False


def log_failed(job_id: int, reason: str | None) -> None:
    """Log that a job has ended as failed; its error is not logged, because it can quote cells of a file."""
    log.warning("Job %d has status failed, reason %s.", job_id, reason or "unknown", extra={"job_id": job_id})


def describe(error: Exception, job_id: int, settings: Settings) -> Failure:
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
            return Failure(
                Message(
                    "The import took longer than %(seconds)s seconds and was stopped. The rows that were "
                    "imported until then stay. Split the file and upload its parts.",
                    seconds=seconds,
                )
            )
        # Parts of the interpreter report that memory has run out as a SystemError.
        case MemoryError() | SystemError(__cause__=MemoryError()):
            megabytes = round(settings.job_memory_bytes / 1e6)
            return Failure(
                Message(
                    "The import needed more memory than the %(megabytes)s MB that a job may take, and was "
                    "stopped. The rows that were imported until then stay. Split the file and upload its parts.",
                    megabytes=megabytes,
                )
            )
        case _:
            return Failure(
                Message(
                    "Something went wrong on our side; it is in the log under job %(job)s. The rows that were "
                    "imported until then stay. Upload the file again, and tell the administrator if this happens "
                    "again.",
                    job=job_id,
                ),
                is_bug=True,
            )
