"""Clients that send or read slowly don't block others; `make attack` tries every kind of slow client for longer."""

from __future__ import annotations

import errno
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass

import pytest
import requests
from flask import Flask

from precast_app.auth import tokens, users
from precast_app.models import Role
from precast_app.projects import projects
from tests.conftest import emptied
from tests.gunicorn_server import GunicornServer, run_gunicorn
from tests.slow_clients import (
    NAME,
    PASSWORD,
    SLOW_CLIENTS,
    SlowClient,
    sign_in,
    slow_client_crowd,
    slowest_health_check,
    upload,
)

THREADS = 4
UPLOADS = 4


@dataclass(frozen=True, slots=True)
class Site:
    """Gunicorn with one process of few threads, a project, and the headers of two managers."""

    web: GunicornServer
    project_id: int
    mia: dict[str, str]
    sam: dict[str, str]


@pytest.fixture(scope="module")
def site(_application: Flask, environment: dict[str, str]) -> Iterator[Site]:
    few = {"WEB_THREADS": str(THREADS), "WEB_UPLOADS": str(UPLOADS), "WEB_SILENCE_SECONDS": "3", "REQUEST_SECONDS": "3"}
    # Set up once: requests of slow clients may still be running when the next test starts.
    with emptied(_application), run_gunicorn(environment, **few) as web:
        project_id = projects.create("Green Meadows").id
        yield Site(web, project_id, member(project_id, NAME), member(project_id, "sam"))


@pytest.fixture
def web(site: Site) -> GunicornServer:
    return site.web


def member(project_id: int, name: str) -> dict[str, str]:
    """Return the headers of a new manager of the project."""
    user = users.create(name, PASSWORD)
    projects.set_role(project_id, name, Role.MANAGER)
    return {"Authorization": f"Bearer {tokens.create(user, days=1)}"}


def waiting_job(site: Site) -> int:
    """Return the id of a new job that waits for its file."""
    path = f"/api/project/{site.project_id}/jobs?job_type=stage_import"
    job_id: int = site.web.request("POST", path, headers=site.mia).json()["job_id"]
    return job_id


def read_response(opened: socket.socket, seconds: float) -> bytes:
    """Return what the server sends until it closes the connection; raise `TimeoutError` after `seconds` of silence."""
    opened.settimeout(seconds)
    received = b""
    while data := opened.recv(65_536):
        received += data
    return received


@pytest.mark.parametrize(
    "kind",
    [
        "read nothing of eight responses",
        "send half a head",
        "send a form byte by byte",
        "send an upload without a token",
    ],
)
def test_other_clients_are_served_while_many_are_slow(site: Site, kind: str) -> None:
    web = site.web
    with slow_client_crowd(web, SLOW_CLIENTS[kind], 8 * THREADS):
        assert slowest_health_check(web, 1) < 2
        assert sign_in(web) == 302
        assert upload(web, site.project_id, site.mia) == 202
        assert slowest_health_check(web, 1) < 2


@pytest.mark.parametrize(
    ("first_bytes", "status"),
    [
        (SLOW_CLIENTS["send a form byte by byte"].first_bytes, b" 408 "),
        (SLOW_CLIENTS["send a form in small chunks"].first_bytes, b" 408 "),
        (SLOW_CLIENTS["send an upload without a token"].first_bytes, b" 401 "),
        (SLOW_CLIENTS["send half a head"].first_bytes, b""),
    ],
    ids=["form", "chunks", "upload", "head"],
)
def test_a_slow_sender_is_disconnected_within_seconds(web: GunicornServer, first_bytes: bytes, status: bytes) -> None:
    with web.connect() as opened:
        started = time.monotonic()
        opened.sendall(first_bytes)
        received = read_response(opened, 10)
        assert status in received.partition(b"\r\n")[0]
        assert time.monotonic() - started < 6


@pytest.mark.parametrize("read_size", [0, 1])
def test_a_slow_reader_is_disconnected_within_seconds(web: GunicornServer, read_size: int) -> None:
    with web.connect() as opened:
        opened.sendall(SLOW_CLIENTS["read a byte a second"].first_bytes)
        received, error, end = b"", 0, time.monotonic() + 8
        while not error and time.monotonic() < end:
            if read_size:
                received += opened.recv(read_size)
            time.sleep(0.25)
            error = opened.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        # The connection is reset, so the server's kernel keeps no unsent data.
        assert error == errno.ECONNRESET
        assert b"HTTP/1.1 200".startswith(received[:12])


def test_a_client_that_reads_at_a_moderate_rate_gets_the_whole_response(web: GunicornServer) -> None:
    with web.connect() as opened:
        opened.sendall(b"GET /api/docs/assets/swagger-ui.css HTTP/1.0\r\n\r\n")
        received = b""
        # 145 kB take 5 seconds, longer than a client may be silent.
        while data := opened.recv(7_000):
            received += data
            time.sleep(0.25)
    assert len(received) > 144_000
    assert web.is_alive()


def test_an_upload_at_a_moderate_rate_is_accepted(site: Site) -> None:
    def slowly() -> Iterator[bytes]:
        # 50 kB take 5 seconds, longer than a client may be silent and than other request bodies may take.
        yield b"name\n"
        for number in range(10):
            time.sleep(0.5)
            yield f"Stage {number}\n".encode() + b"x" * 5_000 + b"\n"

    sent = site.web.request("PUT", f"/api/jobs/{waiting_job(site)}/file", data=slowly(), headers=site.mia)
    assert sent.status_code == 202, sent.text


def test_an_upload_byte_by_byte_is_disconnected(site: Site) -> None:
    job = waiting_job(site)
    with site.web.connect() as opened:
        opened.sendall(
            f"PUT /api/jobs/{job}/file HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999\r\n"
            f"Authorization: {site.mia['Authorization']}\r\n\r\nname\n".encode()
        )
        opened.settimeout(0.25)
        received, end = b"", time.monotonic() + 8
        while not received and time.monotonic() < end:
            opened.sendall(b"a")
            try:
                received = opened.recv(65_536)
            except TimeoutError:
                continue
    assert b" 408 " in received.partition(b"\r\n")[0]


def test_uploads_of_one_user_leave_slots_for_other_users(site: Site) -> None:
    web, token = site.web, site.sam["Authorization"]
    slow_upload = SlowClient(
        f"POST /api/project/{site.project_id}/import/excel HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9999999\r\n"
        f"Content-Type: multipart/form-data; boundary=x\r\nAuthorization: {token}\r\n\r\n--x\r\n".encode()
    )
    with slow_client_crowd(web, slow_upload, 3 * UPLOADS):
        time.sleep(0.5)
        assert upload(web, site.project_id, site.mia) == 202
        assert upload(web, site.project_id, site.sam) == 503


def test_a_large_body_is_rejected_unless_it_is_an_upload(web: GunicornServer) -> None:
    for path in ("/login", "/api/project", "/logout"):
        response = web.request("POST", path, data=b"a" * 50_000_000)
        assert (path, response.status_code) == (path, 413)
    chunked = web.request("POST", "/login", data=iter([b"a" * 100_000] * 20))
    assert chunked.status_code == 413


@pytest.mark.parametrize("settings", [{"WEB_CLIENTS_PER_ADDRESS": "10"}, {"WEB_CLIENTS": "10", "TRUSTED_PROXIES": "1"}])
def test_the_number_of_connections_is_limited_and_a_new_one_is_served(
    site: Site, environment: dict[str, str], settings: dict[str, str]
) -> None:
    with run_gunicorn(environment, WEB_THREADS="4", **settings) as web, ExitStack() as opened:
        many = [opened.enter_context(web.connect("127.0.0.2")) for _ in range(40)]
        for each in many:
            with suppress(OSError):
                each.sendall(b"GET /healthz HTTP/1.1\r\nHost: local")
        assert slowest_health_check(web, 1) < 2
        for each in many:
            each.setblocking(False)
        # The server closes them as it accepts them, which takes a moment on a busy machine.
        deadline = time.monotonic() + 20
        while (count := sum(map(_is_open, many))) > 10 and time.monotonic() < deadline:
            time.sleep(0.1)
        assert count <= 10
        new = opened.enter_context(web.connect("127.0.0.2"))
        new.sendall(b"GET /healthz HTTP/1.0\r\n\r\n")
        assert b" 200 " in read_response(new, 2)


def _is_open(connection: socket.socket) -> bool:
    try:
        return bool(connection.recv(1))
    except BlockingIOError:
        return True
    except ConnectionResetError:
        return False


def test_gunicorn_stops_in_time_with_slow_clients(site: Site, environment: dict[str, str]) -> None:
    with run_gunicorn(environment) as web, slow_client_crowd(web, SLOW_CLIENTS["send half a form"], 10):
        assert web.is_alive()
    with pytest.raises(requests.ConnectionError):
        web.request("GET", "/healthz")
