"""Who sends the request at hand: the bearer of a token, or whoever is signed in in the browser."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import request
from sqlalchemy.exc import SQLAlchemyError

from precast_app import database
from precast_app.auth import sessions, tokens
from precast_app.auth.permissions import IDENTITY_KEY, Identity
from precast_app.errors import Forbidden, RequestError

_UNREACHABLE = "precast.identity.unreachable"
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class Unauthorized(RequestError):
    """Nobody has said who is asking."""

    http_status = 401


def current_identity() -> Identity:
    """Who is asking; raises `Unauthorized` where that isn't known, `Forbidden` for a request from another site.

    It keeps no database connection: what follows may be the body of a slow sender. Where the database can't be reached
    it is asked only once in a request.
    """
    # Kept with the request: an application context, and so `g`, may outlive it.
    found: Identity | None = request.environ.get(IDENTITY_KEY)
    if found is None:
        if error := request.environ.get(_UNREACHABLE):
            raise error
        try:
            found = request.environ[IDENTITY_KEY] = _authenticate()
        except SQLAlchemyError as error:
            request.environ[_UNREACHABLE] = error
            raise
        finally:
            database.release_connection()
    return found


def _authenticate() -> Identity:
    header = request.headers.get("Authorization", "")
    if header:
        scheme, _, token = header.partition(" ")
        found = tokens.authenticate(token.strip()) if scheme.lower() == "bearer" else None
        if found is None:
            raise Unauthorized(
                "This token is unknown or has expired. Send `Authorization: Bearer <token>` with a valid one."
            )
        return found
    found = sessions.authenticate()
    if found is None:
        raise Unauthorized("Send `Authorization: Bearer <token>`, or sign in at /login.")
    check_same_site()
    return found


def check_same_site() -> None:
    """Refuse a changing request that a page of another site made the browser send with our cookie.

    Browsers say where a request comes from (`Sec-Fetch-Site`, `Origin`); one of our own pages needs nothing more, so a
    plain `fetch` works there.
    """
    if request.method in _SAFE:
        return
    site = request.headers.get("Sec-Fetch-Site")
    origin = request.headers.get("Origin")
    if site is not None:
        same = site == "same-origin"
    elif origin is not None:
        same = urlsplit(origin).netloc == request.host
    else:
        # No browser of today; whatever sent it has the cookie in its own hands.
        same = True
    if not same:
        raise Forbidden("This request came from a page of another site and was refused. Use the pages of this server.")
