"""The exceptions that stop a request or a job. They know nothing of Flask; the edges turn them into answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class ConfigurationError(RuntimeError):
    """A setting is missing or malformed; the message names it and shows a good one."""


class RequestError(Exception):
    """A request that can't be carried out, for a reason that the asker can mend.

    `http_status` is the status of the answer, `errors` maps fields to what is wrong with each.
    """

    http_status = 422

    def __init__(self, message: str, errors: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.errors = dict(errors or {})


class NotFound(RequestError):
    """It is not there, or the asker may not know that it is."""

    http_status = 404


class Forbidden(RequestError):
    """It is there, but the asker's role does not allow this act."""

    http_status = 403


class Conflict(RequestError):
    """It clashes with what is stored or under way."""

    http_status = 409


class TooLarge(RequestError):
    """More bytes than the installation takes."""

    http_status = 413


class NotASpreadsheet(RequestError):
    """The bytes are not a file that can be read."""

    http_status = 415


class Unreadable(RequestError):
    """A server behind this one holds something that can't be read."""

    http_status = 502


class TooManyRequests(RequestError):
    """More than is allowed in a time; `retry_after` says in how many seconds another one is."""

    http_status = 429

    def __init__(self, message: str, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class ServerBusy(TooManyRequests):
    """All that can be done at once is being done."""

    http_status = 503


class JobFailed(Exception):
    """The job can't be completed, for a reason in its file or its project; the message becomes the job's `error`."""


class AllRowsRejected(JobFailed):
    """No row of the file could be imported."""

    def __init__(self, total: int, errors: str | None) -> None:
        what = "The only row could not be imported" if total == 1 else f"None of the {total} rows could be imported"
        super().__init__(f"{what}.\n{errors}")


class ImportAborted(JobFailed):
    """Some rows are bad, and the file was to be imported as a whole or not at all."""


class NoDataRows(JobFailed):
    """The file holds nothing to import."""

    def __init__(self) -> None:
        super().__init__("The file has no data rows below its headings. Fill in at least one and upload it again.")


class JobCancelled(Exception):
    """A person wants the job stopped; whoever works on it takes back what has gone in."""


class WorkerStopping(Exception):
    """The process is to end; the job is given back, and another worker goes on with it."""


class LeaseLost(Exception):
    """The job has been given to another worker, or has ended; this one must stop writing."""
