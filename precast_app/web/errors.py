"""Errors as HTML pages, for browsers outside the API."""

from __future__ import annotations

from contextlib import suppress
from http import HTTPStatus
from urllib.parse import quote, urlsplit

from flask import Flask, redirect, render_template, request
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.wrappers import Response

from precast_app.auth import sessions
from precast_app.auth.permissions import IDENTITY_KEY, Identity
from precast_app.errors import RequestError

_PREFIXES_WITHOUT_PAGES = ("/api", "/translations", "/healthz", "/readyz", "/metrics", "/static", "/rq")
# Of these, the ones that a person opens in a browser: downloads, figures, the queue.
_PREFIXES_OPENED_IN_BROWSERS = ("/api/", "/metrics", "/rq")


def init_app(app: Flask) -> None:
    """Replace JSON error responses with HTML pages if a browser requested a page."""

    @app.after_request
    def _replace_json(response: Response) -> Response:
        error = response.get_json(silent=True) if response.is_json and response.status_code >= 400 else None
        if not isinstance(error, dict) or not _is_page_request():
            return response
        if response.status_code == HTTPStatus.UNAUTHORIZED:
            return redirect(f"/login?next={quote(_page_after_sign_in())}")
        identity: Identity | None = request.environ.get(IDENTITY_KEY)
        # After a server error the database is not queried again.
        if identity is None and response.status_code < HTTPStatus.INTERNAL_SERVER_ERROR:
            with suppress(RequestError, SQLAlchemyError):
                identity = sessions.authenticate()
        page = app.make_response((render_template("error.html", error=error, identity=identity), response.status_code))
        if "Retry-After" in response.headers:
            page.headers["Retry-After"] = response.headers["Retry-After"]
        return page


def _is_page_request() -> bool:
    """Return whether the browser will display the response as a page."""
    if "text/html" not in request.headers.get("Accept", ""):
        return False
    return not request.path.startswith(_PREFIXES_WITHOUT_PAGES) or _is_navigation()


def _is_navigation() -> bool:
    """Return whether a browser navigates to a download, the metrics or the queue's dashboard."""
    return request.path.startswith(_PREFIXES_OPENED_IN_BROWSERS) and request.headers.get("Sec-Fetch-Mode") == "navigate"


def _page_after_sign_in() -> str:
    """Return the requested page; for a download, the page with its link, or else the home page."""
    if not request.path.startswith("/api/"):
        return request.full_path.rstrip("?")
    referrer = urlsplit(request.referrer or "")
    return referrer._replace(scheme="", netloc="").geturl() if referrer.netloc == request.host else "/"
