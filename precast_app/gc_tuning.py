"""Garbage collection while a process creates many objects that it needs until it exits."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


def freeze_objects() -> None:
    """Exclude all current objects from garbage collection; they stay until the process exits."""
    gc.freeze()


@contextmanager
def collection_paused() -> Iterator[None]:
    """Pause garbage collection, and exclude the objects that were created meanwhile from it afterwards.

    Tens of thousands of rows, or the modules of the application, hold few reference cycles, but the collector would
    traverse all of them each time their number has grown by a quarter. This takes a sixth of an import's time.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        freeze_objects()
