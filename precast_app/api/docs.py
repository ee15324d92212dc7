"""The files of Swagger UI, out of the installed package: the documentation needs nothing from elsewhere."""

from __future__ import annotations

from flask import Blueprint, Response, send_from_directory
from swagger_ui_bundle import swagger_ui_path

blueprint = Blueprint("docs", __name__)


@blueprint.get("/api/docs/assets/<path:name>")
def asset(name: str) -> Response:
    """A script, style or picture of the page at `/api/docs`."""
    return send_from_directory(swagger_ui_path, name, max_age=86_400)
