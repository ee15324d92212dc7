"""gunicorn thread worker that limits requests, connections and the time it waits for each client.

Each active connection has its own thread. The number of requests that are processed at once is limited
(`RequestSlots`), and a request that waits for its client doesn't count. A client has limited time for each step
(`ClientSocket`), and a client address a limited number of connections. When there are too many connections, the one
with the earliest deadline is closed, so that a new client is served while others are slow. The main thread only accepts
and closes connections and never waits for a client.
"""

from __future__ import annotations

import errno
import ipaddress
import math
import socket
import sys
import time
from collections.abc import Iterable
from concurrent import futures
from contextlib import suppress
from typing import Any

from gunicorn import util
from gunicorn.errors import ConfigError
from gunicorn.workers.gthread import TConn, ThreadWorker

from precast_app.config import Settings
from precast_app.webserver.client_socket import LINGER_SECONDS, ClientSocket
from precast_app.webserver.request_slots import RequestSlots

# Health checks need no slot: they are answered however many requests are being processed.
_HEALTH_PATHS = frozenset({"/healthz", "/readyz"})
# Extra threads for connections that were closed but whose thread has not ended yet.
_CLOSING_CONNECTIONS = 50
# Unread request bytes that are drained after the response, before the connection is closed.
_LINGER_BYTES = 64 * 1024 * 1024
_MAX_ACCEPTS = 64
# Until the next connection is accepted. A process that has less to do accepts it sooner.
_ACCEPT_PAUSE_SECONDS = 0.0002
# Python's switch interval in seconds. Its default of 0.005 makes the main thread, one of many, accept too slowly.
_THREAD_SWITCH_SECONDS = 0.001
_BUSY_RESPONSE = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


class TrackedConnection(TConn):
    """Connection that is listed in its worker's `connections`."""

    def __init__(self, worker: BoundedThreadWorker, sock: ClientSocket, client: Any, server: Any) -> None:
        super().__init__(worker.cfg, sock, client, server)
        self._worker = worker
        self.network = client_network(client)

    def close(self, graceful: bool = False) -> None:
        """Close at once: `BoundedThreadWorker.handle` has already waited for the client where necessary."""
        self._worker.connections.discard(self)
        util.close(self.sock)


class BoundedThreadWorker(ThreadWorker):
    """Thread worker with a thread per connection and a slot per request."""

    @classmethod
    def check_config(cls, cfg: Any, log: Any) -> None:
        """Raise `ConfigError` for settings that would bypass this worker's limits."""
        super().check_config(cfg, log)
        if cfg.is_ssl or cfg.sendfile is not False:
            raise ConfigError("Set `sendfile = False`, and let a proxy in front of gunicorn terminate TLS.")

    def init_process(self) -> None:
        """Read the settings, load the application and run the worker."""
        sys.setswitchinterval(_THREAD_SWITCH_SECONDS)
        self.settings = Settings.from_environment()
        self.slots = RequestSlots(self.cfg.threads)
        self.connections: set[TrackedConnection] = set()
        self.worker_connections = self.settings.web_clients + _CLOSING_CONNECTIONS
        super().init_process()

    def get_thread_pool(self) -> futures.ThreadPoolExecutor:
        """Return a pool with a thread per connection; threads are started when they are needed."""
        return futures.ThreadPoolExecutor(self.worker_connections)

    def run(self) -> None:
        """Serve until shutdown, then abort the remaining connections so that no thread waits for a client."""
        super().run()
        for connection in list(self.connections):
            connection.sock.abort()

    def accept(self, listener: socket.socket) -> None:
        """Accept up to 64 waiting connections at once, because one loop of the main thread can take long under load.

        Without a pause, one process takes nearly all that arrive together.
        """
        for _ in range(_MAX_ACCEPTS):
            try:
                accepted, client = listener.accept()
            except OSError as error:
                if error.errno in (errno.EAGAIN, errno.ECONNABORTED, errno.EWOULDBLOCK):
                    return
                raise
            self._enqueue_connection(accepted, client, listener)
            time.sleep(_ACCEPT_PAUSE_SECONDS)

    def _enqueue_connection(self, accepted: socket.socket, client: Any, listener: socket.socket) -> None:
        """Queue a new connection, or answer 503 if there are too many and none can be closed."""
        connection = TrackedConnection(
            self, ClientSocket(accepted.detach(), self.settings), client, listener.getsockname()
        )
        if not self._evict_if_full(connection.network):
            with suppress(OSError):
                connection.sock.send(_BUSY_RESPONSE)
            connection.close()
            return
        self.nr_conns += 1
        self.connections.add(connection)
        self.enqueue_req(connection)

    def handle(self, conn: TrackedConnection) -> Any:
        """Handle a request in a thread; before closing, wait until the client has received the response."""
        conn.sock.begin_request()
        keep_alive = super().handle(conn)
        if keep_alive and conn.initialized:
            conn.sock.mark_idle()
        elif keep_alive:
            conn.sock.expect_first_byte()
        elif conn.sock.linger():
            util.close_graceful(conn.sock, timeout=LINGER_SECONDS, max_drain=_LINGER_BYTES)
        return keep_alive

    def handle_request(self, req: Any, conn: TrackedConnection) -> Any:
        """Process a request whose head has been read, in a slot."""
        conn.sock.begin_request()
        if req.path in _HEALTH_PATHS:
            return super().handle_request(req, conn)
        with conn.sock.hold_slot(self.slots):
            return super().handle_request(req, conn)

    def _evict_if_full(self, network: str) -> bool:
        """Close a connection if the network or the process has too many; return False if all of them are busy."""
        for limit, connections in (
            (self.settings.web_clients, self.connections),
            (self._address_limit(network), [one for one in self.connections if one.network == network]),
        ):
            if len(connections) >= limit and not self._evict_slowest(connections):
                return False
        return True

    def _address_limit(self, network: str) -> float:
        # Behind a proxy all connections come from its address, so only the proxy can limit each client.
        return self.settings.web_clients_per_address if network and not self.settings.trusted_proxies else math.inf

    def _evict_slowest(self, connections: Iterable[TrackedConnection]) -> bool:
        slowest = min(connections, key=lambda each: each.sock.deadline)
        if slowest.sock.deadline == math.inf:
            return False
        slowest.sock.abort()
        self.connections.discard(slowest)
        return True


def client_network(client: Any) -> str:
    """Return the network that a client is counted by: its IPv4 address or its IPv6 /64; "" for a Unix socket."""
    if not isinstance(client, tuple):
        return ""
    address = ipaddress.ip_address(client[0].partition("%")[0])
    if address.version == 6 and address.ipv4_mapped is None:
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)
