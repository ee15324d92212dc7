"""The worker process: it keeps RQ workers, which do the jobs, and the reaper, which re-enqueues lost ones, alive.

Each child is a program of its own: none shares a connection or a lock with another, and a worker forks before it has
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
from types import FrameType

import psycopg2

from precast_app.config import Settings
from precast_app.errors import ConfigurationError
from precast_app.jobs import connection_budget

log = logging.getLogger("worker")

_RESTART_SECONDS = 1.0
_POLL_SECONDS = 0.5
# Hosts leave 30 seconds between SIGTERM and SIGKILL.
_STOP_SECONDS = 18


def main() -> int:
    """Keep the children alive, or be the child that the argument names; return the exit status."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    parser = argparse.ArgumentParser(description="Do the jobs that the web server takes in.")
    parser.add_argument("--processes", type=int, help="jobs at a time (default: WORKER_PROCESSES)")
    parser.add_argument("child", nargs="?", choices=["jobs", "reaper"], help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        {"jobs": _run_jobs, "reaper": _run_reaper}[arguments.child]()
        return 0
    settings = Settings.from_environment()
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
    stopping = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:
        stopping.set()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    roles = ["reaper", *["jobs"] * processes]
    children = [(role, _start(role)) for role in roles]
    while not stopping.wait(_POLL_SECONDS):
        for place, (role, child) in enumerate(children):
            if child.poll() is not None:
                log.error("A child (%s) ended with status %s and is started again.", role, child.returncode)
                time.sleep(_RESTART_SECONDS)
                children[place] = (role, _start(role))
    # Workers release the job that they are working on.
    for _, child in children:
        child.terminate()
    last = time.monotonic() + _STOP_SECONDS
    for _, child in children:
        try:
            child.wait(max(0, last - time.monotonic()))
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
    return 0


def _start(role: str) -> subprocess.Popen[bytes]:
    # A session of its own, so that Ctrl-C in a terminal reaches the children once, through this process.
    return subprocess.Popen([sys.executable, "-m", "precast_app.worker", role], start_new_session=True)


def _run_jobs() -> None:
    from precast_app import create_app
    from precast_app.jobs import work_loop

    settings = Settings.from_environment()
    app = create_app(settings, connections=settings.job_connections, limits=settings.job_limits)
    _exit_with_parent()
    with app.app_context():
        work_loop.run(settings)


def _run_reaper() -> None:
    from precast_app import create_app
    from precast_app.jobs import reaper

    settings = Settings.from_environment()
    app = create_app(settings, connections=connection_budget.REAPER_CONNECTIONS, limits=settings.job_limits)
    _exit_with_parent()
    while True:
        try:
            with app.app_context():
                reaper.sweep()
        except Exception:
            log.exception("The reaper's sweep failed. It tries again after REAPER_INTERVAL_SECONDS.")
        time.sleep(settings.reaper_interval_seconds)


def _exit_with_parent() -> None:
    """Exit when the supervising process is gone, so that no child outlives it when it is killed."""
    parent = os.getppid()

    def wait() -> None:
        while os.getppid() == parent:
            time.sleep(_POLL_SECONDS)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, name="parent", daemon=True).start()


if __name__ == "__main__":
    sys.exit(main())
