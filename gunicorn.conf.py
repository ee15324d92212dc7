"""How gunicorn serves the application; it reads this file by itself from the folder it is started in."""

import os
from typing import Any

from gunicorn.workers import gthread

from precast_app import database, parsing
from precast_app.config import Settings

bind = f"0.0.0.0:{os.environ.get('PORT', '8000')}"

# Threads, since a request mostly waits: for the database, or for the next bytes of a slow upload. A sync worker would
# be killed in the middle of an upload that takes longer than `timeout`; a threaded one goes on saying it is alive.
# Ours has threads for as many connections as it has, and works on `threads` requests at once.
worker_class = "precast_app.webserver.worker.ClientWorker"
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
threads = int(os.environ.get("WEB_THREADS", "8"))
# The kernel would wait for the client by itself, without an end.
sendfile = False
timeout = 60
# Longer than clients wait between two polls of a job (2 s): a connection that is closed just then fails their request.
keepalive = 15

# Shorter than the 30 seconds that Heroku leaves between SIGTERM and SIGKILL.
graceful_timeout = 20

# Each worker makes its own application: connections to the database must not be shared over a fork.
preload_app = False

# Nothing uses the control socket, which would lie in the home directory and be shared by every gunicorn of the user.
control_socket_disable = True

# A new connection gets a thread when its first bytes are there, not while it says nothing (by default: for 5 seconds).
gthread.DEFAULT_WORKER_DATA_TIMEOUT = 0.05


def post_worker_init(worker: Any) -> None:
    """Bound the waits of this process for PostgreSQL, and load the parsers before the first file comes."""
    database.limit_waits(Settings.from_environment())
    parsing.start_early()


accesslog = "-"
