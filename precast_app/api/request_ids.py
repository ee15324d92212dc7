"""An id for each request: in the log, in error responses, and in the response header `X-Request-Id`."""

from __future__ import annotations

import re
from typing import Any

from flask import Flask, Response, request

from precast_app import logs

HEADER = "X-Request-Id"
# The header in a request's environment.
ENVIRON_KEY = "HTTP_X_REQUEST_ID"
_ACCEPTED = re.compile(r"\A[A-Za-z0-9._-]{1,64}\Z")


def init_app(app: Flask) -> None:
    """Give each request an id: the one that the client or a proxy has sent, or a new one."""

    @app.before_request
    def _identify() -> None:
        current()

    @app.after_request
    def _name(response: Response) -> Response:
        response.headers[HEADER] = current()
        return response


def current() -> str:
    """Return the id of the current request."""
    return of(request.environ)


def of(environ: dict[str, Any]) -> str:
    """Return the id of the request with this environment."""
    found: str | None = environ.get(logs.REQUEST_ID_KEY)
    if found is None:
        sent = environ.get(ENVIRON_KEY, "")
        found = sent if _ACCEPTED.match(sent) else logs.new_request_id()
        environ[logs.REQUEST_ID_KEY] = found
    return found
