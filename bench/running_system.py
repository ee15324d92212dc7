"""The web server and the worker as processes, for measurements over HTTP, with the servers of the environment."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import requests

from devstack import process

ROOT = Path(__file__).resolve().parents[1]
_LOGS = ROOT / "var" / "bench"
_START_SECONDS = 120


def run_flask(*words: str, given: str | None = None) -> str:
    """Run a command of the application with `given` as its input, and return its output."""
    command = [sys.executable, "-m", "flask", *words]
    return subprocess.run(command, cwd=ROOT, input=given, text=True, check=True, capture_output=True).stdout


def create_token() -> str:
    """Create the administrator `bench` and return a token of theirs."""
    run_flask("user", "create", "bench", "--admin", "--password-stdin", given="only for the bench\n")
    return run_flask("token", "create", "bench").strip()


@contextmanager
def web() -> Iterator[str]:
    """Run gunicorn with its default processes; yield its address. Raise `SystemExit` if it does not start."""
    port = process.free_port(19_000)
    address = f"http://127.0.0.1:{port}"
    with _running(["-m", "gunicorn", "--bind", f"127.0.0.1:{port}", "wsgi:app"], "web"):
        end = time.monotonic() + _START_SECONDS
        while not _is_ready(address):
            if time.monotonic() > end:
                raise SystemExit(f"The web server has not started in {_START_SECONDS} s; see {_LOGS / 'web.log'}.")
            time.sleep(0.1)
        yield address


@contextmanager
def worker(processes: int) -> Iterator[None]:
    """Run a worker with so many processes; it may still be starting when the block begins."""
    with _running(["worker.py"], "worker", WORKER_PROCESSES=str(processes)):
        yield


def _is_ready(address: str) -> bool:
    try:
        return requests.get(f"{address}/healthz", timeout=5).ok
    except requests.RequestException:
        return False


@contextmanager
def _running(words: Sequence[str], name: str, **more: str) -> Iterator[None]:
    environment = {**os.environ, **more}
    started = process.start([sys.executable, *words], _LOGS / f"{name}.log", environment=environment, directory=ROOT)
    try:
        yield
    finally:
        started.terminate()
        started.wait(60)
