"""Sockets that wait only so long for their client, slots that are lent meanwhile, and what they need of gunicorn."""

from __future__ import annotations

import inspect
import math
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from gunicorn.http import wsgi
from gunicorn.http.unreader import SocketUnreader
from gunicorn.workers import gthread

from precast_app.config import Settings
from precast_app.webserver.client_socket import ClientSocket, ClientTooSlow, Patience
from precast_app.webserver.slots import Slots
from precast_app.webserver.worker import ClientWorker, Connection, network

QUICK = replace(Settings(), request_seconds=1, web_silence_seconds=1, web_bytes_per_second=1000)


@pytest.fixture
def pair() -> Iterator[tuple[ClientSocket, socket.socket]]:
    """The server's end of a connection, and the client's."""
    one, client = socket.socketpair()
    with ClientSocket(one.detach(), QUICK) as server, client:
        yield server, client


def test_patience_is_a_total_or_renewed_by_bytes() -> None:
    total = Patience(10)
    total.spend(4)
    total.earn(1_000_000)
    assert total.left == 6
    rated = Patience(10, bytes_per_second=100)
    rated.spend(4)
    rated.earn(200)
    assert rated.left == 8
    rated.earn(1_000_000)
    assert rated.left == 10, "what was fast before is no credit"
    rated.spend(11)
    assert rated.left == 0


def test_a_total_is_not_renewed_by_dripping(pair: tuple[ClientSocket, socket.socket]) -> None:
    server, client = pair
    started = time.monotonic()
    with ThreadPoolExecutor() as pool, pytest.raises(ClientTooSlow):
        pool.submit(lambda: [(client.send(b"a"), time.sleep(0.1)) for _ in range(20)])
        while server.recv(10):
            pass
    assert time.monotonic() - started < 3.5


def test_an_upload_goes_on_as_long_as_it_is_fast_enough(pair: tuple[ClientSocket, socket.socket]) -> None:
    server, client = pair
    server.expect_upload()
    with ThreadPoolExecutor() as pool:
        pool.submit(lambda: [(client.send(b"a" * 200), time.sleep(0.1)) for _ in range(20)])
        received = 0
        while received < 4000:
            received += len(server.recv(10_000))


def test_a_reader_that_stops_is_given_up(pair: tuple[ClientSocket, socket.socket]) -> None:
    server, _ = pair
    with pytest.raises(ClientTooSlow):
        server.sendall(b"a" * 10_000_000)
    with pytest.raises(OSError, match="Broken pipe"):
        server.sendall(b"a")


def test_a_socket_that_may_not_block_does_not(pair: tuple[ClientSocket, socket.socket]) -> None:
    server, _ = pair
    server.setblocking(False)
    for blocked in (lambda: server.recv(1), lambda: server.sendall(b"a" * 10_000_000)):
        with pytest.raises(BlockingIOError):
            blocked()
    server.settimeout(0.1)
    with pytest.raises(TimeoutError):
        server.recv(1)


def test_it_says_until_when_it_waits_and_can_be_given_up(pair: tuple[ClientSocket, socket.socket]) -> None:
    server, _ = pair
    assert server.deadline == math.inf
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(server.recv, 1)
        while server.deadline == math.inf:
            time.sleep(0.01)
        assert 0 < server.deadline - time.monotonic() <= 1
        server.give_up()
        assert waiting.result(1) == b""
    assert not server.linger()


def test_a_slot_is_lent_while_the_client_is_slow(pair: tuple[ClientSocket, socket.socket]) -> None:
    server, client = pair
    slots = Slots(1)

    def receive() -> bytes:
        with server.working(slots):
            return server.recv(1)

    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(receive)
        while server.deadline == math.inf:
            time.sleep(0.01)
        with slots.held():
            client.send(b"a")
            time.sleep(0.1)
            assert not waiting.done(), "it has its slot again only when it is free"
        assert waiting.result(1) == b"a"


def test_a_half_answered_request_does_not_wait_for_a_slot() -> None:
    slots = Slots(1)
    with slots.held(), slots.lent(wait=False):
        slots._take()
    slots._give()
    with slots.held():
        pass


@pytest.mark.parametrize(
    ("client", "counted_as"),
    [
        (("192.0.2.7", 1), "192.0.2.7"),
        (("2001:db8:1:2:3:4:5:6", 1, 0, 0), "2001:db8:1:2::/64"),
        (("fe80::1%eth0", 1, 0, 2), "fe80::/64"),
        ("", ""),
        (b"", ""),
    ],
)
def test_connections_are_counted_by_network(client: object, counted_as: str) -> None:
    assert network(client) == counted_as


def test_gunicorn_is_as_the_worker_needs_it() -> None:
    """If this fails after an upgrade, read gunicorn's gthread worker before changing the names here."""
    source = inspect.getsource(gthread)
    assert source.count("TConn(") == 1, "connections are made in `accept` alone, which the worker replaces"
    assert ClientWorker.accept is not gthread.ThreadWorker.accept
    assert list(inspect.signature(gthread.TConn).parameters) == ["cfg", "sock", "client", "server"]
    assert list(inspect.signature(gthread.TConn.close).parameters) == ["self", "graceful"]
    assert list(inspect.signature(Connection.close).parameters) == ["self", "graceful"]
    for name, parameters in {
        "accept": ["self", "listener"],
        "enqueue_req": ["self", "conn"],
        "handle": ["self", "conn"],
        "handle_request": ["self", "req", "conn"],
        "get_thread_pool": ["self"],
        "init_process": ["self"],
        "run": ["self"],
    }.items():
        assert list(inspect.signature(getattr(gthread.ThreadWorker, name)).parameters) == parameters, name
    # Each byte goes through `recv`, `send` and `sendall`, and the application gets the socket.
    assert "self.sock.recv(" in inspect.getsource(SocketUnreader)
    assert "recv_into" not in source
    assert '"gunicorn.socket": sock' in inspect.getsource(wsgi)
    assert "util.write(self.sock" in inspect.getsource(wsgi)
    for name in ("nr_conns", "worker_connections"):
        assert f"self.{name}" in source
