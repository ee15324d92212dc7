"""Answers to pages that ask again and again: nothing where nothing has changed."""

from __future__ import annotations

from flask import make_response, render_template, request
from werkzeug.wrappers import Response


def fragment(template: str, **context: object) -> Response:
    """A part of a page, with an ETag of its text; 304 for a page that has it already."""
    response = make_response(render_template(template, **context))
    response.add_etag()
    return response.make_conditional(request)
