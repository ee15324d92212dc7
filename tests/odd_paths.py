"""Requests with odd values in their paths, and detection of those that fail."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any
from urllib.parse import quote

from flask import Flask
from flask.testing import FlaskClient
from gunicorn.util import unquote_to_wsgi_str
from werkzeug.routing import Rule

from precast_app.auth import users

# Header values that gunicorn accepts; it answers any other value with a 500.
_HEADER_VALUE = re.compile(r"[ \t\x21-\x7e\x80-\xff]*")
PASSWORD = "correct cement"

# Percent-encoded, as in a request line.
ODD_VALUES = {
    "line feed": "%0d%0aX:1",
    "line feed alone": "%0aX",
    "NUL": "a%00b",
    "slash": "..%2f..%2fetc%2fpasswd",
    "backslash": "..%5c",
    "percent": "%25",
    "half an encoding": "%e4%",
    "not UTF-8": "%ff%fe",
    "surrogate": "%ed%a0%80",
    "emoji": quote("🏗"),
    "right to left": quote("‮gpj"),
    "combining": quote("é" + "̈" * 50),
    "non-characters": quote("￿\x85 "),
    "control": "%1b%5b31m%7f",
    "quote": "%22%27%3b--",
    "template": "%7b%7b7*7%7d%7d",
    "star": "*",
    "dots": "..",
    "long": "x" * 3000,
    "number": "0",
    "negative number": "-1",
    "large number": "9" * 400,
    "number of other digits": quote("٣"),
    "letter": "a",
}


def paths(rule: Rule, values: Iterable[str]) -> Iterator[str]:
    """Yield the rule's path with each value in place of each variable, after the path, and in the query string."""
    variables = re.findall(r"<[^>]+>", rule.rule)
    # The dashboard has one Redis, number 0; with another number it ignores the rest of the path.
    pattern = rule.rule.replace("<int:instance_number>", "0")
    plain = re.sub(r"<[^>]+>", "1", pattern)
    for odd in values:
        for variable in variables:
            yield re.sub(r"<[^>]+>", "1", pattern.replace(variable, odd, 1))
        if len(variables) > 1:
            yield re.sub(r"<[^>]+>", partial(_constant, odd), pattern)
        yield f"{plain}{odd}"
        yield f"{plain}?next={odd}&{odd}={odd}&limit={odd}&page={odd}"


def _constant(value: str, match: re.Match[str]) -> str:
    return value


def failures(client: FlaskClient, values: Iterable[str], **options: Any) -> list[str]:
    """Return the requests to all routes that were answered with a 500 or with a header that gunicorn rejects."""
    found = []
    for rule in client.application.url_map.iter_rules():
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            for path in paths(rule, values):
                problems = _response_problems(client, method, path, **options)
                found += [f"{method} {path[:150]}: {problem}" for problem in problems]
    return found


def _response_problems(client: FlaskClient, method: str, path: str, **options: Any) -> list[str]:
    """Return what is wrong with the response to a request whose path is decoded as gunicorn decodes it."""
    given, _, query = path.partition("?")
    raw = {"PATH_INFO": unquote_to_wsgi_str(given), "QUERY_STRING": query, "REQUEST_URI": path, "RAW_URI": path}
    try:
        with client.open("/", method=method, environ_overrides=raw, **options) as response:
            rejected = [name for name, value in response.headers if not _HEADER_VALUE.fullmatch(value)]
            return rejected + ["500"] * (response.status_code == 500)
    except Exception as error:
        return [repr(error)]


def signed_in_client(app: Flask) -> FlaskClient:
    """Return a test client that is signed in as an administrator."""
    users.create("admin", PASSWORD, is_admin=True)
    client = app.test_client()
    assert client.post("/login", data={"name": "admin", "password": PASSWORD}).status_code == 302
    return client
