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
            return Failure(_timed_out(job_type, settings.job_timeout_seconds))
        # Parts of the interpreter report that memory has run out as a SystemError.
        case MemoryError() | SystemError(__cause__=MemoryError()):
            return Failure(_out_of_memory(job_type, round(settings.job_memory_bytes / 1e6)))
        case _:
            return Failure(_bug(job_type, job_id), is_bug=True)


def gave_up(job_type: str, attempts: int) -> str:
    """Return the error of a job that was interrupted in each of its attempts."""
    if _commits_in_batches(job_type):
        return Message(
            "The import was interrupted %(count)s times, so it was given up. The rows that were imported stay. "
            "Upload the file again to import the rest, and tell the administrator if this happens again.",
            count=attempts,
        )
    return _with_advice(
        Message("The job was interrupted %(count)s times, so it was given up.", count=attempts), _RETRY
    )  # fmt: skip


def _timed_out(job_type: str, seconds: int) -> str:
    if _commits_in_batches(job_type):
        return Message(
            "The import took longer than %(seconds)s seconds and was stopped. The rows that were "
            "imported until then stay. Split the file and upload its parts.",
            seconds=seconds,
        )
    return _with_advice(
        Message("The job took longer than %(seconds)s seconds and was stopped.", seconds=seconds),
        _SPLIT if _has_file(job_type) else _RETRY,
    )


def _out_of_memory(job_type: str, megabytes: int) -> str:
    if _commits_in_batches(job_type):
        return Message(
            "The import needed more memory than the %(megabytes)s MB that a job may take, and was "
            "stopped. The rows that were imported until then stay. Split the file and upload its parts.",
            megabytes=megabytes,
        )
    return _with_advice(
        Message(
            "The job needed more memory than the %(megabytes)s MB that a job may take, and was stopped.",
            megabytes=megabytes,
        ),
        _SPLIT if _has_file(job_type) else _RETRY,
    )


def _bug(job_type: str, job_id: int) -> str:
    if _commits_in_batches(job_type):
        return Message(
            "Something went wrong on our side; it is in the log under job %(job)s. The rows that were "
            "imported until then stay. Upload the file again, and tell the administrator if this happens "
            "again.",
            job=job_id,
        )
    return _with_advice(
        Message("Something went wrong on our side; it is in the log under job %(job)s.", job=job_id), _RETRY
    )  # fmt: skip


def _with_advice(what_happened: Message, advice: Message) -> str:
    return join_messages(" ", [what_happened, advice])


def _commits_in_batches(job_type: str) -> bool:
    return job_type in registry.TYPES and registry.get(job_type).commits_in_batches


def _has_file(job_type: str) -> bool:
    return job_type in registry.TYPES and registry.get(job_type).has_file
