"""The way in: login, logout, and a page that says where one is."""

from __future__ import annotations

from flask import Blueprint, current_app, redirect, render_template, request, session
from werkzeug.wrappers import Response

from precast_app.accounts import users
from precast_app.accounts.requests import Unauthorized, check_same_site, identity
from precast_app.reading import projects
from precast_app.reading.paging import Page

blueprint = Blueprint("pages", __name__, template_folder="templates")


@blueprint.get("/")
def home() -> str | Response:
    """Who one is, and the projects that one may see."""
    try:
        who = identity()
    except Unauthorized:
        return redirect("/login")
    found, _ = projects.seen_by(who, Page())
    return render_template("home.html", who=who, projects=found)


@blueprint.get("/favicon.ico")
def icon() -> Response:
    """For pages that name no icon of their own."""
    return current_app.send_static_file("favicon.ico")


@blueprint.get("/login")
def login_form() -> str:
    """The form to log in with."""
    return render_template("login.html", problem=None)


@blueprint.post("/login")
def login() -> Response | tuple[str, int]:
    """Log in with name and password."""
    check_same_site()
    user = users.by_password(request.form.get("name", ""), request.form.get("password", ""))
    if user is None:
        return render_template("login.html", problem="Name or password is wrong. Try again."), 401
    session.clear()
    session["user_id"] = user.id
    session.permanent = True
    target = request.args.get("next", "/")
    # Only to pages of our own.
    return redirect(target if target.startswith("/") and not target.startswith(("//", "/\\")) else "/")


@blueprint.post("/logout")
def logout() -> Response:
    """Forget who is logged in in this browser."""
    check_same_site()
    session.clear()
    return redirect("/login")
