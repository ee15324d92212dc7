"""A real web process with small limits for reading files, and what is seen of it from outside."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psutil
import requests

from devstack import process
from precast_app.auth import tokens, users
from precast_app.projects import projects
from tests.conftest import ROOT, kill

SECONDS = 2
MEMORY = 200 * 1024 * 1024


class Web:
    """A gunicorn with one process, and what asks it."""

    def __init__(self, port: int, master: int, headers: dict[str, str], project_id: int) -> None:
        self.address = f"http://127.0.0.1:{port}"
        self.headers = headers
        self.project_id = project_id
        self.process = psutil.Process(master).children()[0]

    def get(self, path: str) -> requests.Response:
        return requests.get(f"{self.address}{path}", headers=self.headers, timeout=60)

    def upload(self, content: bytes, query: str = "") -> requests.Response:
        path = f"{self.address}/api/project/{self.project_id}/import/excel{query}"
        return requests.post(path, headers=self.headers, files={"file": ("a.xlsx", content)}, timeout=60)

    def fork_server(self) -> psutil.Process:
        for _ in range(200):
            for child in self.process.children():
                if "precast_app.parsing" in child.cmdline():
                    return child
            time.sleep(0.05)
        raise AssertionError("no fork server was started")

    def busy_child(self, seconds: float = 0.3) -> psutil.Process:
        """The process that reads a file now: the one that has used some processor time."""
        for _ in range(400):
            for child in self.process.children(recursive=True):
                with child.oneshot():
                    if child.ppid() != self.process.pid and sum(child.cpu_times()[:2]) > seconds:
                        return child
            time.sleep(0.02)
        raise AssertionError("nothing reads a file")


@contextmanager
def serving(environment: dict[str, str], seconds: int = SECONDS) -> Iterator[Web]:
    """A web process that reads files for a short time and with little memory."""
    port = process.free_port(23_000)
    limits = {
        "WEB_CONCURRENCY": "1", "PORT": str(port), "PARSE_SECONDS": str(seconds), "PARSE_MEMORY_BYTES": str(MEMORY),
        "PARSE_WAIT_SECONDS": "1",
    }  # fmt: skip
    headers = {"Authorization": f"Bearer {tokens.create(users.create('ada', 'correct horse', is_admin=True), days=1)}"}
    project_id = projects.create("Green Meadows").id
    master = subprocess.Popen([sys.executable, "-m", "gunicorn", "wsgi:app"], cwd=ROOT, env={**environment, **limits})
    try:
        for _ in range(300):
            try:
                requests.get(f"http://127.0.0.1:{port}/healthz", timeout=1)
                break
            except requests.RequestException:
                time.sleep(0.1)
        yield Web(port, master.pid, headers, project_id)
    finally:
        kill(master)


class Healthy:
    """Asks for `/healthz` again and again; keeps the longest that it took, and the most memory of the web process."""

    def __init__(self, web: Web) -> None:
        self._web = web
        self._end = threading.Event()
        self.longest = 0.0
        self.before = 0
        self.memory = 0
        self._thread = threading.Thread(target=self._ask)

    def __enter__(self) -> Healthy:
        self.before = self._web.process.memory_info().rss
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()

    def _ask(self) -> None:
        while not self._end.wait(0.05):
            began = time.monotonic()
            assert self._web.get("/healthz").ok
            self.longest = max(self.longest, time.monotonic() - began)
            self.memory = max(self.memory, self._web.process.memory_info().rss)


def timed(ask: Callable[[], requests.Response]) -> tuple[requests.Response, float]:
    began = time.monotonic()
    answer = ask()
    return answer, time.monotonic() - began
