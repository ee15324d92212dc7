"""Headers that say how many requests a client may still send."""

from __future__ import annotations

from http import HTTPStatus

from flask import Flask, Response, request

from precast_app.auth import rate_limits


def init_app(app: Flask) -> None:
    """Add the headers to every response of the API that has a body of its own; a 304 repeats an earlier one."""

    @app.after_request
    def _add(response: Response) -> Response:
        # Pages don't read them, and reading the counts takes two round trips to Redis: too many for a poll.
        if response.status_code == HTTPStatus.NOT_MODIFIED:
            rate_limits.remember_counted()
        elif request.path.startswith("/api/"):
            response.headers.update(rate_limits.header_fields())
        return response
