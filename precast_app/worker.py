"""The worker process. It supervises RQ workers, which run the jobs, and the reaper, which re-enqueues lost ones.

The reaper's process also sends the notifications of the outbox.

Each child is a program of its own: children share no connection and no lock, and an RQ worker forks before it has
touched the database. Children import the application themselves, so that this process stays small.
"""

from __future__ import annotations

import argparse
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from queue import Empty, SimpleQueue
from types import FrameType
from typing import TYPE_CHECKING

import psycopg2

from precast_app import logs
from precast_app.config import Settings
from precast_app.errors import ConfigurationError
from precast_app.jobs import connection_budget

if TYPE_CHECKING:
    from flask import Flask

log = logging.getLogger("worker")

_RESTART_SECONDS = 1.0
_POLL_SECONDS = 0.5
# Hosts leave 30 seconds between SIGTERM and SIGKILL.
_STOP_SECONDS = 18


def main() -> int:
    """Supervise the children, or run as the child that the argument names; return the exit status."""
    parser = argparse.ArgumentParser(description="Run the jobs that the web server accepts.")
    parser.add_argument("--processes", type=int, help="number of jobs to run at a time (default: WORKER_PROCESSES)")
    parser.add_argument("child", nargs="?", choices=["jobs", "reaper"], help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    try:
        settings = Settings.from_environment()
        logs.configure(settings.log_format)
    except ConfigurationError as error:
        parser.error(str(error))
    if arguments.child:
        {"jobs": _run_jobs, "reaper": _run_reaper}[arguments.child]()
        return 0
    processes = settings.worker_processes if arguments.processes is None else arguments.processes
    if processes < 1:
        parser.error("--processes must be 1 or more")
    try:
        connection_budget.check_available(settings, processes)
    except ConfigurationError as error:
        parser.error(str(error))
    except psycopg2.OperationalError:
        log.warning("The database could not be reached. The worker starts anyway and waits for it.")
    return _supervise(processes)


def _supervise(processes: int) -> int:
    # Not a `threading.Event`: a signal that interrupts its methods would wait for the lock that this thread holds.
    signals: SimpleQueue[int] = SimpleQueue()

    def stop(number: int, frame: FrameType | None) -> None:
        signals.put(number)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    roles = ["reaper", *["jobs"] * processes]
    children = [(role, _start(role)) for role in roles]
    while not _has_arrived(signals, _POLL_SECONDS):
        for index, (role, child) in enumerate(children):
            if child.poll() is not None:
                log.error("A child (%s) exited with status %s and is started again.", role, child.returncode)
                time.sleep(_RESTART_SECONDS)
                children[index] = (role, _start(role))
    # A worker releases the job that it is running.
    for _, child in children:
        child.terminate()
    deadline = time.monotonic() + _STOP_SECONDS
    for _, child in children:
        try:
            child.wait(max(0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
    return 0


def _has_arrived(signals: SimpleQueue[int], seconds: float) -> bool:
    """Return whether a signal has arrived, at the latest after so many seconds."""
    try:
        signals.get(timeout=seconds)
    except Empty:
        return False
    return True


def _start(role: str) -> subprocess.Popen[bytes]:
    # A session of its own, so that Ctrl-C in a terminal reaches the children once, through this process.
    return subprocess.Popen([sys.executable, "-m", "precast_app.worker", role], start_new_session=True)


def _run_jobs() -> None:
    from precast_app import create_app
    from precast_app.jobs import work_loop

    settings = Settings.from_environment()
    app = create_app(settings, connections=settings.job_connections, limits=settings.job_limits, serves_requests=False)
    _exit_with_parent()
    with app.app_context():
        work_loop.run(settings)


def _run_reaper() -> None:
    from precast_app import create_app
    from precast_app.notifications.sender import Sender

    settings = Settings.from_environment()
    app = create_app(
        settings, connections=connection_budget.REAPER_CONNECTIONS, limits=settings.job_limits, serves_requests=False
    )
    _exit_with_parent()
    threading.Thread(target=Sender(app).run, name="sender", daemon=True).start()
    while True:
        maintain(app)
        time.sleep(settings.reaper_interval_seconds)


def maintain(app: Flask) -> None:
    """Recover lost jobs, then delete expired data; log the exception of either, which doesn't stop the other."""
    from precast_app.jobs import reaper, retention

    for task in (reaper.sweep, retention.delete_expired):
        try:
            with app.app_context():
                task()
        except Exception:
            log.exception("%s failed. It is tried again after REAPER_INTERVAL_SECONDS.", task.__module__)


def _exit_with_parent() -> None:
    """Exit when the supervising process is gone: no child outlives it, even if it is killed."""
    parent = os.getppid()

    def wait() -> None:
        while os.getppid() == parent:
            time.sleep(_POLL_SECONDS)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, name="parent", daemon=True).start()


if __name__ == "__main__":
    sys.exit(main())
