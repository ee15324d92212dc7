"""Parts of pages that open pages poll: with an ETag, so that an unchanged part is not sent again."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping

from flask import make_response, render_template, request
from werkzeug.wrappers import Response

from precast_app import languages


def render_partial(template: str, **context: object) -> Response:
    """Render a part of a page with the hash of its text as the ETag; answer 304 if the browser has this text."""
    response = make_response(render_template(template, **context))
    response.add_etag()
    return response.make_conditional(request)


def render_partial_if_changed(template: str, stamp: str, context: Callable[[], Mapping[str, object]]) -> Response:
    """Render a part of a page with the hash of `stamp` as the ETag; answer 304 if the browser has this version.

    `context` is called only if the part is rendered.
    """
    tag = hashlib.sha256(f"{languages.current()} {stamp}".encode()).hexdigest()[:32]
    if request.if_none_match.contains(tag):
        response = make_response("", 304)
    else:
        response = make_response(render_template(template, **context()))
    response.set_etag(tag)
    return response
