"""Release of the database connection before a request body is read, however long its sender takes."""

from __future__ import annotations

from typing import IO

import flask
from flask import Flask
from werkzeug.utils import cached_property

from precast_app import database


class ConnectionReleasingRequest(flask.Request):
    """Request that releases the database connection before its body is read, as a form, as JSON or as raw bytes."""

    @cached_property
    def stream(self) -> IO[bytes]:
        """Release the connection and return the body; see `werkzeug.Request.stream`."""
        database.release_connection()
        return super().stream


def init_app(app: Flask) -> None:
    """Use this class for all requests of the application."""
    app.request_class = ConnectionReleasingRequest
