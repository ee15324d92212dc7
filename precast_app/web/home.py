"""The page that one comes to: the projects."""

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
    """The projects that one may see, and what runs in them."""
    try:
        who = current_identity()
    except Unauthorized:
        return redirect("/login")
    where = paging.requested_page(_PAGE_SIZE)
    found, count = projects.list_visible_to(who, where)
    return render_template("home.html", who=who, page=where, count=count, link=paging.links(), **_shown(found))


@blueprint.get("/projects/rows")
@requires(Permission.READ)
def rows() -> Response:
    """The projects alone, for a page that is open."""
    found, _ = projects.list_visible_to(current_identity(), paging.requested_page(_PAGE_SIZE))
    stamp = projects.activity_stamp([project.id for project in found])
    return render_partial_if_changed("projects.html", stamp, lambda: _shown(found))


def _shown(found: list[Project]) -> dict[str, Any]:
    return {"projects": found, "counts": projects.project_counts([project.id for project in found])}


@blueprint.get("/favicon.ico")
@public
def icon() -> Response:
    """For pages that name no icon of their own."""
    return current_app.send_static_file("favicon.ico")
