"""gunicorn's threaded worker, in which a slow client holds nothing that others need.

Every connection has a thread while something is under way on it, and only so many requests are worked on at once
(`Slots`); one that waits for its client does not count. A client has a bounded time for each step (`ClientSocket`), an
address has a bounded number of connections, and if there are too many, the one that is closest to the end of its time
is closed. So a new client gets in while others are slow. The main thread only accepts and closes, and never waits for a
client.
"""

from __future__ import annotations

import errno
import ipaddress
import math
import socket
import sys
from collections.abc import Iterable
from concurrent import futures
from contextlib import suppress
from typing import Any

from gunicorn import util
from gunicorn.errors import ConfigError
from gunicorn.workers.gthread import TConn, ThreadWorker

from precast_app.config import Settings
from precast_app.webserver.client_socket import LINGER_SECONDS, ClientSocket
from precast_app.webserver.slots import Slots

# A check of the process's health is answered however many requests it is working on.
_WITHOUT_SLOT = frozenset({"/healthz", "/readyz"})
# Connections that have been given up and whose thread has not ended yet.
_ENDING = 50
# As much as a client may still send of what is not read, once it has been answered.
_LINGER_BYTES = 64 * 1024 * 1024
_ACCEPTED_AT_ONCE = 64
# How long a thread goes on before others may run, in seconds; the main thread is one of many. Python's own is 0.005.
_SWITCH_SECONDS = 0.001
_BUSY = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


class Connection(TConn):
    """A connection that its worker keeps a list of."""

    def __init__(self, worker: ClientWorker, sock: ClientSocket, client: Any, server: Any) -> None:
        super().__init__(worker.cfg, sock, client, server)
        self._worker = worker
        self.network = network(client)

    def close(self, graceful: bool = False) -> None:
        """Close it at once: `ClientWorker.handle` has waited for the client where that is called for."""
        self._worker.connections.discard(self)
        util.close(self.sock)


class ClientWorker(ThreadWorker):
    """A threaded worker whose threads are for connections, and whose slots are for requests."""

    @classmethod
    def check_config(cls, cfg: Any, log: Any) -> None:
        """Raise `ConfigError` for what would go around the bounds of this worker."""
        super().check_config(cfg, log)
        if cfg.is_ssl or cfg.sendfile is not False:
            raise ConfigError("This worker needs `sendfile = False`, and a proxy in front that ends TLS.")

    def init_process(self) -> None:
        """Read the settings, load the application and run."""
        sys.setswitchinterval(_SWITCH_SECONDS)
        self.settings = Settings.from_environment()
        self.slots = Slots(self.cfg.threads)
        self.connections: set[Connection] = set()
        self.worker_connections = self.settings.web_clients + _ENDING
        super().init_process()

    def get_thread_pool(self) -> futures.ThreadPoolExecutor:
        """Return a pool with a thread for each connection; they are started as they are needed."""
        return futures.ThreadPoolExecutor(self.worker_connections)

    def run(self) -> None:
        """Serve until the process is to end; then leave no thread waiting for a client."""
        super().run()
        for connection in list(self.connections):
            connection.sock.give_up()

    def accept(self, listener: socket.socket) -> None:
        """Accept the connections that are there, not one a turn: a turn can take long while many threads work."""
        for _ in range(_ACCEPTED_AT_ONCE):
            try:
                accepted, client = listener.accept()
            except OSError as error:
                if error.errno in (errno.EAGAIN, errno.ECONNABORTED, errno.EWOULDBLOCK):
                    return
                raise
            self._begin(accepted, client, listener)

    def _begin(self, accepted: socket.socket, client: Any, listener: socket.socket) -> None:
        """Serve a new connection; close another one if there are too many."""
        connection = Connection(self, ClientSocket(accepted.detach(), self.settings), client, listener.getsockname())
        if not self._make_room(connection.network):
            with suppress(OSError):
                connection.sock.send(_BUSY)
            connection.close()
            return
        self.nr_conns += 1
        self.connections.add(connection)
        self.enqueue_req(connection)

    def handle(self, conn: Connection) -> Any:
        """Handle a request in a thread; at the end of a connection wait until its client has taken the answer."""
        conn.sock.begin_request()
        goes_on = super().handle(conn)
        if goes_on and conn.initialized:
            conn.sock.rest()
        elif goes_on:
            conn.sock.expect_first_byte()
        elif conn.sock.linger():
            util.close_graceful(conn.sock, timeout=LINGER_SECONDS, max_drain=_LINGER_BYTES)
        return goes_on

    def handle_request(self, req: Any, conn: Connection) -> Any:
        """Answer a request whose head is there, in a slot."""
        conn.sock.begin_request()
        if req.path in _WITHOUT_SLOT:
            return super().handle_request(req, conn)
        with conn.sock.working(self.slots):
            return super().handle_request(req, conn)

    def _make_room(self, client_network: str) -> bool:
        """Close a connection if the network or the process has too many; return False if all of them are at work."""
        for most, connections in (
            (self.settings.web_clients, self.connections),
            (self._most_of(client_network), [one for one in self.connections if one.network == client_network]),
        ):
            if len(connections) >= most and not self._close_slowest(connections):
                return False
        return True

    def _most_of(self, client_network: str) -> float:
        # All clients have the proxy's address if there is one; the bound for each of them is the proxy's then.
        return (
            self.settings.web_clients_per_address if client_network and not self.settings.trusted_proxies else math.inf
        )

    def _close_slowest(self, connections: Iterable[Connection]) -> bool:
        slowest = min(connections, key=lambda each: each.sock.deadline)
        if slowest.sock.deadline == math.inf:
            return False
        slowest.sock.give_up()
        self.connections.discard(slowest)
        return True


def network(client: Any) -> str:
    """Return what connections are counted by: an IPv4 address, or an IPv6 network of 64 bits; "" for a local socket."""
    if not isinstance(client, tuple):
        return ""
    address = ipaddress.ip_address(client[0].partition("%")[0])
    if address.version == 6 and address.ipv4_mapped is None:
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)
