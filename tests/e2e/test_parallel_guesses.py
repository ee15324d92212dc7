"""Parallel password guesses: no more of them are checked than of guesses one after another."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from flask import Flask
from sqlalchemy import func, select

from precast_app.auth import users
from precast_app.extensions import db
from precast_app.models import AuditEntry
from tests.gunicorn_server import GunicornServer, run_gunicorn

GUESSES = 120
ALLOWED = 5
# More than an address may have of failed attempts: people who share one sign in at the same hour.
COLLEAGUES = 35
PASSWORD = "correct cement"


@pytest.fixture(params=["Redis is there", "Redis is away"])
def web(app: Flask, environment: dict[str, str], request: pytest.FixtureRequest) -> Iterator[GunicornServer]:
    users.create("ada", PASSWORD)
    # 16 requests are under way at most, fewer than the 30 attempts that an address may have: one that is being checked
    # counts as failed until it turns out to be right.
    settings = {"WEB_CONCURRENCY": "2", "WEB_THREADS": "8"}
    if request.param == "Redis is away":
        # Without Redis each process counts for itself.
        settings = {"WEB_CONCURRENCY": "1", "WEB_THREADS": "16", "REDIS_URL": "redis://127.0.0.1:1/0"}
    with run_gunicorn(environment, **settings) as found:
        yield found


def client() -> requests.Session:
    session = requests.Session()
    session.trust_env = False
    return session


def status(web: GunicornServer, session: requests.Session, method: str, path: str, **body: object) -> int:
    """Return the status of the response; repeat the request if the server is overloaded or closes the connection."""
    for _ in range(300):
        try:
            answer = session.request(method, f"{web.address}{path}", timeout=60, allow_redirects=False, **body)  # type: ignore[arg-type] # of requests
        except requests.ConnectionError:
            continue
        if answer.status_code != 503:
            return answer.status_code
        time.sleep(0.05)
    raise AssertionError("the server stays busy")


def refusals(act: str, who: str) -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count()).where(AuditEntry.act == act, AuditEntry.who == who)) or 0


def all_at_once(ask: Callable[[int], int], count: int) -> Counter[int]:
    with ThreadPoolExecutor(count) as pool:
        return Counter(pool.map(ask, range(count)))


def test_as_many_are_checked_at_once_as_one_after_another(web: GunicornServer) -> None:
    for number in range(COLLEAGUES):
        users.create(f"user {number}", PASSWORD)
    signed_in = client()

    def colleague(number: int) -> int:
        session = signed_in if number == 0 else client()
        form = {"name": f"user {number}", "password": PASSWORD}
        return status(web, session, "POST", "/login", data=form)

    def guess_at_sign_in(number: int) -> int:
        return status(web, client(), "POST", "/login", data={"name": "ada", "password": f"wrong cement {number}"})

    def guess_at_old_password(number: int) -> int:
        session = client()
        session.cookies.update(signed_in.cookies)
        body = {"old": f"wrong cement {number}", "new": "battery staple"}
        return status(web, session, "PUT", "/api/me/password", json=body)

    assert all_at_once(colleague, COLLEAGUES) == {302: COLLEAGUES}, "correct passwords are removed from the counts"
    assert all_at_once(guess_at_sign_in, GUESSES).keys() == {401, 429}
    assert refusals("session.refused", "ada") == ALLOWED
    assert all_at_once(guess_at_old_password, GUESSES).keys() == {422, 429}
    assert refusals("user.password_refused", "user 0") == ALLOWED
