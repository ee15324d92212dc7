"""A bound on the requests that are worked on at once, which a request that waits for its client does not count for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition


class Slots:
    """The slots of one process. A request holds one while it is worked on, and lends it while its client is slow."""

    def __init__(self, count: int) -> None:
        self._free = count
        self._changed = Condition()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold a slot; wait for one if none is free."""
        self._take()
        try:
            yield
        finally:
            self._give()

    @contextmanager
    def lent(self, *, wait: bool) -> Iterator[None]:
        """Lend the held slot to other requests, and take one again at the end.

        Without `wait` one is taken even if none is free, so that a request that is half answered (and may hold what the
        others need) never stands still for them.
        """
        self._give()
        try:
            yield
        finally:
            self._take(wait=wait)

    def _take(self, *, wait: bool = True) -> None:
        with self._changed:
            if wait:
                self._changed.wait_for(lambda: self._free > 0)
            self._free -= 1

    def _give(self) -> None:
        with self._changed:
            self._free += 1
            self._changed.notify()
