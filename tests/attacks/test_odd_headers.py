"""No route answers an odd value in a header with a 500."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from flask import Flask
from flask.testing import FlaskClient

from tests.auth_headers import PASSWORD

# As WSGI servers pass them on: each character is a byte.
ODD_HEADERS = {
    "HTTP_COOKIE": ("precast_session=x", "precast_session=\xff\xfe", "=", ";;;", "a\x80=b", "a=" + "b" * 4_000),
    "HTTP_AUTHORIZATION": ("", "Bearer", "Bearer \xff", "Bearer a b", "Digest x=y", "Basic %%%", "Basic \xff"),
    "HTTP_ORIGIN": ("null", "\xff", "http://[::1", "http://a]", "://"),
    "HTTP_SEC_FETCH_SITE": ("\xff", ""),
    "HTTP_HOST": ("", "a b", "[::1", "\xff", "x:99999999"),
    "HTTP_X_FORWARDED_FOR": ("\xff", "1.1.1.1, [::1"),
    "HTTP_ACCEPT": ("*/*;q=nan", ";;;,", "\xff"),
    "HTTP_ACCEPT_LANGUAGE": ("\xff;q=x",),
    "HTTP_IF_NONE_MATCH": ('\xff"', 'W/"', "*"),
    "HTTP_IF_MODIFIED_SINCE": ("Fri, 99 Foo 0000 99:99:99",),
    "HTTP_RANGE": ("x", "bytes=-99999999999999999999", "bytes=5-1"),
    "HTTP_IDEMPOTENCY_KEY": ("\xff\x80", "x" * 5_000),
    "HTTP_TRANSFER_ENCODING": ("gzip",),
    "HTTP_CONTENT_ENCODING": ("gzip",),
    "HTTP_X_HTTP_METHOD_OVERRIDE": ("DELETE",),
    "CONTENT_TYPE": (
        "\xff", "multipart/form-data", "multipart/form-data; boundary=\xff", "application/json; charset=nothing",
    ),
    "CONTENT_LENGTH": ("-1", "x", "9" * 50),
}  # fmt: skip


# Headers that are read for requests with a session; all others are tried with a token, which is quicker.
SESSION_HEADERS = ("HTTP_ORIGIN", "HTTP_SEC_FETCH_SITE", "HTTP_HOST", "HTTP_IF_NONE_MATCH")


def failures(
    app: Flask, make_client: Callable[[], FlaskClient], names: Iterable[str] = tuple(ODD_HEADERS), **environ: str
) -> list[tuple[str, str, str, str]]:
    """Return the requests to all routes, with each of the named headers, that were answered with a 500."""
    found = []
    for rule in app.url_map.iter_rules():
        path = re.sub(r"<[^>]+>", "1", rule.rule.replace("<int:instance_number>", "0"))
        # A new one for each route, because signing out ends a session.
        client = make_client()
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            for name in names:
                for value in ODD_HEADERS[name]:
                    environ_now = {**environ, name: value}
                    with client.open(path, method=method, environ_overrides=environ_now) as response:
                        if response.status_code == 500:
                            found.append((method, path, name, value[:50]))
    return found


def test_anonymous_requests(app: Flask) -> None:
    assert failures(app, app.test_client) == []


def test_requests_with_a_token(app: Flask, admin: dict[str, str], green_meadows: int) -> None:
    assert failures(app, app.test_client, HTTP_AUTHORIZATION=admin["Authorization"]) == []


def test_requests_of_a_signed_in_user(app: Flask, admin: dict[str, str], green_meadows: int) -> None:
    def sign_in() -> FlaskClient:
        client = app.test_client()
        assert client.post("/login", data={"name": "admin", "password": PASSWORD}).status_code == 302
        return client

    assert failures(app, sign_in, SESSION_HEADERS) == []
