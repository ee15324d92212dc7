"""Polls of jobs that have not changed, answered with the 304 that the application gave to the same request before.

A client that follows a job sends one request again and again. As long as its token, the token's user, their role in the
project and the job are stored as they were, the answer stays the same too. One statement finds that out, in a third of
the time that the application takes.
"""

from __future__ import annotations

import hashlib
import logging
import re
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Lock
from typing import TYPE_CHECKING, Any

from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import OperationalError, ProgrammingError, TimeoutError

from precast_app import database, logs
from precast_app.api import request_ids
from precast_app.auth import rate_limits, request_authentication, secret_hashing
from precast_app.extensions import db
from precast_app.telemetry import durations

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

log = logging.getLogger(__name__)

_PATH = re.compile(r"/api/jobs/([0-9]{1,9})\Z")
_ROUTE = "/api/jobs/{job_id}"
_MAX_KNOWN = 10_000
# Headers that trace a request, which differ each time. The application reads none of them but its own, `X-Request-Id`.
_TRACING = frozenset({
    request_ids.ENVIRON_KEY, "HTTP_X_REQUEST_START", "HTTP_CONNECT_TIME", "HTTP_TOTAL_ROUTE_TIME", "HTTP_TRACEPARENT",
    "HTTP_TRACESTATE", "HTTP_BAGGAGE", "HTTP_X_AMZN_TRACE_ID", "HTTP_X_CLOUD_TRACE_CONTEXT", "HTTP_CF_RAY",
})  # fmt: skip

# A text that differs between any two versions of what the answer depends on. Null if the application has to answer: if
# the token is not valid, or its last use is to be stored, and for a queued job, whose position depends on other jobs.
_VERSION = text("SELECT poll_version(:job_id, :token_hash, :now) AS version")


@dataclass(frozen=True, slots=True)
class _Poll:
    """A request for a job with an ETag and a token; `content` is a hash of all of it that an answer may depend on."""

    job_id: int
    token_hash: str
    content: bytes

    @classmethod
    def of(cls, environ: WSGIEnvironment) -> _Poll | None:
        """Return the request; None if it is another one."""
        path = _PATH.match(environ["PATH_INFO"])
        is_poll = environ["REQUEST_METHOD"] == "GET" and "HTTP_IF_NONE_MATCH" in environ
        has_body = environ.get("CONTENT_LENGTH") not in (None, "", "0") or "HTTP_TRANSFER_ENCODING" in environ
        if path is None or not is_poll or has_body:
            return None
        token = request_authentication.token_in(environ.get("HTTP_AUTHORIZATION", ""))
        if not token:
            return None
        headers = [each for each in environ.items() if each[0].startswith("HTTP_") and each[0] not in _TRACING]
        content = hashlib.sha256(repr([environ.get("QUERY_STRING"), *headers]).encode()).digest()
        return cls(int(path[1]), secret_hashing.hash_secret(token), content)


@dataclass(frozen=True, slots=True)
class _Answer:
    """A 304 of the application: for which version and user, its headers, and the limits that it counted towards."""

    version: str
    headers: list[tuple[str, str]]
    user_id: int
    counted: rate_limits.Counted


class UnchangedJobs:
    """WSGI application that passes on to the next one what it can't answer itself."""

    def __init__(self, app: Flask) -> None:
        self._next: WSGIApplication = app.wsgi_app
        with app.app_context():
            self._engine = db.engine
        self._known: dict[_Poll, _Answer] = {}
        self._lock = Lock()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        poll = _Poll.of(environ)
        if poll is None:
            return self._next(environ, start_response)
        started = time.monotonic()
        try:
            version = self._read_version(poll)
            known = self._known.get(poll)
            if known is not None and known.version == version and rate_limits.count_again(known.counted):
                return _answer(known, environ, start_response, started)
        except (OperationalError, TimeoutError) as error:
            # The application answers with this error instead of waiting for the database a second time.
            request_authentication.set_database_error(environ, error)
            version = None
        return self._next(environ, self._remembering(poll, version, environ, start_response))

    def _read_version(self, poll: _Poll) -> str | None:
        asked = {"job_id": poll.job_id, "token_hash": poll.token_hash, "now": datetime.now(UTC)}
        try:
            row = database.read_row_without_session(self._engine, _VERSION, asked)
        except ProgrammingError:
            log.exception("Polls can't be answered in front of the application. Run `flask db upgrade`.")
            return None
        return None if row is None else row.version

    def _remembering(
        self, poll: _Poll, version: str | None, environ: WSGIEnvironment, start_response: StartResponse
    ) -> StartResponse:
        """Return a `start_response` that remembers a 304. The version is from before the application answered."""

        def start(status: str, headers: list[tuple[str, str]], *others: Any) -> Callable[[bytes], object]:
            counted = rate_limits.counted_in(environ)
            if version is not None and counted and status.startswith("304"):
                fixed = [each for each in headers if each[0] not in (request_ids.HEADER, "Date")]
                self._remember(poll, _Answer(version, fixed, environ[logs.USER_KEY], counted))
            return start_response(status, headers, *others)

        return start

    def _remember(self, poll: _Poll, answer: _Answer) -> None:
        with self._lock:
            self._known.pop(poll, None)
            while len(self._known) >= _MAX_KNOWN:
                del self._known[next(iter(self._known))]
            self._known[poll] = answer


def init_app(app: Flask) -> None:
    """Answer polls of unchanged jobs in front of the application."""
    app.wsgi_app = UnchangedJobs(app)  # type: ignore[method-assign] # Flask's own way to wrap it


def _answer(known: _Answer, environ: WSGIEnvironment, start_response: StartResponse, started: float) -> Iterable[bytes]:
    """Send the 304, with what the application would log, name and measure of the request."""
    environ[logs.USER_KEY] = known.user_id
    start_response("304 NOT MODIFIED", [*known.headers, (request_ids.HEADER, request_ids.of(environ))])
    durations.HTTP_REQUESTS.observe(time.monotonic() - started, "GET", _ROUTE, "3xx")
    return []
