"""Limits on request bodies: small ones are received completely first; uploads need a user and an upload slot."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable
from threading import Condition
from typing import IO, Any, TypeVar

from flask import Flask, current_app, request
from werkzeug.exceptions import RequestTimeout
from werkzeug.wsgi import get_input_stream

from precast_app.auth.request_authentication import current_identity
from precast_app.errors import ServerBusy, TooLarge
from precast_app.extensions import current_settings, settings_of
from precast_app.messages import Message
from precast_app.webserver.client_socket import ClientSocket

View = TypeVar("View", bound=Callable[..., Any])

_SMALL_BODY = "precast.small_body"
_SLOT = "precast.upload_slot"
_WAIT_SECONDS = 0.25
_RETRY_SECONDS = 5
_READ_BYTES = 64 * 1024


def receives_upload(view: View) -> View:
    """Let signed-in users send the view a body as large as an upload may be.

    Put it above `route_permissions.requires`.
    """
    view.receives_upload = True  # type: ignore[attr-defined] # `_is_upload` looks for it
    return view


class UploadSlots:
    """Slots for the uploads that one process receives at the same time; one user gets at most half of them."""

    def __init__(self, count: int) -> None:
        self._free = count
        self._per_user = max(1, count // 2)
        self._taken: Counter[int] = Counter()
        self._changed = Condition()

    def acquire(self, user_id: int) -> None:
        """Take a slot for the user; raise `ServerBusy` if none becomes free within a moment."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._has_slot_for(user_id), _WAIT_SECONDS):
                raise ServerBusy("The server is receiving other uploads. Try again in a few seconds.", _RETRY_SECONDS)
            self._free -= 1
            self._taken[user_id] += 1

    def release(self, user_id: int) -> None:
        """Release a slot of the user."""
        with self._changed:
            self._free += 1
            self._taken[user_id] -= 1
            if not self._taken[user_id]:
                del self._taken[user_id]
            self._changed.notify_all()

    def _has_slot_for(self, user_id: int) -> bool:
        return self._free > 0 and self._taken[user_id] < self._per_user


class _TimedBody:
    """Request body that turns the time-out of a slow client into an error response."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream

    def read(self, size: int = -1) -> bytes:
        """Read up to `size` bytes; raise `RequestTimeout` if the client is too slow."""
        try:
            return self._stream.read(size)
        except TimeoutError:
            raise RequestTimeout(
                Message("The request body arrived too slowly. Send it again over a faster connection.")
            ) from None


def init_small_bodies(app: Flask) -> None:
    """Receive every body that is not an upload before anything else is done for its request."""

    @app.before_request
    def _receive_body() -> None:
        if request.endpoint is None or _is_upload() or not _has_body():
            return
        limit = current_settings().request_bytes
        if (request.content_length or 0) > limit:
            raise _too_large(limit)
        environ = request.environ
        environ["wsgi.input"] = _TimedBody(environ["wsgi.input"])
        stream = get_input_stream(environ, max_content_length=limit + 1)
        # Many bodies may arrive slowly at the same time, so long ones are kept on disk instead of in memory.
        body = environ[_SMALL_BODY] = tempfile.SpooledTemporaryFile(_READ_BYTES)  # noqa: SIM115 # closed by `_close_body`
        while data := stream.read(_READ_BYTES):
            body.write(data)
            if body.tell() > limit:
                raise _too_large(limit)
        body.seek(0)
        environ["wsgi.input"] = body
        environ["wsgi.input_terminated"] = True

    @app.teardown_request
    def _close_body(error: BaseException | None) -> None:
        body: IO[bytes] | None = request.environ.pop(_SMALL_BODY, None)
        if body is not None:
            body.close()


def init_app(app: Flask) -> None:
    """Let signed-in users upload, each upload in a slot."""
    slots = UploadSlots(settings_of(app).web_uploads)

    @app.before_request
    def _acquire_slot() -> None:
        if not _is_upload() or not _has_body():
            return
        user_id = current_identity().user_id
        slots.acquire(user_id)
        request.environ[_SLOT] = user_id
        client = request.environ.get("gunicorn.socket")
        if isinstance(client, ClientSocket):
            client.expect_upload()
        request.environ["wsgi.input"] = _TimedBody(request.environ["wsgi.input"])

    @app.teardown_request
    def _release_slot(error: BaseException | None) -> None:
        user_id: int | None = request.environ.pop(_SLOT, None)
        if user_id is not None:
            slots.release(user_id)


def _is_upload() -> bool:
    view = current_app.view_functions.get(request.endpoint or "")
    return getattr(view, "receives_upload", False)


def _has_body() -> bool:
    # A body without a length is sent in chunks.
    return bool(request.content_length) or "Transfer-Encoding" in request.headers


def _too_large(limit: int) -> TooLarge:
    return TooLarge(Message("The body of this request can have at most %(limit)s KB. Send less.", limit=limit // 1024))
