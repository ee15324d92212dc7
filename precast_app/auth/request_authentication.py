"""Authentication of the current request, by a bearer token or by the session of the browser."""

from __future__ import annotations

from typing import Any

from flask import request
from sqlalchemy.exc import SQLAlchemyError

from precast_app import database, languages, logs
from precast_app.auth import sessions, tokens
from precast_app.auth.permissions import IDENTITY_KEY, Identity
from precast_app.errors import Forbidden, RequestError
from precast_app.extensions import db
from precast_app.messages import Message

_DATABASE_ERROR_KEY = "precast.identity.error"
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class Unauthorized(RequestError):
    """The request has no valid token and no session."""

    http_status = 401


class SessionEnded(Unauthorized):
    """The browser's session has expired or was ended; clients recognise this error by the key `session`."""

    def __init__(self) -> None:
        super().__init__(
            Message("Your session has ended. Sign in again."), {"session": ["It has expired or was ended."]}
        )


def current_identity() -> Identity:
    """Return the authenticated user; raise `Unauthorized` without one, `Forbidden` for a request from another site.

    The result is cached for the request, and so is the error if the database can't be reached. The database connection
    is released, since the caller may wait for the body of a slow client next.
    """
    # In the environment, since an application context, and so `g`, may outlive the request.
    found: Identity | None = request.environ.get(IDENTITY_KEY)
    if found is None:
        if error := request.environ.get(_DATABASE_ERROR_KEY):
            raise error
        # If there is a transaction, it stores when the token or session was used last, and nothing else.
        database.release_connection()
        try:
            found = _authenticate()
            if db.session.registry.has():
                db.session.commit()
            request.environ[IDENTITY_KEY] = found
            request.environ[logs.USER_KEY] = found.user_id
            languages.prefer(found.language)
        except SQLAlchemyError as error:
            request.environ[_DATABASE_ERROR_KEY] = error
            raise
        finally:
            database.release_connection()
    return found


def set_database_error(environ: dict[str, Any], error: SQLAlchemyError) -> None:
    """Let `current_identity` raise this error for the request with this environment."""
    environ[_DATABASE_ERROR_KEY] = error


def _authenticate() -> Identity:
    header = request.headers.get("Authorization", "")
    if header:
        token = token_in(header)
        found = tokens.authenticate(token) if token else None
        if found is None:
            raise Unauthorized(
                Message(
                    "This token is unknown or has expired. Send `Authorization: Bearer <token>` with a valid token."
                )
            )
        return found
    found = sessions.authenticate()
    if found is None and sessions.has_cookie():
        raise SessionEnded
    if found is None:
        raise Unauthorized(Message("Send `Authorization: Bearer <token>`, or sign in at /login."))
    check_same_site()
    return found


def token_in(header: str) -> str | None:
    """Return the token in the `Authorization` header; clients of the replaced system send it without a scheme."""
    scheme, _, token = header.strip().partition(" ")
    if not token:
        return scheme
    return token.strip() if scheme.lower() == "bearer" else None


def check_same_site() -> None:
    """Raise `Forbidden` for a request that changes something and was sent by a page of another site (CSRF).

    Browsers name the origin of a request in `Sec-Fetch-Site` or `Origin`, so that the application's own pages need no
    CSRF token: a plain `fetch` works there.
    """
    if request.method in _SAFE_METHODS:
        return
    site = request.headers.get("Sec-Fetch-Site")
    origin = request.headers.get("Origin")
    if site is not None:
        same = site == "same-origin"
    elif origin is not None:
        # Not parsed as a URL, since anyone can send an origin that is none.
        same = origin.partition("://")[2] == request.host
    else:
        # Every current browser sends one of the two, so this client is no browser and holds the cookie itself.
        same = True
    if not same:
        raise Forbidden("This request came from a page of another site. Use the pages of this server.")
