"""Reading of the next rows while the ones before are being written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import TypeVar

Row = TypeVar("Row")


def read_ahead(portions: Iterator[Sequence[Row]]) -> Iterator[Row]:
    """Yield the rows of all portions. The next portion is read in a thread while the caller uses the rows of this one.

    Only the thread may use the database session until the last row has been yielded, so the rows must not need it. The
    thread has ended when the iterator ends, is closed or raises an error of `portions`.
    """
    # With the application's context of the caller, so that `db.session` is the caller's too.
    context = copy_context()

    def read() -> Sequence[Row] | None:
        return context.run(lambda: next(portions, None))

    with ThreadPoolExecutor(1, "read-ahead") as thread:
        following = thread.submit(read)
        while (portion := following.result()) is not None:
            following = thread.submit(read)
            yield from portion
