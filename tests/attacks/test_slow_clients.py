"""Every kind of slow client, many at once and for longer than any of them is waited for; settings are the defaults."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from flask import Flask

from precast_app.auth import tokens, users
from precast_app.models import Role
from precast_app.projects import projects
from tests.gunicorn_server import GunicornServer, run_gunicorn
from tests.slow_clients import (
    NAME,
    PASSWORD,
    SLOW_CLIENTS,
    sign_in,
    slow_client_crowd,
    slowest_health_check,
    upload,
)

COUNT = 60
SECONDS = 12.0
# Longer than any client is waited for.
LONG_SECONDS = 45.0


@pytest.fixture
def web(app: Flask, environment: dict[str, str]) -> Iterator[GunicornServer]:
    with run_gunicorn(environment, WEB_CONCURRENCY="2") as started:
        yield started


@pytest.fixture
def headers(project_id: int) -> dict[str, str]:
    """The headers of an editor of the project."""
    token = tokens.create(users.create(NAME, PASSWORD), days=1)
    projects.set_role(project_id, NAME, Role.EDITOR)
    return {"Authorization": f"Bearer {token}"}


def use(web: GunicornServer, project_id: int, headers: dict[str, str], seconds: float) -> None:
    """Do for so many seconds what people do, and fail if any of it does not go through."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        assert slowest_health_check(web, 3) < 2
        assert sign_in(web) == 302
        assert upload(web, project_id, headers) == 202


@pytest.mark.parametrize("kind", SLOW_CLIENTS)
def test_many_of_a_kind(web: GunicornServer, project_id: int, headers: dict[str, str], kind: str) -> None:
    with slow_client_crowd(web, SLOW_CLIENTS[kind], COUNT):
        use(web, project_id, headers, SECONDS)


def test_readers_of_nothing_for_longer_than_they_are_waited_for(
    web: GunicornServer, project_id: int, headers: dict[str, str]
) -> None:
    with slow_client_crowd(web, SLOW_CLIENTS["read nothing of eight responses"], 24):
        use(web, project_id, headers, LONG_SECONDS)


def test_all_kinds_at_once(web: GunicornServer, project_id: int, headers: dict[str, str]) -> None:
    with ExitStack() as crowds:
        for each in SLOW_CLIENTS.values():
            crowds.enter_context(slow_client_crowd(web, each, 6, "127.0.0.2"))
        use(web, project_id, headers, LONG_SECONDS)


def test_hundreds_from_one_address(web: GunicornServer, project_id: int, headers: dict[str, str]) -> None:
    with slow_client_crowd(web, SLOW_CLIENTS["send a form byte by byte"], 600, "127.0.0.2"):
        use(web, project_id, headers, SECONDS)


def test_hundreds_behind_a_proxy(
    app: Flask, environment: dict[str, str], project_id: int, headers: dict[str, str]
) -> None:
    with (
        run_gunicorn(environment, WEB_CONCURRENCY="2", TRUSTED_PROXIES="1") as web,
        slow_client_crowd(web, SLOW_CLIENTS["read nothing of eight responses"], 300),
    ):
        use(web, project_id, headers, SECONDS)
