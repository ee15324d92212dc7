"""Exports keep a database connection while they are made, so only some of a process's connections go to them."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from threading import BoundedSemaphore
from typing import Any, TypeVar

from flask import Flask, current_app

from precast_app import database
from precast_app.errors import ServerBusy
from precast_app.extensions import current_settings, settings_of

View = TypeVar("View", bound=Callable[..., Any])

_EXTENSION = "precast.export_slots"
_RETRY_SECONDS = 5


def init_app(app: Flask) -> None:
    """Give the application its slots."""
    settings = settings_of(app)
    app.extensions[_EXTENSION] = BoundedSemaphore(settings.web_exports)


def requires_export_slot(view: View) -> View:
    """Let the view make its file when a slot is free; raise `ServerBusy` if none becomes free in time.

    Goes below `route_permissions.requires`, so that nobody waits who may not have the file.
    """

    @wraps(view)
    def waiting(*args: Any, **kwargs: Any) -> Any:
        slots: BoundedSemaphore = current_app.extensions[_EXTENSION]
        if not slots.acquire(timeout=current_settings().web_pool_seconds):
            raise ServerBusy("The server is making as many files as it can. Try again in a moment.", _RETRY_SECONDS)
        try:
            return view(*args, **kwargs)
        finally:
            database.release_connection()
            slots.release()

    return waiting  # type: ignore[return-value] # wraps keeps the signature
