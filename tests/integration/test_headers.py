"""What answers tell the browser; and that the queue runs nothing that somebody slipped into Redis."""

from __future__ import annotations

import pickle
import subprocess
import sys
import zlib
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from rq import Queue

from precast_app import create_app
from precast_app.accounts import users
from precast_app.config import Settings
from precast_app.jobs import queue
from tests.conftest import EXAMPLES, ROOT, submit, wait_for, worker


@pytest.mark.parametrize("path", ["/", "/login", "/api/project", "/api/nothing", "/api/docs", "/healthz", "/rq/"])
def test_every_answer_is_strict(client: FlaskClient, path: str) -> None:
    headers = client.get(path).headers
    policy = dict(each.split(" ", 1) for each in headers["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert (policy["frame-ancestors"], policy["form-action"], policy["base-uri"]) == ("'none'", "'self'", "'none'")
    assert ("unsafe" in policy["script-src"]) == (path == "/rq/")
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "Strict-Transport-Security" not in headers


def test_what_is_kept_by_browsers(client: FlaskClient, admin: dict[str, str], green_meadows: int) -> None:
    job = submit(green_meadows, EXAMPLES / "element_types.csv")
    shown = client.get(f"/api/jobs/{job}", headers=admin)
    assert shown.headers["Cache-Control"] == "private, no-cache"
    again = client.get(f"/api/jobs/{job}", headers={**admin, "If-None-Match": shown.headers["ETag"]})
    assert again.status_code == 304
    assert client.get("/api/project", headers=admin).headers["Cache-Control"] == "no-store"


def test_over_https_the_cookie_never_leaves_it(app: Flask) -> None:
    users.create("ada", "correct horse")
    secure = create_app(replace(app.config["PRECAST"], cookie_secure=True)).test_client()
    answer = secure.post("/login", data={"name": "ada", "password": "correct horse"}, base_url="https://localhost")
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("__Host-precast_session=")
    assert "Secure" in cookie
    assert "Path=/" in cookie
    assert "Domain" not in cookie
    assert answer.headers["Strict-Transport-Security"].startswith("max-age=31536000")


def test_the_example_and_short_keys_are_refused(environment: dict[str, str]) -> None:
    for key, says in (("", "Set SECRET_KEY"), ("short", "too easy to guess"), ("ab" * 40, "too easy to guess")):
        done = subprocess.run(
            [sys.executable, "-c", "import wsgi"], cwd=ROOT, env={**environment, "SECRET_KEY": key},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode != 0
        assert says in done.stderr
        assert "secrets.token_urlsafe(48)" in done.stderr


class Opens:
    """What would make a file when it is unpickled."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return open, (self.path, "w")


def test_who_can_write_into_redis_runs_no_code(
    app: Flask, green_meadows: int, environment: dict[str, str], tmp_path: Path
) -> None:
    trap = tmp_path / "opened"
    settings: Settings = app.config["PRECAST"]
    redis = queue.connection()
    job = Queue(settings.queue_name, connection=redis).enqueue("builtins.len", [1])
    redis.hset(f"rq:job:{job.id}", "data", zlib.compress(pickle.dumps(Opens(str(trap)))))
    good = submit(green_meadows, EXAMPLES / "element_types.csv")
    with worker(environment):
        done = wait_for(good, lambda each: each.status == "completed")
    assert done.created_count == 120, "others go on"
    assert not trap.exists()
    pickle.loads(pickle.dumps(Opens(str(trap)))).close()
    assert trap.exists(), "it would have, had it been unpickled"
