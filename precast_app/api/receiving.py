"""Requests with bodies take at most half of a process's threads, so that slow senders can't hold all of them."""

from __future__ import annotations

from threading import BoundedSemaphore

from flask import Flask, request

from precast_app.config import Settings
from precast_app.errors import Busy

_HELD = "precast.receiving"
_WAIT_SECONDS = 0.25
_RETRY_SECONDS = 5


def init_app(app: Flask) -> None:
    """Let requests with bodies in by turns."""
    settings: Settings = app.config["PRECAST"]
    places = BoundedSemaphore(max(1, settings.web_threads // 2))

    @app.before_request
    def _enter() -> None:
        # A body whose length is not said comes in chunks.
        if not request.content_length and "Transfer-Encoding" not in request.headers:
            return
        if not places.acquire(timeout=_WAIT_SECONDS):
            raise Busy("The server is receiving as many files as it can. Try again in a moment.", _RETRY_SECONDS)
        request.environ[_HELD] = True

    @app.teardown_request
    def _leave(error: BaseException | None) -> None:
        if request.environ.pop(_HELD, False):
            places.release()
