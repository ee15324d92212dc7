"""Limit on simultaneous exports, because each keeps a database connection until its file is complete."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import wraps
from threading import BoundedSemaphore
from typing import Any, TypeVar

from flask import Flask, current_app, request

from precast_app import database
from precast_app.errors import ServerBusy
from precast_app.extensions import current_settings, settings_of
from precast_app.webserver.client_socket import ClientSocket

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
        database.release_connection()
        # Exports that wait must not keep other requests from being processed.
        with _released_request_slot():
            is_free = slots.acquire(timeout=current_settings().web_pool_seconds)
        if not is_free:
            raise ServerBusy("The server is creating other export files. Try again in a few seconds.", _RETRY_SECONDS)
        try:
            return view(*args, **kwargs)
        finally:
            database.release_connection()
            slots.release()

    return limited  # type: ignore[return-value] # wraps keeps the signature


def _released_request_slot() -> AbstractContextManager[None]:
    """Release this request's slot of the web server for the duration of a block, if it is served by gunicorn."""
    client = request.environ.get("gunicorn.socket")
    return client.release_slot() if isinstance(client, ClientSocket) else nullcontext()
