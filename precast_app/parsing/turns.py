"""Who may parse now: a bounded number at once, and never all of them for one person."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from precast_app.errors import ServerBusy

_RETRY_SECONDS = 5


class Turns:
    """Admits `places` callers at once, of the same owner one fewer; the others wait, `wait_seconds` at most."""

    def __init__(self, places: int, wait_seconds: float) -> None:
        self._places = places
        self._wait_seconds = wait_seconds
        self._inside: Counter[str] = Counter()
        self._changed = threading.Condition()

    @contextmanager
    def turn(self, owner: str) -> Iterator[None]:
        """Hold a place; raise `ServerBusy` if none becomes free in time."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._has_place(owner), self._wait_seconds):
                raise ServerBusy(
                    "The server is reading as many files as it can at once. Try again in a moment.", _RETRY_SECONDS
                )
            self._inside[owner] += 1
        try:
            yield
        finally:
            with self._changed:
                self._inside[owner] -= 1
                # Without those at 0 it would grow with the people that ever came.
                self._inside += Counter()
                self._changed.notify_all()

    def _has_place(self, owner: str) -> bool:
        return self._inside.total() < self._places and self._inside[owner] < max(1, self._places - 1)
