"""Semaphore that limits how many files are read at once and leaves a slot free for other users."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from precast_app.errors import ServerBusy

_RETRY_SECONDS = 5


class OwnerSemaphore:
    """Semaphore of `limit` slots, of which one owner may hold all but one (at least one).

    A caller that finds no free slot waits for up to `wait_seconds`.
    """

    def __init__(self, limit: int, wait_seconds: float) -> None:
        self._limit = limit
        self._wait_seconds = wait_seconds
        self._held: Counter[str] = Counter()
        self._changed = threading.Condition()

    @contextmanager
    def hold(self, owner: str) -> Iterator[None]:
        """Hold a slot; raise `ServerBusy` if none becomes free in time."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._is_free_for(owner), self._wait_seconds):
                raise ServerBusy(
                    "The server is reading as many files as it can at once. Try again in a moment.", _RETRY_SECONDS
                )
            self._held[owner] += 1
        try:
            yield
        finally:
            with self._changed:
                self._held[owner] -= 1
                # Drop counts of zero, or the counter would grow with every user who ever uploaded a file.
                self._held += Counter()
                self._changed.notify_all()

    def _is_free_for(self, owner: str) -> bool:
        return self._held.total() < self._limit and self._held[owner] < max(1, self._limit - 1)
