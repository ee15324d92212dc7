"""A real gunicorn of one process, with settings of the test's own."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import requests

from devstack import process
from tests.conftest import ROOT, kill

Answer = requests.Response


class Web:
    """A web process on this machine; requests are sent without the machine's proxies."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._session = requests.Session()
        self._session.trust_env = False

    def ask(self, method: str, path: str, *, seconds: float = 30, **options: object) -> Answer:
        """Return the answer; raise `requests.RequestException` if there is none after so many seconds."""
        return self._session.request(method, f"http://127.0.0.1:{self.port}{path}", timeout=seconds, **options)  # type: ignore[arg-type] # of requests

    def get(self, path: str, **options: object) -> Answer:
        """Return the answer to a GET."""
        return self.ask("GET", path, **options)  # type: ignore[arg-type] # of requests


@contextmanager
def started(environment: Mapping[str, str], **settings: str) -> Iterator[Web]:
    """Run gunicorn while the context lasts."""
    port = process.free_port()
    given = {**environment, "WEB_CONCURRENCY": "1", **settings, "PORT": str(port)}
    running = subprocess.Popen([sys.executable, "-m", "gunicorn", "wsgi:app"], cwd=ROOT, env=given)
    web = Web(port)
    try:
        for _ in range(200):
            try:
                web.get("/healthz", seconds=1)
                break
            except requests.RequestException:
                time.sleep(0.1)
        assert running.poll() is None, "gunicorn has not started"
        yield web
    finally:
        kill(running)
