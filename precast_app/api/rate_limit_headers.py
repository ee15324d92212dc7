"""Headers that say how many requests a client may still send."""

from __future__ import annotations

from http import HTTPStatus

from flask import Flask, Response, request

from precast_app.auth import rate_limits


def init_app(app: Flask) -> None:
    """Add the headers to every response of the API but a 304, which repeats an earlier one.

    What a 304 has counted towards is stored with its request, so that `unchanged_jobs` can count the same again.
    """

    @app.after_request
    def _add(response: Response) -> Response:
        if response.status_code == HTTPStatus.NOT_MODIFIED:
            rate_limits.remember_counted()
        # Pages don't read them, and reading the counts takes two round trips to Redis.
        elif request.path.startswith("/api/"):
            response.headers.update(rate_limits.header_fields())
        return response
