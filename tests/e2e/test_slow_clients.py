"""Clients that send or read slowly hold nothing that others need; `make attack` tries every kind, and for longer."""

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
    """A gunicorn with one process of few threads, a project, and two who manage it."""

    web: GunicornServer
    project_id: int
    mia: dict[str, str]
    sam: dict[str, str]


@pytest.fixture(scope="module")
def site(_application: Flask, environment: dict[str, str]) -> Iterator[Site]:
    few = {"WEB_THREADS": str(THREADS), "WEB_UPLOADS": str(UPLOADS), "WEB_SILENCE_SECONDS": "3", "REQUEST_SECONDS": "3"}
    # Not emptied for each test: requests of slow clients may still be under way.
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
    """Return the number of a new job that waits for its file."""
    path = f"/api/project/{site.project_id}/jobs?job_type=stage_import"
    job_id: int = site.web.request("POST", path, headers=site.mia).json()["job_id"]
    return job_id


def answer(opened: socket.socket, seconds: float) -> bytes:
    """Return what the server sends until it closes the connection; raise `TimeoutError` if it goes on for longer."""
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
def test_others_are_served_while_many_are_slow(site: Site, kind: str) -> None:
    web = site.web
    with slow_client_crowd(web, SLOW_CLIENTS[kind], 8 * THREADS):
        assert slowest_health_check(web, 1) < 2
        assert sign_in(web) == 302
        assert upload(web, site.project_id, site.mia) == 202
        assert slowest_health_check(web, 1) < 2


@pytest.mark.parametrize(
    ("begins", "told"),
    [
        (SLOW_CLIENTS["send a form byte by byte"].first_bytes, b" 408 "),
        (SLOW_CLIENTS["send a form in small chunks"].first_bytes, b" 408 "),
        (SLOW_CLIENTS["send an upload without a token"].first_bytes, b" 401 "),
        (SLOW_CLIENTS["send half a head"].first_bytes, b""),
    ],
    ids=["form", "chunks", "upload", "head"],
)
def test_a_slow_sender_is_cut_off_after_seconds(web: GunicornServer, begins: bytes, told: bytes) -> None:
    with web.connect() as opened:
        started = time.monotonic()
        opened.sendall(begins)
        received = answer(opened, 10)
        assert told in received.partition(b"\r\n")[0]
        assert time.monotonic() - started < 6


@pytest.mark.parametrize("reads", [0, 1])
def test_a_slow_reader_is_cut_off_after_seconds(web: GunicornServer, reads: int) -> None:
    with web.connect() as opened:
        opened.sendall(SLOW_CLIENTS["read a byte a second"].first_bytes)
        received, error, end = b"", 0, time.monotonic() + 8
        while not error and time.monotonic() < end:
            if reads:
                received += opened.recv(reads)
            time.sleep(0.25)
            error = opened.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        # A reset: the server's kernel does not keep what is left to send.
        assert error == errno.ECONNRESET
        assert b"HTTP/1.1 200".startswith(received[:12])


def test_a_reader_that_is_only_not_fast_gets_everything(web: GunicornServer) -> None:
    with web.connect() as opened:
        opened.sendall(b"GET /api/docs/assets/swagger-ui.css HTTP/1.0\r\n\r\n")
        received = b""
        # 145 kB within 5 seconds, longer than a client may stop.
        while data := opened.recv(7_000):
            received += data
            time.sleep(0.25)
    assert len(received) > 144_000
    assert web.is_alive()


def test_a_member_may_send_an_upload_that_is_only_not_fast(site: Site) -> None:
    def slowly() -> Iterator[bytes]:
        # 5 seconds for 50 kB, longer than a client may stop, and than other bodies may take.
        yield b"name\n"
        for number in range(10):
            time.sleep(0.5)
            yield f"Stage {number}\n".encode() + b"x" * 5_000 + b"\n"

    sent = site.web.request("PUT", f"/api/jobs/{waiting_job(site)}/file", data=slowly(), headers=site.mia)
    assert sent.status_code == 202, sent.text


def test_an_upload_byte_by_byte_is_cut_off(site: Site) -> None:
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


def test_one_user_leaves_places_for_the_uploads_of_others(site: Site) -> None:
    web, token = site.web, site.sam["Authorization"]
    upload = SlowClient(
        f"POST /api/project/{site.project_id}/import/excel HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9999999\r\n"
        f"Content-Type: multipart/form-data; boundary=x\r\nAuthorization: {token}\r\n\r\n--x\r\n".encode()
    )
    with slow_client_crowd(web, upload, 3 * UPLOADS):
        time.sleep(0.5)
        assert upload(web, site.project_id, site.mia) == 202
        assert upload(web, site.project_id, site.sam) == 503


def test_a_large_body_that_is_no_upload_is_refused(web: GunicornServer) -> None:
    for path in ("/login", "/api/project", "/logout"):
        refused = web.request("POST", path, data=b"a" * 50_000_000)
        assert (path, refused.status_code) == (path, 413)
    chunked = web.request("POST", "/login", data=iter([b"a" * 100_000] * 20))
    assert chunked.status_code == 413


@pytest.mark.parametrize("settings", [{"WEB_CLIENTS_PER_ADDRESS": "10"}, {"WEB_CLIENTS": "10", "TRUSTED_PROXIES": "1"}])
def test_connections_are_bounded_and_a_new_one_gets_in(
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
        assert sum(map(_is_open, many)) <= 10
        new = opened.enter_context(web.connect("127.0.0.2"))
        new.sendall(b"GET /healthz HTTP/1.0\r\n\r\n")
        assert b" 200 " in answer(new, 2)


def _is_open(connection: socket.socket) -> bool:
    try:
        return bool(connection.recv(1))
    except BlockingIOError:
        return True
    except ConnectionResetError:
        return False


def test_it_ends_in_time_with_slow_clients(site: Site, environment: dict[str, str]) -> None:
    with run_gunicorn(environment) as web, slow_client_crowd(web, SLOW_CLIENTS["send half a form"], 10):
        assert web.is_alive()
    with pytest.raises(requests.ConnectionError):
        web.request("GET", "/healthz")
