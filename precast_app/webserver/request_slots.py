"""Limit on the requests that are processed at once; a request that waits for its client doesn't count."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition


class RequestSlots:
    """Slots of one process. A request holds one while it is processed and releases it while it waits for its client."""

    def __init__(self, count: int) -> None:
        self._free = count
        self._changed = Condition()

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Hold a slot; wait until one is free."""
        self._acquire()
        try:
            yield
        finally:
            self._release()

    @contextmanager
    def release_during(self, *, wait: bool) -> Iterator[None]:
        """Release the held slot for the duration of the block and acquire one again at its end.

        Without `wait` a slot is acquired even if none is free. A request that has sent part of its response may hold a
        resource that the others need, so it must never wait for them.
        """
        self._release()
        try:
            yield
        finally:
            self._acquire(wait=wait)

    def _acquire(self, *, wait: bool = True) -> None:
        with self._changed:
            if wait:
                self._changed.wait_for(lambda: self._free > 0)
            self._free -= 1

    def _release(self) -> None:
        with self._changed:
            self._free += 1
            self._changed.notify()
