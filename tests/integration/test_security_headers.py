"""Security headers of responses, cookies over https, and weak secret keys."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import pytest
from flask import Flask
from flask.testing import FlaskClient

from precast_app import create_app
from precast_app.auth import users
from tests.conftest import EXAMPLES, ROOT, submit


@pytest.mark.parametrize("path", ["/", "/login", "/api/project", "/api/nothing", "/api/docs", "/healthz", "/rq/"])
def test_every_response_has_strict_headers(client: FlaskClient, path: str) -> None:
    headers = client.get(path).headers
    policy = dict(each.split(" ", 1) for each in headers["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert (policy["frame-ancestors"], policy["form-action"], policy["base-uri"]) == ("'none'", "'self'", "'none'")
    assert ("unsafe" in policy["script-src"]) == (path == "/rq/")
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "Strict-Transport-Security" not in headers


def test_api_responses_are_not_cached(client: FlaskClient, admin: dict[str, str], green_meadows: int) -> None:
    job = submit(green_meadows, EXAMPLES / "element_types.csv")
    shown = client.get(f"/api/jobs/{job}", headers=admin)
    assert shown.headers["Cache-Control"] == "private, no-store"
    again = client.get(f"/api/jobs/{job}", headers={**admin, "If-None-Match": shown.headers["ETag"]})
    assert (again.status_code, again.headers["Cache-Control"]) == (304, "private, no-store")
    assert client.get("/api/project", headers=admin).headers["Cache-Control"] == "private, no-store"


def test_a_secure_cookie_is_only_sent_over_https(app: Flask) -> None:
    users.create("ada", "correct cement")
    secure = create_app(replace(app.config["PRECAST"], cookie_secure=True)).test_client()
    answer = secure.post("/login", data={"name": "ada", "password": "correct cement"}, base_url="https://localhost")
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("__Host-precast_session=")
    assert "Secure" in cookie
    assert "Path=/" in cookie
    assert "Domain" not in cookie
    assert answer.headers["Strict-Transport-Security"].startswith("max-age=31536000")


def test_missing_and_weak_secret_keys_are_rejected(environment: dict[str, str]) -> None:
    for key, says in (("", "Set SECRET_KEY"), ("short", "too easy to guess"), ("ab" * 40, "too easy to guess")):
        done = subprocess.run(
            [sys.executable, "-c", "import wsgi"], cwd=ROOT, env={**environment, "SECRET_KEY": key},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode != 0
        assert says in done.stderr
        assert "secrets.token_urlsafe(48)" in done.stderr
