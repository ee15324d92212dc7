"""The worker process: RQ workers that do the jobs, and the watchman that puts lost ones back.

This process only keeps its children alive. Each is a program of its own: none shares a connection or a lock with
another, and a worker forks before it has touched the database.
"""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from types import FrameType

from precast_app.config import Settings

log = logging.getLogger("worker")

_RESTART_SECONDS = 1.0
_LOOK_SECONDS = 0.5
# A worker that waits says so to Redis more often than this; one that was killed is forgotten after twice the time.
_SEEN_SECONDS = 60


def main() -> int:
    """Without an argument: keep the children alive. With one: be the child that it names."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    match sys.argv[1:]:
        case []:
            return _supervise(Settings.from_environment())
        case ["jobs"]:
            _do_jobs()
        case ["watchman"]:
            _watch()
        case _:
            print("Usage: python worker.py", file=sys.stderr)
            return 2
    return 0


def _supervise(settings: Settings) -> int:
    stopping = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:
        stopping.set()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    roles = ["watchman", *["jobs"] * settings.worker_processes]
    children = [(role, _start(role)) for role in roles]
    while not stopping.wait(_LOOK_SECONDS):
        for place, (role, child) in enumerate(children):
            if child.poll() is not None:
                log.error("A child (%s) ended with status %s and is started again.", role, child.returncode)
                time.sleep(_RESTART_SECONDS)
                children[place] = (role, _start(role))
    # A warm stop: workers finish the job that they are at.
    for _, child in children:
        child.terminate()
    for _, child in children:
        child.wait()
    return 0


def _start(role: str) -> subprocess.Popen[bytes]:
    # A session of its own, so that Ctrl-C in a terminal reaches the children once, through this process.
    return subprocess.Popen([sys.executable, __file__, role], start_new_session=True)


def _do_jobs() -> None:
    from rq.serializers import JSONSerializer

    from precast_app import create_app
    from precast_app.jobs import queue
    from precast_app.jobs.horse import BoundedWorker

    app = create_app()
    settings: Settings = app.config["PRECAST"]
    _leave_with_parent()
    with app.app_context():
        worker = BoundedWorker(
            [queue.queue()],
            connection=queue.connection_for_worker(),
            serializer=JSONSerializer,
            worker_ttl=_SEEN_SECONDS,
            job_bytes=settings.job_bytes,
        )
        worker.work(logging_level="INFO")


def _watch() -> None:
    from precast_app import create_app
    from precast_app.jobs import watchman

    app = create_app()
    settings: Settings = app.config["PRECAST"]
    _leave_with_parent()
    while True:
        try:
            with app.app_context():
                watchman.look()
        except Exception:
            log.exception("The watchman's round failed; it goes on with the next.")
        time.sleep(settings.watch_seconds)


def _leave_with_parent() -> None:
    """Stop when the supervising process is gone, so that nothing is left behind when it was killed."""
    parent = os.getppid()

    def wait() -> None:
        while os.getppid() == parent:
            time.sleep(_LOOK_SECONDS)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, name="parent", daemon=True).start()


if __name__ == "__main__":
    sys.exit(main())
