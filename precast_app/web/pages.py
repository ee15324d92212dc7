"""The page that one comes to: the projects."""

from __future__ import annotations

from flask import Blueprint, current_app, redirect, render_template
from werkzeug.wrappers import Response

from precast_app.accounts.guard import open_to_all
from precast_app.accounts.requests import Unauthorized, identity
from precast_app.reading import projects
from precast_app.reading.paging import Page

blueprint = Blueprint("pages", __name__, template_folder="templates")


@blueprint.get("/")
@open_to_all
def home() -> str | Response:
    """The projects that one may see, and what runs in them."""
    try:
        who = identity()
    except Unauthorized:
        return redirect("/login")
    found, _ = projects.seen_by(who, Page())
    counts = projects.counts([project.id for project in found])
    return render_template("home.html", who=who, projects=found, counts=counts)


@blueprint.get("/favicon.ico")
@open_to_all
def icon() -> Response:
    """For pages that name no icon of their own."""
    return current_app.send_static_file("favicon.ico")
