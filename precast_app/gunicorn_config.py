"""gunicorn's settings: it reads the names in this module."""

from __future__ import annotations

import os
import sys
from typing import Any

from gunicorn.workers import gthread

from precast_app import database, logs, parsing
from precast_app.config import LOG_FORMATS, TEXT_LOG, Settings
from precast_app.errors import ConfigurationError
from precast_app.telemetry import duration_store

bind = f"0.0.0.0:{os.environ.get('PORT', '8000')}"

# Threads, because a request mostly waits: for the database, or for the next bytes of a slow upload. A sync worker
# would be killed during an upload that takes longer than `timeout`; a thread worker keeps reporting that it is alive.
# Our worker has a thread per connection and processes `threads` requests at once.
worker_class = "precast_app.webserver.gunicorn_worker.BoundedThreadWorker"
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
threads = int(os.environ.get("WEB_THREADS", "8"))
# With sendfile the kernel would wait for the client without a time limit.
sendfile = False
timeout = 60
# Longer than the 2 seconds between two polls of a job: a request fails if its connection is closed just then.
keepalive = 15

# Shorter than the 30 seconds that Heroku leaves between SIGTERM and SIGKILL.
graceful_timeout = 20

# Each worker creates its own application, because database connections must not be shared across a fork.
preload_app = False

# The control socket is not used. It would be created in the home directory and shared by all gunicorns of the user.
control_socket_disable = True

# Seconds a thread waits for the first bytes of a new connection (gunicorn's default: 5). After that the main thread
# polls the connection, so that silent clients occupy no thread.
gthread.DEFAULT_WORKER_DATA_TIMEOUT = 0.05


def on_starting(server: Any) -> None:
    """Exit with status 1 if a setting is missing or malformed; each worker would fail for the same reason."""
    try:
        Settings.from_environment()
    except ConfigurationError as error:
        server.log.critical("%s", error)
        sys.exit(1)


def post_worker_init(worker: Any) -> None:
    """Limit how long this process waits for PostgreSQL; start the fork server, and the thread that stores durations."""
    database.limit_waits(Settings.from_environment())
    parsing.start_fork_server()
    duration_store.start_flushing(worker.wsgi)


def worker_exit(server: Any, worker: Any) -> None:
    """Store the durations of the last seconds."""
    with worker.wsgi.app_context():
        duration_store.flush()


_log_format = os.environ.get("LOG_FORMAT", "").strip()
# Another format is reported by `on_starting`, as text.
logconfig_dict = logs.dict_config(_log_format if _log_format in LOG_FORMATS else TEXT_LOG)
access_log_format = logs.ACCESS_LOG_FORMAT
