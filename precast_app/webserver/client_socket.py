"""A socket that waits only so long for its client, and lends its request's slot to others meanwhile."""

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
from precast_app.webserver.slots import Slots

# How long a connection that is being closed is read on, so that its client gets the answer and not a reset.
LINGER_SECONDS = 1.0
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class ClientTooSlow(TimeoutError):
    """The client has sent or taken too little for too long."""

    def __init__(self) -> None:
        # gunicorn logs errors of sockets with a trace, except for those that say that the client is gone.
        super().__init__(errno.ECONNRESET, "the client was too slow")


@dataclass(slots=True)
class Patience:
    """Time that is left to wait for a client, in seconds: a total, or one that each byte renews.

    With `bytes_per_second` every byte adds its share, up to the `seconds` at the start. So a client that stops is given
    up after that time, and one that is slower than the rate not much later, however much it has sent before.
    """

    seconds: float
    bytes_per_second: float = math.inf
    left: float = field(init=False)

    def __post_init__(self) -> None:
        self.left = self.seconds

    def spend(self, seconds: float) -> None:
        """Take off what was waited."""
        self.left = max(0.0, self.left - seconds)

    def earn(self, count: int) -> None:
        """Add what the bytes are worth."""
        self.left = min(self.seconds, self.left + count / self.bytes_per_second)


class ClientSocket(socket.socket):
    """The connection of a client, as gunicorn reads from it and writes to it in a thread.

    `deadline` is when the client is given up: infinite while the server is the one that works, 0 between two requests.
    """

    def __init__(self, fileno: int, settings: Settings) -> None:
        super().__init__(fileno=fileno)
        self._settings = settings
        self._slots: Slots | None = None
        self._given_up = False
        self.expect_head()

    def expect_head(self) -> None:
        """Give the client time for the head of its next request."""
        self._receiving = Patience(self._settings.request_seconds)
        self._sending = Patience(self._settings.web_silence_seconds, self._settings.web_bytes_per_second)
        self.deadline = time.monotonic() + self._receiving.left

    def begin_request(self) -> None:
        """Give the client time for a small body and for taking the answer."""
        self.expect_head()
        self.deadline = math.inf

    def expect_upload(self) -> None:
        """Give the client time for a large body: as long as it keeps to the lowest rate."""
        self._receiving = Patience(self._settings.web_silence_seconds, self._settings.web_bytes_per_second)

    def rest(self) -> None:
        """Note that nothing is under way: of all connections this one is the first to be closed."""
        self.deadline = 0.0

    def linger(self) -> bool:
        """Give the client time to take the last answer; return False if it has been given up."""
        self._receiving = Patience(LINGER_SECONDS)
        self.rest()
        return not self._given_up

    @contextmanager
    def working(self, slots: Slots) -> Iterator[None]:
        """Hold one of the slots, except while waiting for the client."""
        with slots.held():
            self._slots = slots
            try:
                yield
            finally:
                self._slots = None

    def give_up(self) -> None:
        """End the connection, and whatever waits for it in another thread; what is left to send is thrown away."""
        self._given_up = True
        with suppress(OSError):
            self.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
            self.shutdown(socket.SHUT_RDWR)

    def recv(self, bufsize: int, flags: int = 0) -> bytes:
        """Receive what there is; raise `ClientTooSlow` if the client's time is over."""
        while True:
            try:
                data = super().recv(bufsize, flags | socket.MSG_DONTWAIT)
            except BlockingIOError:
                self._wait(select.POLLIN, self._receiving)
            else:
                self._receiving.earn(len(data))
                return data

    def send(self, data: Any, flags: int = 0) -> int:
        """Send some of the data, and return how much; raise `ClientTooSlow` if the client's time is over."""
        while True:
            try:
                count = super().send(data, flags | socket.MSG_DONTWAIT)
            except BlockingIOError:
                self._wait(select.POLLOUT, self._sending)
            else:
                self._sending.earn(count)
                return count

    def sendall(self, data: Any, flags: int = 0) -> None:
        """Send all of the data; raise `ClientTooSlow` if the client's time is over."""
        with memoryview(data) as whole, whole.cast("B") as rest:
            sent = 0
            while sent < len(rest):
                sent += self.send(rest[sent:], flags)

    def sendfile(self, file: Any, offset: int = 0, count: int | None = None) -> int:
        """Raise an error: the kernel would wait for the client by itself. gunicorn's `sendfile` is to be off."""
        raise NotImplementedError("Set `sendfile = False` in gunicorn.conf.py.")

    def _wait(self, event: int, patience: Patience) -> None:
        own = self.gettimeout()
        if own == 0:
            raise BlockingIOError(errno.EAGAIN, "the client is not ready")
        most = patience.left if own is None else min(own, patience.left)
        poll = select.poll()
        poll.register(self, event)
        if self._slots is None:
            ready = self._poll(poll, most, patience)
        else:
            # A request that reads its body holds nothing that others wait for; one that is half answered might.
            with self._slots.lent(wait=event == select.POLLIN):
                ready = self._poll(poll, most, patience)
        if not ready:
            if patience.left <= 0:
                if event == select.POLLOUT:
                    self.give_up()
                raise ClientTooSlow
            raise TimeoutError("timed out")

    def _poll(self, poll: select.poll, most: float, patience: Patience) -> bool:
        started = time.monotonic()
        self.deadline = started + patience.left
        ready = most > 0 and bool(poll.poll(math.ceil(most * 1000)))
        self.deadline = math.inf
        patience.spend(time.monotonic() - started)
        return ready
