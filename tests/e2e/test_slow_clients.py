"""Clients that send slowly, or nothing at all, do not hold every thread of the web process."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import requests
from flask import Flask

from precast_app.embedded import process
from tests.conftest import ROOT, kill

THREADS = 4


@pytest.fixture
def port(app: Flask, environment: dict[str, str]) -> Iterator[int]:
    """A gunicorn with one process of few threads."""
    found = process.free_port(22_000)
    few = {"WEB_CONCURRENCY": "1", "WEB_THREADS": str(THREADS), "WEB_SILENCE_SECONDS": "2"}
    given = {**environment, **few, "PORT": str(found)}
    web = subprocess.Popen([sys.executable, "-m", "gunicorn", "wsgi:app"], cwd=ROOT, env=given)
    try:
        for _ in range(200):
            try:
                requests.get(f"http://127.0.0.1:{found}/healthz", timeout=1)
                break
            except requests.RequestException:
                time.sleep(0.1)
        yield found
    finally:
        kill(web)


@contextmanager
def sent(port: int, begun: bytes, count: int) -> Iterator[list[socket.socket]]:
    """Connections that have sent the beginning of a request, and go on a byte at a time if at all."""
    opened = [socket.create_connection(("127.0.0.1", port)) for _ in range(count)]
    try:
        for each in opened:
            each.sendall(begun)
        time.sleep(0.5)
        yield opened
    finally:
        for each in opened:
            each.close()


def healthy(port: int, seconds: float = 5) -> bool:
    try:
        return requests.get(f"http://127.0.0.1:{port}/healthz", timeout=seconds).ok
    except requests.RequestException:
        return False


BODY = b"POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n"


def test_bodies_that_never_come(port: int) -> None:
    with sent(port, BODY + b"Content-Length: 100\r\n\r\nname=", 3 * THREADS) as slow:
        assert healthy(port)
        for each in slow[:2]:
            each.sendall(b"a")
        assert healthy(port)
        # Who finds no place is told so, and when to come again.
        slow[-1].settimeout(15)
        answer = slow[-1].recv(65_536)
        assert b" 503 " in answer.splitlines()[0]
        assert b"Retry-After: 5" in answer
    assert healthy(port)


def test_bodies_in_chunks_that_never_come(port: int) -> None:
    with sent(port, BODY + b"Transfer-Encoding: chunked\r\n\r\n5\r\nname=\r\n", 3 * THREADS):
        assert healthy(port)


def test_connections_that_say_nothing(port: int) -> None:
    with sent(port, b"", 10 * THREADS):
        assert healthy(port)


def test_headers_that_never_end(port: int) -> None:
    with sent(port, b"GET /healthz HTTP/1.1\r\nHost: local", 3 * THREADS):
        assert healthy(port, 20)
