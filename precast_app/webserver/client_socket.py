"""Socket that waits for its client for a limited time and releases its request's slot while it waits."""

from __future__ import annotations

import errno
import math
import select
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from precast_app.config import Settings
from precast_app.webserver.request_slots import RequestSlots

# How long a connection that is being closed is still read, so that its client gets the response and not a reset.
LINGER_SECONDS = 1.0
# Limit on the bytes that the kernel buffers unsent for one client; its default is megabytes.
_MAX_UNSENT_BYTES = 128 * 1024
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class ClientTooSlow(TimeoutError):
    """A client that has sent or received too little for too long."""

    def __init__(self) -> None:
        # gunicorn logs socket errors with a traceback, except those that say that the client has disconnected.
        super().__init__(errno.ECONNRESET, "the client was too slow")


@dataclass(slots=True)
class TimeBudget:
    """Token bucket of the seconds that are left to wait for a client.

    Without `bytes_per_second` the budget is a total. With it, every byte refills the budget, up to the initial
    `seconds`: a client that stops is dropped after that time, and a client that is slower than the rate soon after,
    however much it has sent before.
    """

    seconds: float
    bytes_per_second: float = math.inf
    left: float = field(init=False)

    def __post_init__(self) -> None:
        self.left = self.seconds

    def spend(self, seconds: float) -> None:
        """Subtract the time that was waited."""
        self.left = max(0.0, self.left - seconds)

    def refill(self, count: int) -> None:
        """Add the time that `count` bytes are worth."""
        self.left = min(self.seconds, self.left + count / self.bytes_per_second)


class ClientSocket(socket.socket):
    """Connection to a client that gunicorn reads from and writes to in a thread.

    `deadline` is the monotonic time at which the client is dropped: infinite while the server is working, 0 between two
    requests.
    """

    def __init__(self, fileno: int, settings: Settings) -> None:
        super().__init__(fileno=fileno)
        if self.family != socket.AF_UNIX:
            self.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, _MAX_UNSENT_BYTES)
        self._settings = settings
        self._slots: RequestSlots | None = None
        self._aborted = False
        self.begin_request()

    def begin_request(self) -> None:
        """Start new time budgets: a total for the next part of a request (its head or a small body), a rate to send."""
        self._receiving = TimeBudget(self._settings.request_seconds)
        self._sending = TimeBudget(self._settings.web_silence_seconds, self._settings.web_bytes_per_second)
        self.deadline = math.inf

    def expect_first_byte(self) -> None:
        """Set the deadline of a client that has connected and not sent anything yet."""
        self.deadline = time.monotonic() + self._settings.request_seconds

    def expect_upload(self) -> None:
        """Allow a large body any time, as long as the client keeps to the minimum rate."""
        self._receiving = TimeBudget(self._settings.web_silence_seconds, self._settings.web_bytes_per_second)

    def mark_idle(self) -> None:
        """Mark the connection as idle; idle connections are the first to be closed when there are too many."""
        self.deadline = 0.0

    def linger(self) -> bool:
        """Give the client time to receive the last response; return False if the connection was aborted."""
        self._receiving = TimeBudget(LINGER_SECONDS)
        self.mark_idle()
        return not self._aborted

    @contextmanager
    def hold_slot(self, slots: RequestSlots) -> Iterator[None]:
        """Hold a slot, except while waiting for the client."""
        with slots.hold():
            self._slots = slots
            try:
                yield
            finally:
                self._slots = None

    @contextmanager
    def release_slot(self) -> Iterator[None]:
        """Release the request's slot while it waits for something other than its client."""
        if self._slots is None:
            yield
            return
        with self._slots.release_during(wait=True):
            yield

    def abort(self) -> None:
        """Reset the connection, discard unsent data and wake the thread that waits for the client."""
        self._aborted = True
        with suppress(OSError):
            self.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
            self.shutdown(socket.SHUT_RDWR)

    def recv(self, bufsize: int, flags: int = 0) -> bytes:
        """Receive what is available; raise `ClientTooSlow` if the client's time budget is spent."""
        while True:
            try:
                data = super().recv(bufsize, flags | socket.MSG_DONTWAIT)
            except BlockingIOError:
                self._wait(select.POLLIN, self._receiving)
            else:
                self._receiving.refill(len(data))
                return data

    def send(self, data: Any, flags: int = 0) -> int:
        """Send some of the data and return its size; raise `ClientTooSlow` if the client's time budget is spent."""
        while True:
            try:
                count = super().send(data, flags | socket.MSG_DONTWAIT)
            except BlockingIOError:
                self._wait(select.POLLOUT, self._sending)
            else:
                self._sending.refill(count)
                return count

    def sendall(self, data: Any, flags: int = 0) -> None:
        """Send all of the data; raise `ClientTooSlow` if the client's time budget is spent."""
        with memoryview(data) as whole, whole.cast("B") as rest:
            sent = 0
            while sent < len(rest):
                sent += self.send(rest[sent:], flags)

    def sendfile(self, file: Any, offset: int = 0, count: int | None = None) -> int:
        """Raise `NotImplementedError`: the kernel would wait for the client without any time limit."""
        raise NotImplementedError("Set `sendfile = False` in gunicorn.conf.py.")

    def _wait(self, event: int, budget: TimeBudget) -> None:
        own = self.gettimeout()
        if own == 0:
            raise BlockingIOError(errno.EAGAIN, "the client is not ready")
        timeout = budget.left if own is None else min(own, budget.left)
        poll = select.poll()
        poll.register(self, event)
        if self._slots is None:
            ready = self._poll(poll, timeout, budget)
        else:
            # A request that reads its body holds nothing that others wait for; one that is sending its response might.
            with self._slots.release_during(wait=event == select.POLLIN):
                ready = self._poll(poll, timeout, budget)
        if not ready:
            if budget.left <= 0:
                if event == select.POLLOUT:
                    self.abort()
                raise ClientTooSlow
            raise TimeoutError("timed out")

    def _poll(self, poll: select.poll, timeout: float, budget: TimeBudget) -> bool:
        started = time.monotonic()
        self.deadline = started + budget.left
        ready = timeout > 0 and bool(poll.poll(math.ceil(timeout * 1000)))
        self.deadline = math.inf
        budget.spend(time.monotonic() - started)
        return ready
