"""Limit on simultaneous exports, because each keeps a database connection until its file is complete."""

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
    """Create the application's export slots."""
    settings = settings_of(app)
    app.extensions[_EXTENSION] = BoundedSemaphore(settings.web_exports)


def requires_export_slot(view: View) -> View:
    """Call the view when an export slot is free; raise `ServerBusy` if none becomes free in time.

    Put it below `route_permissions.requires`, so that only users with access wait for a slot.
    """

    @wraps(view)
    def limited(*args: Any, **kwargs: Any) -> Any:
        slots: BoundedSemaphore = current_app.extensions[_EXTENSION]
        if not slots.acquire(timeout=current_settings().web_pool_seconds):
            raise ServerBusy("The server is creating other export files. Try again in a few seconds.", _RETRY_SECONDS)
        try:
            return view(*args, **kwargs)
        finally:
            database.release_connection()
            slots.release()

    return limited  # type: ignore[return-value] # wraps keeps the signature
