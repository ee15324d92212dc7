"""A real gunicorn, started with a test's own settings, and requests to it."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress

import requests

from devstack import process
from tests.conftest import ROOT, kill

# A monitoring system waits this long for a health check.
HEALTH_SECONDS = 2.0
_START_SECONDS = 30
_STOP_SECONDS = 2


class GunicornServer:
    """A running gunicorn. Each request has a connection and a session of its own and ignores the machine's proxies."""

    def __init__(self, port: int, pid: int) -> None:
        self.port = port
        self.pid = pid
        self.address = f"http://127.0.0.1:{port}"

    def request(self, method: str, path: str, *, seconds: float = 30, **options: object) -> requests.Response:
        """Return the response; raise `requests.RequestException` if there is none within `seconds`.

        Redirects are not followed.
        """
        with requests.Session() as session:
            session.trust_env = False
            return session.request(
                method,
                f"{self.address}{path}",
                timeout=seconds,
                allow_redirects=False,
                **options,  # type: ignore[arg-type] # of requests
            )

    def get(self, path: str, *, seconds: float = 30, **options: object) -> requests.Response:
        """Return the response to a GET request; see `request`."""
        return self.request("GET", path, seconds=seconds, **options)

    def is_alive(self, seconds: float = HEALTH_SECONDS) -> bool:
        """Return whether `/healthz` answers within `seconds`."""
        try:
            return self.get("/healthz", seconds=seconds).ok
        except requests.RequestException:
            return False

    def connect(self, source: str = "127.0.0.1") -> socket.socket:
        """Return a connection from an address of this machine, with a small receive buffer."""
        opened = socket.socket()
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        opened.settimeout(5)
        opened.bind((source, 0))
        opened.connect(("127.0.0.1", self.port))
        return opened


@contextmanager
def run_gunicorn(environment: Mapping[str, str], **settings: str) -> Iterator[GunicornServer]:
    """Run gunicorn, with one worker process unless the settings say otherwise."""
    port = process.free_port()
    given = {**environment, "WEB_CONCURRENCY": "1", **settings, "PORT": str(port)}
    running = subprocess.Popen([sys.executable, "-m", "gunicorn", "wsgi:app"], cwd=ROOT, env=given)
    try:
        server = GunicornServer(port, running.pid)
        end = time.monotonic() + _START_SECONDS
        while not server.is_alive(1):
            assert running.poll() is None and time.monotonic() < end, "gunicorn has not started"
            time.sleep(0.1)
        yield server
    finally:
        # Asked first, because a killed process leaves no coverage figures.
        running.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            running.wait(_STOP_SECONDS)
        kill(running)
