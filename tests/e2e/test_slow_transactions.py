"""Clients that read or send slowly hold no database connection, however many there are."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager

import psycopg2
import pytest
from flask import Flask
from sqlalchemy import text

from precast_app.auth import users
from precast_app.config import libpq_url
from precast_app.extensions import db
from precast_app.jobs import service
from precast_app.jobs.creation import JobOptions
from tests.gunicorn_server import GunicornServer, run_gunicorn

SLOW = 10
# More than one process may have of sockets' buffers, so that its sender has to wait for the reader.
MANY_ISSUES = """
    INSERT INTO import_issues (job_id, severity, row, "column", heading, value, code, message)
    SELECT :job_id, 'error', number, 'C', 'Height', 'tall', 'not_a_number', repeat('wrong ', 150)
    FROM generate_series(1, 12000) AS number
"""


@pytest.fixture
def web(app: Flask, environment: dict[str, str]) -> Iterator[GunicornServer]:
    # Threads enough for every slow client, so that only the database's connections could run out.
    with run_gunicorn(environment, WEB_THREADS="40", WEB_SILENCE_SECONDS="60", WEB_EXPORTS="2") as found:
        yield found


@pytest.fixture
def token(admin: dict[str, str]) -> bytes:
    return admin["Authorization"].encode()


def waiting_job(project_id: int) -> int:
    return service.submit(
        project_id=project_id,
        job_type="element_type_import",
        created_by="tester",
        options=JobOptions(),
        upload=None,
    ).id


@contextmanager
def connection(web: GunicornServer) -> Iterator[socket.socket]:
    with closing(web.connect()) as opened:
        opened.settimeout(30)
        yield opened


def assert_others_are_served(web: GunicornServer, admin: dict[str, str], seconds: float) -> None:
    """Request health and data for a while; fail if a slow client's request is idle in a transaction."""
    db.session.rollback()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        ready = web.get("/readyz", seconds=2)
        assert ready.json()["checks"]["database"], ready.text
        assert web.get("/api/project", headers=admin, seconds=3).status_code == 200
        assert idle_in_transaction() == []
        time.sleep(0.2)


def idle_in_transaction() -> list[str]:
    own = psycopg2.connect(libpq_url(db.engine.url.render_as_string(hide_password=False)))
    with closing(own), own.cursor() as cursor:
        cursor.execute("""
            SELECT query FROM pg_stat_activity
            WHERE datname = current_database() AND state LIKE 'idle in transaction%'
              AND state_change < clock_timestamp() - interval '0.5 s'
        """)
        return [query for (query,) in cursor]


@pytest.mark.parametrize(
    ("path", "readers"), [("/api/jobs/{job}/issues.csv", SLOW), ("/api/jobs/{job}/issues.xlsx", 4)]
)
def test_slow_readers_hold_no_transaction(
    web: GunicornServer, admin: dict[str, str], token: bytes, project_id: int, path: str, readers: int
) -> None:
    job_id = waiting_job(project_id)
    db.session.execute(text(MANY_ISSUES), {"job_id": job_id})
    db.session.commit()
    head = f"GET {path.format(job=job_id)} HTTP/1.1\r\nHost: localhost\r\nAuthorization: ".encode()
    with ExitStack() as clients:
        for _ in range(readers):
            reader = clients.enter_context(connection(web))
            reader.sendall(head + token + b"\r\n\r\n")
            # Its first bytes come, and no more are read.
            assert reader.recv(20).startswith(b"HTTP/1.1 200")
        assert_others_are_served(web, admin, 3)


def test_exports_that_wait_leave_threads_for_other_requests(
    app: Flask, environment: dict[str, str], admin: dict[str, str], token: bytes, project_id: int
) -> None:
    head = f"GET /api/project/{project_id}/export_csv_element_type HTTP/1.1\r\nHost: localhost\r\nAuthorization: "
    lock = psycopg2.connect(libpq_url(db.engine.url.render_as_string(hide_password=False)))
    with (
        run_gunicorn(environment, WEB_THREADS="2", WEB_EXPORTS="1") as web,
        ExitStack() as clients,
        closing(lock),
        lock.cursor() as cursor,
    ):
        cursor.execute("LOCK TABLE element_types")
        for _ in range(4):
            clients.enter_context(connection(web)).sendall(head.encode() + token + b"\r\n\r\n")
        time.sleep(0.5)
        assert web.get("/api/me", headers=admin, seconds=3).status_code == 200


def test_slow_writers_hold_no_transaction(
    web: GunicornServer, admin: dict[str, str], token: bytes, project_id: int
) -> None:
    """Slow clients send each kind of body: a form with a file, a raw file, JSON, and the form of the sign-in."""
    users.create("slow", "correct cement")
    multipart = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\nElement Type,'
    kinds = [
        (f"POST /api/project/{project_id}/import/excel", "multipart/form-data; boundary=x", multipart),
        (
            f"POST /api/project/{project_id}/jobs?job_type=element_type_import",
            "multipart/form-data; boundary=x",
            multipart,
        ),
        (f"PUT /api/jobs/{waiting_job(project_id)}/file", "application/octet-stream", b"Element Type,"),
        (f"PUT /api/jobs/{waiting_job(project_id)}/file", "multipart/form-data; boundary=x", multipart),
        ("POST /api/project", "application/json", b'{"name": "'),
    ]
    with ExitStack() as writers:
        for number in range(SLOW):
            line, kind, body = kinds[number % len(kinds)]
            writer = writers.enter_context(connection(web))
            writer.sendall(f"{line} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {kind}\r\n".encode())
            writer.sendall(b"Content-Length: 100000\r\nAuthorization: " + token + b"\r\n\r\n" + body)
        for _ in range(2):
            writers.enter_context(slow_sign_in(web))
        assert_others_are_served(web, admin, 4)


@contextmanager
def slow_sign_in(web: GunicornServer) -> Iterator[None]:
    """Send the form of the sign-in from a signed-in browser and never finish it."""
    form = {"name": "slow", "password": "correct cement"}
    signed_in = web.request("POST", "/login", data=form)
    cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in signed_in.cookies)
    assert cookies
    with connection(web) as writer:
        writer.sendall(f"POST /login HTTP/1.1\r\nHost: localhost\r\nCookie: {cookies}\r\n".encode())
        writer.sendall(b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 1000\r\n\r\nname=")
        yield


def test_a_body_that_arrives_slowly_is_accepted(
    web: GunicornServer, admin: dict[str, str], token: bytes, project_id: int
) -> None:
    body = json.dumps({"name": "Slowly named"}).encode()
    with connection(web) as writer:
        writer.sendall(b"POST /api/project HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n")
        writer.sendall(b"Content-Length: %d\r\nAuthorization: %s\r\n\r\n" % (len(body), token))
        for byte in body:
            writer.sendall(bytes([byte]))
            time.sleep(0.02)
        assert writer.recv(20).startswith(b"HTTP/1.1 201")
