"""Signing in and out."""

from __future__ import annotations

from flask import Blueprint, make_response, redirect, render_template, request
from flask_babel import gettext
from werkzeug.wrappers import Response

from precast_app.auth import sign_in
from precast_app.auth.request_authentication import check_same_site
from precast_app.auth.route_permissions import public
from precast_app.errors import TooManyRequests
from precast_app.web.redirects import safe_target

blueprint = Blueprint("sign_in", __name__)


@blueprint.get("/login")
@public
def login_form() -> str:
    """Show the form to sign in with."""
    return render_template("login.html", problem=None)


@blueprint.post("/login")
@public
def login() -> Response:
    """Sign in with name and password, then redirect to the page in `next`."""
    check_same_site()
    try:
        is_signed_in = sign_in.sign_in(request.form.get("name", ""), request.form.get("password", ""))
    except TooManyRequests as refused:
        response = make_response(render_template("login.html", problem=refused.message), refused.http_status)
        response.headers["Retry-After"] = str(refused.retry_after)
        return response
    if not is_signed_in:
        return make_response(
            render_template("login.html", problem=gettext("The name or the password is wrong. Try again.")), 401
        )
    return redirect(safe_target(request.args.get("next", "/")))


@blueprint.post("/logout")
@public
def logout() -> Response:
    """End the session of this browser."""
    check_same_site()
    sign_in.sign_out()
    return redirect("/login")
