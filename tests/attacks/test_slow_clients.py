"""Many slow clients of every kind, for longer than the server waits for any of them, with default settings."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from flask import Flask

from precast_app.auth import tokens, users
from precast_app.models import Role
from precast_app.projects import projects
from tests.faults.scene import until
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
# Longer than the server waits for any client.
LONG_SECONDS = 45.0
# Hundreds of new requests at the same moment take the processor for a while.
STORM_SECONDS = 20.0


@pytest.fixture
def web(app: Flask, environment: dict[str, str]) -> Iterator[GunicornServer]:
    with run_gunicorn(environment, WEB_CONCURRENCY="2") as started:
        yield started


@pytest.fixture
def headers(project_id: int) -> dict[str, str]:
    """Return the headers of an editor of the project."""
    token = tokens.create(users.create(NAME, PASSWORD), days=1)
    projects.set_role(project_id, NAME, Role.EDITOR)
    return {"Authorization": f"Bearer {token}"}


def assert_usable(web: GunicornServer, project_id: int, headers: dict[str, str], seconds: float) -> None:
    """Make ordinary requests for `seconds`, and fail if one of them is not served."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        assert slowest_health_check(web, 3) < 2
        assert sign_in(web) == 302
        assert upload(web, project_id, headers) == 202


@pytest.mark.parametrize("kind", SLOW_CLIENTS)
def test_many_clients_of_one_kind(web: GunicornServer, project_id: int, headers: dict[str, str], kind: str) -> None:
    with slow_client_crowd(web, SLOW_CLIENTS[kind], COUNT):
        assert_usable(web, project_id, headers, SECONDS)


def test_clients_that_read_nothing_for_long(web: GunicornServer, project_id: int, headers: dict[str, str]) -> None:
    with slow_client_crowd(web, SLOW_CLIENTS["read nothing of eight responses"], 24):
        assert_usable(web, project_id, headers, LONG_SECONDS)


def test_all_kinds_at_once(web: GunicornServer, project_id: int, headers: dict[str, str]) -> None:
    with ExitStack() as crowds:
        for each in SLOW_CLIENTS.values():
            crowds.enter_context(slow_client_crowd(web, each, 6, "127.0.0.2"))
        assert_usable(web, project_id, headers, LONG_SECONDS)


def test_hundreds_of_clients_with_one_address(web: GunicornServer, project_id: int, headers: dict[str, str]) -> None:
    with slow_client_crowd(web, SLOW_CLIENTS["send a form byte by byte"], 600, "127.0.0.2"):
        until(web.is_alive, STORM_SECONDS, "the first requests have been read")
        assert_usable(web, project_id, headers, SECONDS)


def test_hundreds_of_clients_behind_a_proxy(
    app: Flask, environment: dict[str, str], project_id: int, headers: dict[str, str]
) -> None:
    with (
        run_gunicorn(environment, WEB_CONCURRENCY="2", TRUSTED_PROXIES="1") as web,
        slow_client_crowd(web, SLOW_CLIENTS["read nothing of eight responses"], 300),
    ):
        until(web.is_alive, STORM_SECONDS, "the first requests have been read")
        assert_usable(web, project_id, headers, SECONDS)
