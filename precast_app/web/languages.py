"""The choice of a language, and the texts of the page scripts in it."""

from __future__ import annotations

from contextlib import suppress
from urllib.parse import urlsplit

from flask import Blueprint, Response, abort, current_app, redirect, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from precast_app.auth import users
from precast_app.auth.request_authentication import Unauthorized, check_same_site, current_identity
from precast_app.auth.route_permissions import public
from precast_app.errors import RequestError
from precast_app.languages import COOKIE, DEFAULT, LANGUAGES, catalogue, current
from precast_app.messages import Message
from precast_app.web.redirects import safe_target

blueprint = Blueprint("languages", __name__)

_YEAR_SECONDS = 31_536_000


@blueprint.post("/language")
@public
def choose() -> BaseResponse:
    """Keep the language for this browser and for the user, if one is signed in; then redirect to the page."""
    check_same_site()
    language = request.form.get("language", "")
    if language not in LANGUAGES:
        raise RequestError(
            Message(
                "There is no language %(language)s. Choose one of %(languages)s.",
                language=repr(language),
                languages=", ".join(LANGUAGES),
            )
        )
    with suppress(Unauthorized):
        users.set_language(current_identity(), language)
    page = urlsplit(request.referrer or "/")
    response = redirect(safe_target(f"{page.path}?{page.query}" if page.query else page.path))
    response.set_cookie(
        COOKIE,
        language,
        max_age=_YEAR_SECONDS,
        secure=current_app.config["SESSION_COOKIE_SECURE"],
        httponly=True,
        samesite="Lax",
    )
    return response


@blueprint.app_template_global()
def script_texts_path() -> str | None:
    """Return the path of the page scripts' texts in the current language; None for English, which is in the code."""
    language = current()
    if language == DEFAULT:
        return None
    return url_for("languages.script_texts", language=language, version=catalogue.script_version(language))


@blueprint.get("/translations/<language>/<version>.json")
@public
def script_texts(language: str, version: str) -> Response:
    """Return the texts of the page scripts in a language; browsers keep them, since an address has one content."""
    if language not in LANGUAGES or version != catalogue.script_version(language):
        abort(404)
    response = Response(catalogue.script_texts(language), mimetype="application/json")
    response.cache_control.public = True
    response.cache_control.max_age = _YEAR_SECONDS
    response.cache_control.immutable = True
    return response
