"""Health checks answer within two seconds and tell the truth, and requests end, whatever the servers do."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import psutil
import psycopg2
import pytest
import requests
from flask import Flask
from psycopg2 import sql
from redis import Redis

from precast_app.config import libpq_url
from precast_app.extensions import db
from tests.gunicorn_server import GunicornServer, run_gunicorn

THREADS = 4
BOUND_SECONDS = 2
# What a request may take with the settings below: for a connection, for the server's answer, and for Redis.
REQUEST_SECONDS = 8


@pytest.fixture
def web(app: Flask, environment: dict[str, str]) -> Iterator[GunicornServer]:
    given = {"WEB_THREADS": str(THREADS), "WEB_POOL_SECONDS": "1", "WEB_LOCK_SECONDS": "1"}
    with run_gunicorn(environment, **given, WEB_STATEMENT_SECONDS="2") as found:
        yield found


@pytest.fixture
def own(environment: dict[str, str]) -> Iterator[psycopg2.extensions.connection]:
    """Yield a connection that bypasses the application's and can always write."""
    connection = psycopg2.connect(
        libpq_url(environment["DATABASE_URL"]), options="-c default_transaction_read_only=off", application_name="own"
    )
    connection.autocommit = True
    yield connection
    connection.close()


@contextmanager
def stopped(processes: list[psutil.Process]) -> Iterator[None]:
    """Let processes stand still; the kernel goes on to take connections and bytes for them."""
    for each in processes:
        os.kill(each.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for each in reversed(processes):
            os.kill(each.pid, signal.SIGCONT)


def postgres(own: psycopg2.extensions.connection) -> list[psutil.Process]:
    postmaster = psutil.Process(own.info.backend_pid).parent()
    assert postmaster is not None
    return [postmaster, *postmaster.children()]


def redis_server(environment: dict[str, str]) -> list[psutil.Process]:
    with Redis.from_url(environment["REDIS_URL"]) as client:
        return [psutil.Process(int(client.info("server")["process_id"]))]


def checks(web: GunicornServer) -> dict[str, bool]:
    """Return the checks of /readyz; fail if it or /healthz does not answer in time."""
    assert web.get("/healthz", seconds=BOUND_SECONDS).json() == {"status": "ok"}
    found: dict[str, bool] = web.get("/readyz", seconds=BOUND_SECONDS).json()["checks"]
    return found


def becomes_ready(web: GunicornServer) -> bool:
    """Whether database and Redis are well again within some seconds."""
    for _ in range(50):
        found = checks(web)
        if found["database"] and found["redis"]:
            return True
        time.sleep(0.2)
    return False


def test_postgres_does_not_answer(
    web: GunicornServer, own: psycopg2.extensions.connection, admin: dict[str, str], project_id: int
) -> None:
    paths = [f"/api/project/{project_id}", "/api/project", "/login"]
    assert web.get(paths[0], headers=admin).status_code == 200
    with ThreadPoolExecutor(4 * THREADS) as others, stopped(postgres(own)):
        asked = [others.submit(web.get, paths[n % 2], headers=admin) for n in range(4 * THREADS)]
        for _ in range(5):
            assert checks(web)["database"] is False
        first = web.get(paths[0], headers=admin, seconds=4 * REQUEST_SECONDS)
        answers = [each.result() for each in asked]
    for each in [first, *answers]:
        assert (each.status_code, each.headers["Retry-After"]) == (503, "5")
    assert becomes_ready(web)
    assert web.get(paths[0], headers=admin).status_code == 200


def test_redis_does_not_answer(
    web: GunicornServer, environment: dict[str, str], admin: dict[str, str], project_id: int
) -> None:
    with stopped(redis_server(environment)):
        for _ in range(3):
            found = checks(web)
            assert (found["database"], found["redis"], found["worker"]) == (True, False, False)
        form = {"name": "admin", "password": "correct cement"}
        assert web.get("/api/project", headers=admin, seconds=REQUEST_SECONDS).status_code == 200
        signed_in = web.request("POST", "/login", data=form, seconds=REQUEST_SECONDS)
        assert (signed_in.status_code, signed_in.headers["Location"]) == (302, "/")
    assert becomes_ready(web)


def test_a_locked_table(
    web: GunicornServer, own: psycopg2.extensions.connection, admin: dict[str, str], project_id: int
) -> None:
    jobs = f"/api/project/{project_id}/jobs"
    assert web.get(jobs, headers=admin).status_code == 200
    with own.cursor() as cursor:
        cursor.execute("BEGIN; LOCK TABLE import_jobs IN ACCESS EXCLUSIVE MODE")
        for _ in range(3):
            assert checks(web)["database"] is False
        answer = web.get(jobs, headers=admin, seconds=REQUEST_SECONDS)
        cursor.execute("ROLLBACK")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert becomes_ready(web)


def test_a_read_only_server(
    web: GunicornServer, own: psycopg2.extensions.connection, admin: dict[str, str], project_id: int
) -> None:
    """As after a failover, when connections lead to the server that was the primary before."""

    def write() -> requests.Response:
        return web.request("PATCH", f"/api/project/{project_id}", headers=admin, json={"name": "Another"})

    with read_only(own):
        assert checks(web)["database"] is False
        answers = [write(), write(), web.request("POST", "/login", data={"name": "admin", "password": "wrong"})]
    for each in answers:
        assert (each.status_code, each.headers["Retry-After"]) == (503, "5"), each.text
    # The connections that lead to it are not kept.
    assert write().status_code == 200
    assert becomes_ready(web)


@contextmanager
def read_only(own: psycopg2.extensions.connection) -> Iterator[None]:
    """Let the database take no changes in new sessions, and end the old ones."""
    db.session.remove()
    db.engine.dispose()
    name = sql.Identifier(own.info.dbname)
    with own.cursor() as cursor:
        cursor.execute(sql.SQL("ALTER DATABASE {} SET default_transaction_read_only = on").format(name))
        try:
            cursor.execute("""
                SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
                WHERE datname = current_database() AND pid <> pg_backend_pid()
            """)
            yield
        finally:
            cursor.execute(sql.SQL("ALTER DATABASE {} RESET default_transaction_read_only").format(name))
