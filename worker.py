"""The worker process: RQ workers that do the jobs, and the watchman that puts lost ones back.

This process only keeps its children alive. Each is a program of its own: none shares a connection or a lock with
another, and a worker forks before it has touched the database.
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
# A host leaves 30 seconds between SIGTERM and SIGKILL.
_STOP_SECONDS = 18
# A worker that waits says so to Redis more often than this; one that was killed is forgotten after twice the time.
_HEARTBEAT_SECONDS = 60


def main() -> int:
    """Without an argument: keep the children alive. With one: be the child that it names."""
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
        log.warning("The database could not be reached; the worker starts all the same, and waits for it.")
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
    # Workers give back the job that they are at.
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
    return subprocess.Popen([sys.executable, __file__, role], start_new_session=True)


def _run_jobs() -> None:
    from rq.serializers import JSONSerializer

    from precast_app import create_app
    from precast_app.jobs import broker
    from precast_app.jobs.rq_worker import MemoryLimitedWorker

    settings = Settings.from_environment()
    app = create_app(settings, connections=settings.job_connections, limits=settings.job_limits)
    _exit_with_parent()
    with app.app_context():
        worker = MemoryLimitedWorker(
            [broker.rq_queue()],
            connection=broker.worker_redis_connection(),
            serializer=JSONSerializer,
            worker_ttl=_HEARTBEAT_SECONDS,
            job_memory_bytes=settings.job_memory_bytes,
        )
        worker.work(logging_level="INFO")


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
            log.exception("The watchman's round failed; it goes on with the next.")
        time.sleep(settings.reaper_interval_seconds)


def _exit_with_parent() -> None:
    """Stop when the supervising process is gone, so that nothing is left behind when it was killed."""
    parent = os.getppid()

    def wait() -> None:
        while os.getppid() == parent:
            time.sleep(_POLL_SECONDS)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, name="parent", daemon=True).start()


if __name__ == "__main__":
    sys.exit(main())
