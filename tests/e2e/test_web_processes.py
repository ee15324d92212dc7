"""Connections that arrive together are shared by the processes of the web server."""

from __future__ import annotations

import socket
import statistics
import time
from contextlib import ExitStack

import psutil

from tests.gunicorn_server import GunicornServer, run_gunicorn

CONNECTIONS = 16
ROUNDS = 12


def test_connections_that_arrive_together_are_shared_by_the_processes(environment: dict[str, str]) -> None:
    with run_gunicorn(environment, WEB_CONCURRENCY="2") as web:
        end = time.monotonic() + 30
        while 0 in (counts := connections_by_process(web)) or len(counts) < 2:
            assert time.monotonic() < end, "the second process has not started"
        # On one processor, each runs only when the other one waits or has used up its time, as on a busy machine.
        if psutil.LINUX:
            for each in psutil.Process(web.pid).children():
                each.cpu_affinity(each.cpu_affinity()[:1])
        largest = [max(connections_by_process(web)) for _ in range(ROUNDS)]
    # Usually 13 while a process accepted as many as it could, and 9 since it pauses in between.
    assert statistics.median(largest) <= 11, largest


def connections_by_process(web: GunicornServer) -> list[int]:
    """Open connections at the same moment, and return how many each process has accepted."""
    with ExitStack() as stack:
        opened = [stack.enter_context(socket.socket()) for _ in range(CONNECTIONS)]
        for each in opened:
            each.setblocking(False)
            each.connect_ex(("127.0.0.1", web.port))
        for each in opened:
            each.settimeout(5)
            each.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        for each in opened:
            assert each.recv(4096).startswith(b"HTTP/1.1 200")
        return [
            sum(found.laddr.port == web.port and bool(found.raddr) for found in each.net_connections("tcp"))
            for each in psutil.Process(web.pid).children()
        ]
