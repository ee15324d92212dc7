"""The exceptions that end a request or a job. They don't depend on Flask; `api` turns request errors into responses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from precast_app.messages import Message, join_messages, plural_message


class ConfigurationError(RuntimeError):
    """A missing or malformed setting; the message names it and shows a valid value."""


class RequestError(Exception):
    """A request that is rejected for a reason that its sender can correct.

    `http_status` is the status of the response; `errors` maps the names of fields to their problems. The response shows
    `data` beside these; of its texts only messages are translated.
    """

    http_status = 422

    def __init__(
        self, message: str, errors: Mapping[str, Any] | None = None, data: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.errors = dict(errors or {})
        self.data = dict(data or {})


def invalid_field(name: str, message: str) -> RequestError:
    """Return the error for a field of a request's JSON body."""
    return RequestError(message, {"json": {name: [message]}})


class NotFound(RequestError):
    """The object doesn't exist, or the user may not know that it does."""

    http_status = 404


class Forbidden(RequestError):
    """The user's role doesn't allow this action."""

    http_status = 403


class Conflict(RequestError):
    """The request conflicts with what is stored or running."""

    http_status = 409


class PreconditionFailed(RequestError):
    """What the request is about has been changed since the client read it."""

    http_status = 412


class PreconditionRequired(RequestError):
    """The request must name the version that it is about."""

    http_status = 428


class TooLarge(RequestError):
    """The request has more bytes than the installation accepts."""

    http_status = 413


class NotASpreadsheet(RequestError):
    """The file is not a spreadsheet that can be read."""

    http_status = 415


class Unreadable(RequestError):
    """A server behind this one, such as Redis, holds something that can't be read."""

    http_status = 502


class TooManyRequests(RequestError):
    """Too many requests in a period of time; another one is allowed after `retry_after` seconds."""

    http_status = 429

    def __init__(self, message: str, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class ServerBusy(TooManyRequests):
    """The server handles as many such requests as it can at a time."""

    http_status = 503


class JobFailed(Exception):
    """The job can't be completed because of its file or its project; the message becomes the job's `error`."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class AllRowsRejected(JobFailed):
    """No row of the file could be imported."""

    def __init__(self, total: int, errors: str | None) -> None:
        what = plural_message(
            "The only row could not be imported.", "None of the %(count)s rows could be imported.", total
        )
        super().__init__(join_messages("\n", filter(None, (what, errors))))


class ImportAborted(JobFailed):
    """Some rows were rejected, and `on_error` is `abort`: nothing is imported."""


class NoDataRows(JobFailed):
    """The file has no data rows."""

    def __init__(self) -> None:
        super().__init__(
            Message("The file has no data rows below its headings. Fill in at least one and upload it again.")
        )


class JobCancelled(Exception):
    """A user has cancelled the job; its worker reverts what was committed."""


class WorkerStopping(Exception):
    """The worker has to exit; it releases the job, and another worker continues it."""


class LeaseLost(Exception):
    """Another worker has claimed the job, or the job has ended; this worker must not write any more."""
