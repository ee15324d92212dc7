"""Every route answers, and never with a 500, whatever is in its path; `make attack` tries more values."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import quote

from flask import Flask
from flask.testing import FlaskClient
from gunicorn.util import unquote_to_wsgi_str
from werkzeug.routing import Rule

from precast_app.auth import users

# What gunicorn lets through in the value of a header; anything else it answers with a 500.
_HEADER_VALUE = re.compile(r"[ \t\x21-\x7e\x80-\xff]*")
PASSWORD = "correct horse"

# As they stand in the request line.
ODD = {
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


QUICK = ("line feed", "NUL", "slash", "not UTF-8", "surrogate", "emoji", "long", "large number")


def paths(rule: Rule, values: Iterable[str]) -> Iterator[str]:
    """Yield the rule's path with each value at each place, behind the path and in its query."""
    places = re.findall(r"<[^>]+>", rule.rule)
    # The dashboard shows one Redis, number 0; with another number nothing else of the path is looked at.
    pattern = rule.rule.replace("<int:instance_number>", "0")
    plain = re.sub(r"<[^>]+>", "1", pattern)
    for odd in values:
        for place in places:
            yield re.sub(r"<[^>]+>", "1", pattern.replace(place, odd, 1))
        if len(places) > 1:
            yield re.sub(r"<[^>]+>", lambda _, odd=odd: odd, pattern)
        yield f"{plain}{odd}"
        yield f"{plain}?next={odd}&{odd}={odd}&limit={odd}&page={odd}"


def failures(client: FlaskClient, values: Iterable[str], **options: Any) -> list[str]:
    """Return the requests that were answered with a 500, or with a header that gunicorn does not send."""
    found = []
    for rule in client.application.url_map.iter_rules():
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            for path in paths(rule, values):
                found += [f"{method} {path[:150]}: {fault}" for fault in faults(client, method, path, **options)]
    return found


def faults(client: FlaskClient, method: str, path: str, **options: Any) -> list[str]:
    """Return what is wrong with the answer to a request whose path is taken as gunicorn takes it."""
    given, _, query = path.partition("?")
    raw = {"PATH_INFO": unquote_to_wsgi_str(given), "QUERY_STRING": query, "REQUEST_URI": path, "RAW_URI": path}
    try:
        with client.open("/", method=method, environ_overrides=raw, **options) as answer:
            refused = [name for name, value in answer.headers if not _HEADER_VALUE.fullmatch(value)]
            return refused + ["500"] * (answer.status_code == 500)
    except Exception as error:
        return [repr(error)]


def signed_in(app: Flask) -> FlaskClient:
    """Return the browser of an administrator."""
    users.create("admin", PASSWORD, is_admin=True)
    client = app.test_client()
    assert client.post("/login", data={"name": "admin", "password": PASSWORD}).status_code == 302
    return client


def test_for_strangers(client: FlaskClient) -> None:
    assert failures(client, [ODD[name] for name in QUICK]) == []


def test_for_whoever_is_signed_in(app: Flask) -> None:
    assert failures(signed_in(app), [ODD[name] for name in QUICK]) == []


def test_for_programs(client: FlaskClient, admin: dict[str, str]) -> None:
    assert failures(client, [ODD["line feed"], ODD["NUL"]], headers={**admin, "Accept": "text/html"}) == []
