"""The body of a request is read without a database connection, however long its sender takes."""

from __future__ import annotations

from typing import IO

import flask
from flask import Flask
from werkzeug.utils import cached_property

from precast_app import database


class Request(flask.Request):
    """A request that gives its database connection back before its body is read: as a form, as JSON or as it is."""

    @cached_property
    def stream(self) -> IO[bytes]:
        """Return the body; see `werkzeug.Request`."""
        database.release_connection()
        return super().stream


def init_app(app: Flask) -> None:
    """Read the bodies of the application's requests in this way."""
    app.request_class = Request
