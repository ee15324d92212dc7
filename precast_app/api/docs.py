"""The API's description for people: Swagger UI, whose files come out of the installed package."""

from __future__ import annotations

from flask import Blueprint, Response, render_template, send_from_directory
from swagger_ui_bundle import swagger_ui_path

from precast_app.auth.route_permissions import public

blueprint = Blueprint("docs", __name__)


@blueprint.get("/api/docs")
@public
def page() -> str:
    """What there is, and how to try it."""
    return render_template("docs.html")


@blueprint.get("/api/docs/assets/<path:name>")
@public
def asset(name: str) -> Response:
    """A script, style or picture of the page at `/api/docs`."""
    return send_from_directory(swagger_ui_path, name, max_age=86_400)
