"""Clients that send or read slowly, many at once, and the people who use the same web server meanwhile."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import requests

from devstack import process
from tests.conftest import EXAMPLES, ROOT, kill

NAME, PASSWORD = "mia", "correct horse"
# How long a machine that watches the server waits for it.
HEALTH_SECONDS = 2.0
_DRIP_SECONDS = 1.0
_LARGE = b"/api/docs/assets/swagger-ui-bundle.js.map"
_FORM = b"Host: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n"
_LOGIN = b"POST /login HTTP/1.1\r\n" + _FORM
_JSON = b"Host: localhost\r\nContent-Type: application/json\r\n"
_CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"


@dataclass(frozen=True, slots=True)
class SlowClient:
    """What a client sends at once, what it sends again each second, and how many bytes it reads each second."""

    begins: bytes
    drips: bytes = b""
    reads: int = 0


def _get(path: bytes, version: bytes = b"1.1") -> bytes:
    return b"GET " + path + b" HTTP/" + version + b"\r\nHost: localhost\r\n\r\n"


SLOW_CLIENTS = {
    "read nothing of eight answers": SlowClient(8 * _get(_LARGE)),
    "read nothing, HTTP 1.0": SlowClient(_get(_LARGE, b"1.0")),
    "read a byte a second": SlowClient(8 * _get(_LARGE), reads=1),
    "read a kilobyte a second": SlowClient(8 * _get(_LARGE), reads=1000),
    "read no answers to HEAD": SlowClient(400 * _get(_LARGE).replace(b"GET", b"HEAD")),
    "read nothing of refusals": SlowClient(400 * _get(b"/api/project")),
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
    "send an upload as strangers": SlowClient(
        b"PUT /api/jobs/1/file HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9999999\r\n\r\n", b"a"
    ),
    "send an upload with a false token": SlowClient(
        b"POST /api/project/1/import/excel HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer x\r\n"
        b"Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 9999999\r\n\r\n--x\r\n",
        b"a",
    ),
    "send to where nothing is": SlowClient(
        b"PUT /nothing HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9999999\r\n\r\n", b"a"
    ),
}


class Web:
    """A running gunicorn."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.address = f"http://127.0.0.1:{port}"

    def is_alive(self, seconds: float = HEALTH_SECONDS) -> bool:
        """Return whether `/healthz` answers in time."""
        try:
            return self.ask("GET", "/healthz", timeout=seconds).ok
        except requests.RequestException:
            return False

    def ask(self, method: str, path: str, timeout: float = 30, **options: object) -> requests.Response:
        """Return the answer to a request on a new connection, sent without the machine's proxies."""
        with requests.Session() as session:
            session.trust_env = False
            return session.request(
                method,
                f"{self.address}{path}",
                timeout=timeout,
                allow_redirects=False,
                **options,  # type: ignore[arg-type] # of requests
            )

    def connect(self, source: str = "127.0.0.1") -> socket.socket:
        """Return a connection from an address of this machine; its kernel takes little that is not read."""
        opened = socket.socket()
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        opened.settimeout(5)
        opened.bind((source, 0))
        opened.connect(("127.0.0.1", self.port))
        return opened

    def sign_in(self) -> int:
        """Return the status of signing in with the right password."""
        return self.ask("POST", "/login", data={"name": NAME, "password": PASSWORD}).status_code

    def upload(self, project_id: int, headers: Mapping[str, str], path: Path = EXAMPLES / "element_types.csv") -> int:
        """Return the status of an ordinary upload."""
        with path.open("rb") as file:
            return self.ask(
                "POST", f"/api/project/{project_id}/import/excel", files={"file": file}, headers=headers
            ).status_code


@contextmanager
def web_server(environment: Mapping[str, str], **settings: str) -> Iterator[Web]:
    """Run gunicorn while the context lasts, with one process unless the settings say otherwise."""
    port = process.free_port()
    given = {**environment, "WEB_CONCURRENCY": "1", **settings, "PORT": str(port)}
    running = subprocess.Popen([sys.executable, "-m", "gunicorn", "wsgi:app"], cwd=ROOT, env=given)
    try:
        web = Web(port)
        for _ in range(200):
            if web.is_alive(1):
                break
            time.sleep(0.1)
        yield web
    finally:
        kill(running)


@contextmanager
def crowd(web: Web, client: SlowClient, count: int, source: str = "127.0.0.1") -> Iterator[list[socket.socket]]:
    """Keep `count` such clients while the context lasts: one that the server has closed comes again at once."""
    opened = [_begun(web, client, source) for _ in range(count)]
    ended = threading.Event()

    def go_on() -> None:
        while not ended.wait(_DRIP_SECONDS):
            for place, each in enumerate(opened):
                if not _drip(each, client):
                    each.close()
                    with suppress(OSError):
                        opened[place] = _begun(web, client, source)

    going = threading.Thread(target=go_on)
    going.start()
    try:
        yield opened
    finally:
        ended.set()
        going.join()
        for each in opened:
            each.close()


def _begun(web: Web, client: SlowClient, source: str) -> socket.socket:
    opened = web.connect(source)
    opened.setblocking(False)
    with suppress(OSError):
        opened.send(client.begins)
    return opened


def _drip(opened: socket.socket, client: SlowClient) -> bool:
    """Send and read what is due; return False if the server has closed the connection."""
    try:
        if client.drips:
            opened.send(client.drips)
        if not opened.recv(client.reads or 1, 0 if client.reads else socket.MSG_PEEK):
            return False
    except BlockingIOError:
        return True
    except OSError:
        return False
    return True


def slowest_health(web: Web, seconds: float) -> float:
    """Return the longest time that `/healthz` took in so many seconds; raise `AssertionError` if it does not answer."""
    slowest, end = 0.0, time.monotonic() + seconds
    while time.monotonic() < end:
        asked = time.monotonic()
        assert web.is_alive(), "no answer within two seconds"
        slowest = max(slowest, time.monotonic() - asked)
        time.sleep(0.1)
    return slowest
