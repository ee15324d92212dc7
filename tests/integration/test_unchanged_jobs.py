"""Polls of jobs that have not changed are answered without the application, and see every change at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask, request_started
from flask.testing import FlaskClient
from sqlalchemy import text, update
from werkzeug.test import TestResponse

from precast_app import create_app
from precast_app.auth import tokens
from precast_app.extensions import db
from precast_app.models import ApiToken, Role
from precast_app.projects import projects
from precast_app.telemetry import durations
from tests.auth_headers import member_headers
from tests.conftest import EXAMPLES, run_import

Headers = dict[str, str]


class Poller:
    """A client that polls a job with its ETag."""

    def __init__(self, client: FlaskClient, job_id: int, headers: Headers) -> None:
        self._client = client
        self._address = f"/api/jobs/{job_id}"
        self._headers = headers
        self._etag = client.get(self._address, headers=headers).headers["ETag"]

    def poll(self, **headers: str) -> TestResponse:
        """Return the response to the next poll."""
        sent = {**self._headers, "If-None-Match": self._etag, **headers}
        return self._client.get(self._address, headers=sent)


@pytest.fixture
def poller(client: FlaskClient, green_meadows: int) -> Poller:
    """Return a client of a viewer of the project that has been answered by the application twice."""
    done = run_import(green_meadows, EXAMPLES / "stages.csv", "stage_import")
    found = Poller(client, done.id, member_headers(green_meadows, Role.VIEWER))
    assert found.poll().status_code == 304
    return found


@pytest.fixture
def reached(app: Flask) -> Any:
    """Yield a list to which each request that reaches the application is added."""
    requests: list[str] = []

    def record(sender: Flask, **_: Any) -> None:
        requests.append(sender.name)

    request_started.connect(record, app)
    yield requests
    request_started.disconnect(record, app)


def test_the_same_poll_again_does_not_reach_the_application(poller: Poller, reached: list[str]) -> None:
    first, second = poller.poll(), poller.poll()
    assert reached == []
    for answer in (first, second):
        assert (answer.status_code, answer.data) == (304, b"")
    assert first.headers["X-Request-Id"] != second.headers["X-Request-Id"]
    assert poller.poll(**{"X-Request-Id": "mine"}).headers["X-Request-Id"] == "mine"
    assert reached == []
    # Whatever else differs in a request may make another answer.
    by_application = poller.poll(**{"Accept-Language": "de"})
    assert len(reached) == 1
    fields = [dict(answer.headers) for answer in (by_application, first)]
    assert fields[0].pop("X-Request-Id") != fields[1].pop("X-Request-Id")
    # The web server sends the time.
    fields[0].pop("Date", None)
    assert fields[0] == fields[1]


def test_headers_of_routers_that_differ_each_time_do_not_matter(poller: Poller, reached: list[str]) -> None:
    for number in range(3):
        assert poller.poll(**{"X-Request-Start": str(number), "traceparent": f"00-{number}"}).status_code == 304
    assert reached == []


def test_polls_of_a_database_without_the_function_are_answered_by_the_application(
    poller: Poller, reached: list[str]
) -> None:
    db.session.execute(text("ALTER FUNCTION poll_version(integer, text, timestamptz) RENAME TO not_yet"))
    db.session.commit()
    try:
        assert poller.poll().status_code == 304
        assert len(reached) == 1
    finally:
        db.session.execute(text("ALTER FUNCTION not_yet(integer, text, timestamptz) RENAME TO poll_version"))
        db.session.commit()


def test_a_poll_is_counted_in_the_metrics(poller: Poller) -> None:
    durations.take()
    poller.poll()
    (bucket,) = durations.take()
    assert (bucket.labels, bucket.observations) == (("GET", "/api/jobs/{job_id}", "3xx"), 1)


def _revoke() -> None:
    db.session.delete(db.session.query(ApiToken).one())


def _remove_role() -> None:
    db.session.execute(text("DELETE FROM memberships"))


def _disable() -> None:
    db.session.execute(text("UPDATE users SET disabled_at = now()"))


def _expire() -> None:
    db.session.execute(update(ApiToken).values(expires_at=text("now() - interval '1 second'")))


def _restrict() -> None:
    db.session.execute(update(ApiToken).values(project_id=projects.create("Another").id))


def _delete_job() -> None:
    db.session.execute(text("DELETE FROM import_jobs"))


@pytest.mark.parametrize(
    ("change", "status"),
    [(_revoke, 401), (_disable, 401), (_expire, 401), (_remove_role, 404), (_restrict, 404), (_delete_job, 404)],
)
def test_a_poll_sees_at_once_that_it_is_not_allowed_any_more(
    poller: Poller, change: Callable[[], None], status: int
) -> None:
    assert poller.poll().status_code == 304
    change()
    db.session.commit()
    assert [poller.poll().status_code for _ in range(2)] == [status, status]


def test_a_poll_sees_the_change_of_a_job(poller: Poller, reached: list[str]) -> None:
    db.session.execute(text("UPDATE import_jobs SET undone_by_job_id = id"))
    db.session.commit()
    changed = poller.poll()
    assert changed.status_code == 200
    assert changed.get_json()["job"]["undone_by_job_id"] is not None
    assert len(reached) == 1


def test_the_last_use_of_the_token_is_stored_to_the_minute(poller: Poller, reached: list[str]) -> None:
    db.session.execute(update(ApiToken).values(used_at=text("now() - interval '2 minutes'")))
    db.session.commit()
    # The second one is answered by the application because the first has changed the token.
    assert [poller.poll().status_code for _ in range(3)] == [304] * 3
    assert len(reached) == 2
    assert db.session.scalar(text("SELECT used_at > now() - interval '1 minute' FROM api_tokens"))


def test_polls_count_towards_the_limit(app: Flask, green_meadows: int) -> None:
    done = run_import(green_meadows, EXAMPLES / "stages.csv", "stage_import")
    limited = create_app(replace(app.config["PRECAST"], requests_per_minute=6))
    poller = Poller(limited.test_client(), done.id, member_headers(green_meadows, Role.VIEWER))
    assert [poller.poll().status_code for _ in range(7)] == [304] * 5 + [429] * 2


def test_polls_without_redis_are_answered(app: Flask, green_meadows: int) -> None:
    done = run_import(green_meadows, EXAMPLES / "stages.csv", "stage_import")
    away = create_app(replace(app.config["PRECAST"], redis_url="redis://127.0.0.1:1/0", requests_per_minute=6))
    poller = Poller(away.test_client(), done.id, member_headers(green_meadows, Role.VIEWER))
    assert [poller.poll().status_code for _ in range(7)] == [304] * 5 + [429] * 2


def test_a_token_without_a_scheme_polls_too(client: FlaskClient, green_meadows: int, reached: list[str]) -> None:
    done = run_import(green_meadows, EXAMPLES / "stages.csv", "stage_import")
    token = member_headers(green_meadows, Role.VIEWER)["Authorization"].removeprefix("Bearer ")
    poller = Poller(client, done.id, {"Authorization": token})
    assert [poller.poll().status_code for _ in range(3)] == [304] * 3
    assert len(reached) == 2
    assert tokens.authenticate(token) is not None
