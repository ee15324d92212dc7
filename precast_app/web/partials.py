"""Answers to pages that ask again and again: nothing where nothing has changed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping

from flask import make_response, render_template, request
from werkzeug.wrappers import Response


def render_partial(template: str, **context: object) -> Response:
    """A part of a page, with an ETag of its text; 304 for a page that has it already."""
    response = make_response(render_template(template, **context))
    response.add_etag()
    return response.make_conditional(request)


def render_partial_if_changed(template: str, stamp: str, context: Callable[[], Mapping[str, object]]) -> Response:
    """The same for a part that costs something: `context` is asked for only where `stamp` is new to the page."""
    tag = hashlib.sha256(stamp.encode()).hexdigest()[:32]
    if request.if_none_match.contains(tag):
        response = make_response("", 304)
    else:
        response = make_response(render_template(template, **context()))
    response.set_etag(tag)
    return response
