"""Clients that send or read slowly, many at once, and ordinary requests to the same web server."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from tests.conftest import EXAMPLES
from tests.gunicorn_server import GunicornServer

NAME, PASSWORD = "mia", "correct cement"
_INTERVAL_SECONDS = 1.0
_LARGE = b"/api/docs/assets/swagger-ui-bundle.js"
_FORM = b"Host: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n"
_LOGIN = b"POST /login HTTP/1.1\r\n" + _FORM
_JSON = b"Host: localhost\r\nContent-Type: application/json\r\n"
_CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"


@dataclass(frozen=True, slots=True)
class SlowClient:
    """What a client sends at once, what it sends every second, and how many bytes it reads every second."""

    first_bytes: bytes
    every_second: bytes = b""
    read_size: int = 0


def _get(path: bytes, version: bytes = b"1.1") -> bytes:
    return b"GET " + path + b" HTTP/" + version + b"\r\nHost: localhost\r\n\r\n"


SLOW_CLIENTS = {
    "read nothing of eight responses": SlowClient(8 * _get(_LARGE)),
    "read nothing, HTTP 1.0": SlowClient(_get(_LARGE, b"1.0")),
    "read a byte a second": SlowClient(8 * _get(_LARGE), read_size=1),
    "read a kilobyte a second": SlowClient(8 * _get(_LARGE), read_size=1000),
    "read no responses to HEAD": SlowClient(400 * _get(_LARGE).replace(b"GET", b"HEAD")),
    "read nothing of 401 responses": SlowClient(400 * _get(b"/api/project")),
    "send nothing": SlowClient(b""),
    "send half a head": SlowClient(b"GET /healthz HTTP/1.1\r\nHost: local"),
    "send a head byte by byte": SlowClient(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Slow: a", b"a"),
    "send the next head byte by byte": SlowClient(_get(b"/healthz") + b"GET /heal", b"a", 1000),
    "send half a form": SlowClient(_LOGIN + b"Content-Length: 100\r\n\r\nname="),
    "send a form byte by byte": SlowClient(_LOGIN + b"Content-Length: 100000\r\n\r\nname=", b"a"),
    "send a form byte by byte, HTTP 1.0": SlowClient(
        b"POST /login HTTP/1.0\r\n" + _FORM + b"Content-Length: 100000\r\n\r\nname=", b"a"
    ),
    "send a form in small chunks": SlowClient(_LOGIN + _CHUNKED, b"1\r\na\r\n"),
    "send a chunk's length slowly": SlowClient(_LOGIN + _CHUNKED + b"5", b";a"),
    "send trailers slowly": SlowClient(_LOGIN + _CHUNKED + b"5\r\nname=\r\n0\r\nX-Slow: a", b"a"),
    "send a form after 100 Continue": SlowClient(_LOGIN + b"Expect: 100-continue\r\nContent-Length: 100\r\n\r\n", b"a"),
    "send JSON byte by byte": SlowClient(
        b"POST /api/project HTTP/1.1\r\n" + _JSON + b'Content-Length: 9999\r\n\r\n{"name": "', b"a"
    ),
    "send a body with GET": SlowClient(b"GET /login HTTP/1.1\r\n" + _JSON + b"Content-Length: 9999\r\n\r\n", b"a"),
    "send an upload without a token": SlowClient(
        b"PUT /api/jobs/1/file HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9999999\r\n\r\n", b"a"
    ),
    "send an upload with a false token": SlowClient(
        b"POST /api/project/1/import/excel HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer x\r\n"
        b"Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 9999999\r\n\r\n--x\r\n",
        b"a",
    ),
    "send to an unknown path": SlowClient(
        b"PUT /nothing HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9999999\r\n\r\n", b"a"
    ),
}


def sign_in(web: GunicornServer) -> int:
    """Return the status of a sign-in with the right password."""
    return web.request("POST", "/login", data={"name": NAME, "password": PASSWORD}).status_code


def upload(web: GunicornServer, project_id: int, headers: Mapping[str, str]) -> int:
    """Return the status of an ordinary upload."""
    with (EXAMPLES / "element_types.csv").open("rb") as file:
        path = f"/api/project/{project_id}/import/excel"
        return web.request("POST", path, files={"file": file}, headers=headers).status_code


@contextmanager
def slow_client_crowd(
    web: GunicornServer, client: SlowClient, count: int, source: str = "127.0.0.1"
) -> Iterator[list[socket.socket]]:
    """Keep `count` such clients connected; a client whose connection the server has closed reconnects."""
    opened = [_start_client(web, client, source) for _ in range(count)]
    ended = threading.Event()

    def keep_going() -> None:
        while not ended.wait(_INTERVAL_SECONDS):
            for index, each in enumerate(opened):
                if not _continue_client(each, client):
                    each.close()
                    with suppress(OSError):
                        opened[index] = _start_client(web, client, source)

    thread = threading.Thread(target=keep_going)
    thread.start()
    try:
        yield opened
    finally:
        ended.set()
        thread.join()
        for each in opened:
            each.close()


def _start_client(web: GunicornServer, client: SlowClient, source: str) -> socket.socket:
    opened = web.connect(source)
    opened.setblocking(False)
    with suppress(OSError):
        opened.send(client.first_bytes)
    return opened


def _continue_client(opened: socket.socket, client: SlowClient) -> bool:
    """Send and read as the client does every second; return False if the server has closed the connection."""
    try:
        if client.every_second:
            opened.send(client.every_second)
        if not opened.recv(client.read_size or 1, 0 if client.read_size else socket.MSG_PEEK):
            return False
    except BlockingIOError:
        return True
    except OSError:
        return False
    return True


def slowest_health_check(web: GunicornServer, seconds: float) -> float:
    """Call `/healthz` for `seconds` and return its longest response time; fail if one takes 2 seconds or more."""
    slowest, end = 0.0, time.monotonic() + seconds
    while time.monotonic() < end:
        asked = time.monotonic()
        assert web.is_alive(), "no response within two seconds"
        slowest = max(slowest, time.monotonic() - asked)
        time.sleep(0.1)
    return slowest
