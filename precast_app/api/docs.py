"""The API's documentation as a page: Swagger UI, with the files of its Python package."""

from __future__ import annotations

from pathlib import Path

import flask_swagger_ui
from flask import Blueprint, Response, render_template, send_from_directory

from precast_app.auth.route_permissions import public

blueprint = Blueprint("docs", __name__)

_ASSETS = Path(flask_swagger_ui.__file__).parent / "dist"


@blueprint.get("/api/docs")
@public
def page() -> str:
    """Return the page with all routes."""
    return render_template("docs.html")


@blueprint.get("/api/docs/assets/<path:name>")
@public
def asset(name: str) -> Response:
    """Return a script, style sheet or image of the page `/api/docs`."""
    return send_from_directory(_ASSETS, name, max_age=86_400)
