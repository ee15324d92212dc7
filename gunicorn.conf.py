"""How gunicorn serves the application; it reads this file by itself from the folder it is started in."""

import os
import socket
import struct
from functools import partial
from typing import Any

from gunicorn import util
from gunicorn.workers import gthread

from precast_app import parsing

bind = f"0.0.0.0:{os.environ.get('PORT', '8000')}"

# Threads, since a request mostly waits: for the database, or for the next bytes of a slow upload. A sync worker would
# be killed in the middle of an upload that takes longer than `timeout`; a threaded one goes on saying it is alive.
worker_class = "gthread"
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
threads = int(os.environ.get("WEB_THREADS", "8"))
timeout = 60

# Shorter than the 30 seconds that Heroku leaves between SIGTERM and SIGKILL.
graceful_timeout = 20

# Each worker makes its own application: connections to the database must not be shared over a fork.
preload_app = False

# Nothing uses the control socket, which would lie in the home directory and be shared by every gunicorn of the user.
control_socket_disable = True

# A new connection gets a thread when its first bytes are there, not while it says nothing (by default: for 5 seconds).
gthread.DEFAULT_WORKER_DATA_TIMEOUT = 0.05

# Connections are closed by the one thread that all others wait for: it reads on for this long, not for 2 seconds, from
# a client that goes on sending after it has had its answer.
util.close_graceful = partial(util.close_graceful, timeout=0.1)

# A thread that waits for the rest of a request gives up after this silence, so that a sender that has stopped does not
# hold it for ever. One that goes on a byte at a time is a matter for the proxy in front (docs/operating.md).
silence_seconds = int(os.environ.get("WEB_SILENCE_SECONDS", "20"))


def when_ready(server: Any) -> None:
    """Accepted connections take this over from the sockets that listen."""
    for listener in server.LISTENERS:
        listener.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", silence_seconds, 0))


accesslog = "-"


def post_worker_init(worker: Any) -> None:
    """Load the parsers before the first file comes, in the process that reads files for this one."""
    parsing.start_early()
