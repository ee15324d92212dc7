"""Errors as pages, for browsers at addresses outside of the API."""

from __future__ import annotations

from contextlib import suppress
from http import HTTPStatus
from urllib.parse import quote

from flask import Flask, redirect, render_template, request
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.wrappers import Response

from precast_app.auth import sessions
from precast_app.auth.permissions import IDENTITY_KEY, Identity
from precast_app.errors import RequestError

_NOT_PAGES = ("/api", "/healthz", "/readyz", "/metrics", "/static", "/rq")


def init_app(app: Flask) -> None:
    """Show the errors of pages as pages: after they were answered in the one shape."""

    @app.after_request
    def _page(response: Response) -> Response:
        told = response.get_json(silent=True) if response.is_json and response.status_code >= 400 else None
        for_people = "text/html" in request.headers.get("Accept", "") and not request.path.startswith(_NOT_PAGES)
        if not isinstance(told, dict) or not for_people:
            return response
        if response.status_code == HTTPStatus.UNAUTHORIZED:
            return redirect(f"/login?next={quote(request.full_path.rstrip('?'))}")
        who: Identity | None = request.environ.get(IDENTITY_KEY)
        # Where the server itself failed, its database is not asked once more.
        if who is None and response.status_code < HTTPStatus.INTERNAL_SERVER_ERROR:
            with suppress(RequestError, SQLAlchemyError):
                who = sessions.authenticate()
        page = app.make_response((render_template("error.html", told=told, who=who), response.status_code))
        if "Retry-After" in response.headers:
            page.headers["Retry-After"] = response.headers["Retry-After"]
        return page
