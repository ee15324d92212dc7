"""gunicorn's threaded worker, which answers health checks while all threads that answer requests are held."""

from __future__ import annotations

import selectors
import socket
from concurrent.futures import Executor, ThreadPoolExecutor
from functools import partial
from types import FrameType

from gunicorn.workers.gthread import TConn, ThreadWorker

_THREADS = 2
_HEADS = (b"GET /healthz", b"HEAD /healthz", b"GET /readyz", b"HEAD /readyz")
_HEAD_BYTES = 4096


class HealthFirstWorker(ThreadWorker):
    """A threaded worker with a thread pool for health checks beside the one for all other requests.

    The choice is made by the main thread from bytes that have arrived, which are left in the socket. So a request
    takes a place among the health checks only if its head has arrived as a whole.
    """

    def init_process(self) -> None:
        """See `ThreadWorker`."""
        self.health_pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="health")
        super().init_process()

    def enqueue_req(self, conn: TConn) -> None:
        """See `ThreadWorker`; called by the main thread."""
        if conn.parser is None and not conn.data_ready:
            # A new connection: which pool it needs can be told when its first bytes are there.
            conn.sock.setblocking(False)
            conn.set_timeout()
            self.pending_conns.append(conn)
            self.poller.register(conn.sock, selectors.EVENT_READ, partial(self.on_pending_socket_readable, conn))
            return
        pool: Executor = self.health_pool if _is_health_check(conn) else self.tpool
        future = pool.submit(self.handle, conn)
        future.add_done_callback(lambda done: self.method_queue.defer(partial(self.finish_request, conn, done)))

    def handle_quit(self, sig: int, frame: FrameType | None) -> None:
        """See `ThreadWorker`."""
        self.health_pool.shutdown(wait=False)
        super().handle_quit(sig, frame)

    def run(self) -> None:
        """See `ThreadWorker`."""
        super().run()
        self.health_pool.shutdown(wait=False)


def _is_health_check(conn: TConn) -> bool:
    """Return whether the request that is about to be read is a health check whose head is there."""
    if conn.parser is not None and conn.parser.unreader.buf.getvalue():
        # A part of it has been read from the socket, together with the request before.
        return False
    try:
        head = conn.sock.recv(_HEAD_BYTES, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except OSError:
        return False
    return head.startswith(_HEADS) and b"\r\n\r\n" in head
