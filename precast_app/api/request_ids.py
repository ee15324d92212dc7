"""An id for each request: in the log, in error responses, and in the response header `X-Request-Id`."""

from __future__ import annotations

import re

from flask import Flask, Response, request

from precast_app import logs

_HEADER = "X-Request-Id"
_ACCEPTED = re.compile(r"\A[A-Za-z0-9._-]{1,64}\Z")


def init_app(app: Flask) -> None:
    """Give each request an id: the one that the client or a proxy has sent, or a new one."""

    @app.before_request
    def _identify() -> None:
        current()

    @app.after_request
    def _name(response: Response) -> Response:
        response.headers[_HEADER] = current()
        return response


def current() -> str:
    """Return the id of the current request."""
    found: str | None = request.environ.get(logs.REQUEST_ID_KEY)
    if found is None:
        sent = request.headers.get(_HEADER, "")
        found = sent if _ACCEPTED.match(sent) else logs.new_request_id()
        request.environ[logs.REQUEST_ID_KEY] = found
    return found
