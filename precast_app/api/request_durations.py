"""How long requests take, for the metrics."""

from __future__ import annotations

import time
from functools import lru_cache
from typing import Any

from flask import Flask, Response, request, request_started

from precast_app.telemetry import durations

_STARTED_KEY = "precast.started"
_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))


def init_app(app: Flask) -> None:
    """Count the time of each request until its response begins; what its client takes to receive it does not count."""
    request_started.connect(_start, app)

    @app.after_request
    def _observe(response: Response) -> Response:
        # A client can send any method and any path, so those without a route are one.
        method = request.method if request.method in _METHODS else "other"
        route = _template(request.url_rule.rule) if request.url_rule else "none"
        seconds = time.monotonic() - request.environ[_STARTED_KEY]
        durations.HTTP_REQUESTS.observe(seconds, method, route, f"{response.status_code // 100}xx")
        return response


@lru_cache(maxsize=512)
def _template(rule: str) -> str:
    """Return a route as the description of the API has it: `/api/jobs/{job_id}`."""
    first, *others = rule.split("<")
    parts = [part.partition(">") for part in others]
    return first + "".join(f"{{{variable.rpartition(':')[2]}}}{rest}" for variable, _, rest in parts)


def _start(app: Flask, **_: Any) -> None:
    request.environ[_STARTED_KEY] = time.monotonic()
