"""A real gunicorn with small limits for reading files, and measurements of it from outside."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psutil
import requests

from precast_app.auth import tokens, users
from precast_app.extensions import db
from precast_app.projects import projects
from tests.gunicorn_server import GunicornServer, run_gunicorn

PARSE_SECONDS = 2
_PARSE_MEMORY_BYTES = 200 * 1024 * 1024
_REQUEST_SECONDS = 60


class ParsingServer:
    """A gunicorn with one worker process, as an administrator uses it."""

    def __init__(self, server: GunicornServer, headers: dict[str, str], project_id: int) -> None:
        self._server = server
        self.headers = headers
        self.project_id = project_id
        self.worker = psutil.Process(server.pid).children()[0]

    def get(self, path: str) -> requests.Response:
        """Return the response to a GET request."""
        return self._server.get(path, seconds=_REQUEST_SECONDS, headers=self.headers)

    def upload(self, content: bytes, query: str = "") -> requests.Response:
        """Return the response to an upload of a file of element types."""
        path = f"/api/project/{self.project_id}/import/excel{query}"
        files = {"file": ("a.xlsx", content)}
        return self._server.request("POST", path, seconds=_REQUEST_SECONDS, headers=self.headers, files=files)

    def fork_server(self) -> psutil.Process:
        """Wait for the fork server and return its process."""
        for _ in range(200):
            for child in self.worker.children():
                if "precast_app.parsing" in child.cmdline():
                    return child
            time.sleep(0.05)
        raise AssertionError("no fork server was started")

    def wait_for_busy_child(self, cpu_seconds: float = 0.3) -> psutil.Process:
        """Return the process that reads a file now: the one that has used `cpu_seconds` of processor time."""
        for _ in range(400):
            for child in self.worker.children(recursive=True):
                with child.oneshot():
                    if child.ppid() != self.worker.pid and sum(child.cpu_times()[:2]) > cpu_seconds:
                        return child
            time.sleep(0.02)
        raise AssertionError("no child reads a file")


@contextmanager
def run_parsing_server(environment: dict[str, str], parse_seconds: int = PARSE_SECONDS) -> Iterator[ParsingServer]:
    """Run a gunicorn that reads files with little time and memory, with an administrator and a project."""
    headers = {"Authorization": f"Bearer {tokens.create(users.create('ada', 'correct cement', is_admin=True), days=1)}"}
    project_id = projects.create("Green Meadows").id
    # The caller waits for long responses, and reading the id has begun a transaction.
    db.session.rollback()
    limits = {
        "PARSE_SECONDS": str(parse_seconds),
        "PARSE_MEMORY_BYTES": str(_PARSE_MEMORY_BYTES),
        "PARSE_WAIT_SECONDS": "1",
    }
    with run_gunicorn(environment, **limits) as server:
        yield ParsingServer(server, headers, project_id)


class HealthMonitor:
    """Thread that calls `/healthz` repeatedly and records its longest response time and the worker's peak memory.

    Times are in seconds, memory is in bytes.
    """

    def __init__(self, web: ParsingServer) -> None:
        self._web = web
        self._end = threading.Event()
        self.slowest = 0.0
        self.memory_before = 0
        self.peak_memory = 0
        self._thread = threading.Thread(target=self._watch)

    @property
    def memory_growth(self) -> int:
        """Return the worker's peak memory less the memory that it had before, in bytes."""
        return self.peak_memory - self.memory_before

    def __enter__(self) -> HealthMonitor:
        self.memory_before = self._web.worker.memory_info().rss
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._end.wait(0.05):
            began = time.monotonic()
            assert self._web.get("/healthz").ok
            self.slowest = max(self.slowest, time.monotonic() - began)
            self.peak_memory = max(self.peak_memory, self._web.worker.memory_info().rss)


def timed(send: Callable[[], requests.Response]) -> tuple[requests.Response, float]:
    """Return the response and the seconds that it took."""
    began = time.monotonic()
    response = send()
    return response, time.monotonic() - began
