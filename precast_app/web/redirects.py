"""Where a form may send the browser afterwards."""

from __future__ import annotations

import re
from urllib.parse import unquote

from flask import current_app, request
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect

_PLAIN_TARGET = re.compile(r"/(?!/)[!#-\[\]-~]*")


def safe_target(target: str) -> str:
    """Return the target if it is the path and query of one of this application's routes, else the home page.

    Browsers drop control characters and read a backslash as a slash, so only plain characters are allowed.
    """
    if not _PLAIN_TARGET.fullmatch(target):
        return "/"
    path, separator, query = target.partition("?")
    try:
        current_app.url_map.bind(request.host).match(unquote(path), method="GET")
    except (HTTPException, RequestRedirect):
        return "/"
    return path + separator + query
