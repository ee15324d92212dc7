"""The page that one comes to: the projects."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, current_app, redirect, render_template
from werkzeug.wrappers import Response

from precast_app.accounts.guard import open_to_all, takes
from precast_app.accounts.permissions import Act
from precast_app.accounts.requests import Unauthorized, identity
from precast_app.models import Project
from precast_app.reading import projects
from precast_app.web import paging
from precast_app.web.fragments import stamped

blueprint = Blueprint("pages", __name__, template_folder="templates")

_LINES = 100


@blueprint.get("/")
@open_to_all
def home() -> str | Response:
    """The projects that one may see, and what runs in them."""
    try:
        who = identity()
    except Unauthorized:
        return redirect("/login")
    where = paging.asked(_LINES)
    found, count = projects.seen_by(who, where)
    return render_template("home.html", who=who, page=where, count=count, link=paging.links(), **_shown(found))


@blueprint.get("/projects/rows")
@takes(Act.READ)
def rows() -> Response:
    """The projects alone, for a page that is open."""
    found, _ = projects.seen_by(identity(), paging.asked(_LINES))
    stamp = projects.stamp([project.id for project in found])
    return stamped("projects.html", stamp, lambda: _shown(found))


def _shown(found: list[Project]) -> dict[str, Any]:
    return {"projects": found, "counts": projects.counts([project.id for project in found])}


@blueprint.get("/favicon.ico")
@open_to_all
def icon() -> Response:
    """For pages that name no icon of their own."""
    return current_app.send_static_file("favicon.ico")
