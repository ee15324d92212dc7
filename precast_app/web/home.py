"""The home page: the projects that the user can see."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, current_app, redirect, render_template
from werkzeug.wrappers import Response

from precast_app.auth.permissions import Permission
from precast_app.auth.request_authentication import Unauthorized, current_identity
from precast_app.auth.route_permissions import public, requires
from precast_app.models import Project
from precast_app.queries import projects
from precast_app.web import paging
from precast_app.web.partials import render_partial_if_changed

blueprint = Blueprint("pages", __name__, template_folder="templates")

_PAGE_SIZE = 100


@blueprint.get("/")
@public
def home() -> str | Response:
    """Show the projects that the user can see, each with its active job."""
    try:
        identity = current_identity()
    except Unauthorized:
        return redirect("/login")
    page = paging.requested_page(_PAGE_SIZE)
    found, count = projects.list_visible_to(identity, page)
    context = _projects_context(found)
    return render_template("home.html", identity=identity, page=page, count=count, link=paging.links(), **context)


@blueprint.get("/projects/rows")
@requires(Permission.READ)
def project_cards() -> Response:
    """Return only the list of projects, for the open home page to poll."""
    found, _ = projects.list_visible_to(current_identity(), paging.requested_page(_PAGE_SIZE))
    stamp = projects.activity_stamp([project.id for project in found])
    return render_partial_if_changed("projects.html", stamp, lambda: _projects_context(found))


def _projects_context(found: list[Project]) -> dict[str, Any]:
    return {"projects": found, "counts": projects.project_counts([project.id for project in found])}


@blueprint.get("/favicon.ico")
@public
def favicon() -> Response:
    """Return the icon for pages that declare none, such as files that a browser shows directly."""
    return current_app.send_static_file("favicon.ico")
