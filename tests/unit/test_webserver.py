"""Time limits of client sockets, request slots, and what the worker relies on in gunicorn."""

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
from precast_app.webserver.client_socket import ClientSocket, ClientTooSlow, TimeBudget
from precast_app.webserver.gunicorn_worker import BoundedThreadWorker, TrackedConnection, client_network
from precast_app.webserver.request_slots import RequestSlots

QUICK = replace(Settings(), request_seconds=1, web_silence_seconds=1, web_bytes_per_second=1000)


@pytest.fixture
def pair() -> Iterator[tuple[ClientSocket, socket.socket]]:
    """Yield the server's end of a connection, and the client's."""
    one, client = socket.socketpair()
    with ClientSocket(one.detach(), QUICK) as server, client:
        yield server, client


def test_a_time_budget_is_a_total_or_refilled_by_bytes() -> None:
    total = TimeBudget(10)
    total.spend(4)
    total.refill(1_000_000)
    assert total.left == 6
    rated = TimeBudget(10, bytes_per_second=100)
    rated.spend(4)
    rated.refill(200)
    assert rated.left == 8
    rated.refill(1_000_000)
    assert rated.left == 10, "a budget never exceeds its initial size"
    rated.spend(11)
    assert rated.left == 0


def _send_slowly(client: socket.socket, data: bytes) -> None:
    for _ in range(20):
        client.send(data)
        time.sleep(0.1)


def test_single_bytes_do_not_extend_the_total(pair: tuple[ClientSocket, socket.socket]) -> None:
    server, client = pair
    started = time.monotonic()
    with ThreadPoolExecutor() as pool, pytest.raises(ClientTooSlow):
        pool.submit(_send_slowly, client, b"a")
        while server.recv(10):
            pass
    assert time.monotonic() - started < 3.5


def test_an_upload_may_take_any_time_at_the_minimum_rate(pair: tuple[ClientSocket, socket.socket]) -> None:
    server, client = pair
    server.expect_upload()
    with ThreadPoolExecutor() as pool:
        pool.submit(_send_slowly, client, b"a" * 200)
        received = 0
        while received < 4000:
            received += len(server.recv(10_000))


def test_a_client_that_stops_reading_is_dropped(pair: tuple[ClientSocket, socket.socket]) -> None:
    server, _ = pair
    with pytest.raises(ClientTooSlow):
        server.sendall(b"a" * 10_000_000)
    with pytest.raises(OSError, match="Broken pipe"):
        server.sendall(b"a")


def test_non_blocking_sockets_and_socket_timeouts_are_respected(pair: tuple[ClientSocket, socket.socket]) -> None:
    server, _ = pair
    server.setblocking(False)
    for blocked in (lambda: server.recv(1), lambda: server.sendall(b"a" * 10_000_000)):
        with pytest.raises(BlockingIOError):
            blocked()
    server.settimeout(0.1)
    with pytest.raises(TimeoutError):
        server.recv(1)


def test_a_waiting_socket_has_a_deadline_and_can_be_aborted(pair: tuple[ClientSocket, socket.socket]) -> None:
    server, _ = pair
    assert server.deadline == math.inf
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(server.recv, 1)
        while server.deadline == math.inf:
            time.sleep(0.01)
        assert 0 < server.deadline - time.monotonic() <= 1
        server.abort()
        assert waiting.result(1) == b""
    assert not server.linger()


def test_the_slot_is_released_while_the_socket_waits_for_its_client(pair: tuple[ClientSocket, socket.socket]) -> None:
    server, client = pair
    slots = RequestSlots(1)

    def receive() -> bytes:
        with server.hold_slot(slots):
            return server.recv(1)

    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(receive)
        while server.deadline == math.inf:
            time.sleep(0.01)
        with slots.hold():
            client.send(b"a")
            time.sleep(0.1)
            assert not waiting.done(), "the slot is taken by the other request"
        assert waiting.result(1) == b"a"


def test_a_request_that_sends_its_response_does_not_wait_for_a_slot() -> None:
    slots = RequestSlots(1)
    with slots.hold(), slots.release_during(wait=False):
        slots._acquire()
    slots._release()
    with slots.hold():
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
def test_connections_are_counted_by_ipv4_address_or_ipv6_network(client: object, counted_as: str) -> None:
    assert client_network(client) == counted_as


def test_gunicorn_has_the_internals_that_the_worker_relies_on() -> None:
    """If this fails after an upgrade, read gunicorn's gthread worker before changing the names here."""
    source = inspect.getsource(gthread)
    assert source.count("TConn(") == 1, "only `accept`, which the worker overrides, creates connections"
    assert BoundedThreadWorker.accept is not gthread.ThreadWorker.accept
    assert list(inspect.signature(gthread.TConn).parameters) == ["cfg", "sock", "client", "server"]
    assert list(inspect.signature(gthread.TConn.close).parameters) == ["self", "graceful"]
    assert list(inspect.signature(TrackedConnection.close).parameters) == ["self", "graceful"]
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
    # All bytes go through `recv`, `send` and `sendall`, and the application gets the socket.
    assert "self.sock.recv(" in inspect.getsource(SocketUnreader)
    assert "recv_into" not in source
    assert '"gunicorn.socket": sock' in inspect.getsource(wsgi)
    assert "util.write(self.sock" in inspect.getsource(wsgi)
    for name in ("nr_conns", "worker_connections"):
        assert f"self.{name}" in source
