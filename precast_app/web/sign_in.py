"""The way in and out."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, session
from werkzeug.wrappers import Response

from precast_app.accounts import users
from precast_app.accounts.guard import open_to_all
from precast_app.accounts.requests import check_same_site

blueprint = Blueprint("sign_in", __name__)


@blueprint.get("/login")
@open_to_all
def login_form() -> str:
    """The form to log in with."""
    return render_template("login.html", problem=None)


@blueprint.post("/login")
@open_to_all
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
@open_to_all
def logout() -> Response:
    """Forget who is logged in in this browser."""
    check_same_site()
    session.clear()
    return redirect("/login")
