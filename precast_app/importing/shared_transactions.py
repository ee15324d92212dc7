"""Batches that wait at the same time share a transaction, because most of a small transaction's time is overhead."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from threading import BoundedSemaphore, Lock
from typing import Generic, TypeVar

from precast_app.importing.plan import PlannedBatch

Result = TypeVar("Result")

# More rows make a transaction hardly quicker, but progress and cancelling would wait for it.
_MAX_ROWS = 300


class SharedTransactions(Generic[Result]):
    """Runs at most `transactions` at once, each with up to `batches_each` of the batches that wait for one.

    `write` writes batches in one transaction and returns the result of each.
    """

    def __init__(
        self,
        write: Callable[[Sequence[PlannedBatch]], Sequence[Result]],
        *,
        transactions: int,
        batches_each: int,
    ) -> None:
        self._write = write
        self._batches_each = batches_each
        self._slots = BoundedSemaphore(transactions)
        self._lock = Lock()
        self._waiting: deque[tuple[PlannedBatch, Future[Result]]] = deque()

    def write(self, batch: PlannedBatch) -> Result:
        """Write the batch, with others that wait; return its result, or raise what the transaction has raised.

        Call it in a thread for each batch. A thread that gets a slot writes the batches that have waited longest, which
        may not include its own.
        """
        future: Future[Result] = Future()
        with self._lock:
            self._waiting.append((batch, future))
        with self._slots:
            taken = self._take()
            if taken:
                _write_taken(self._write, taken)
        return future.result()

    def _take(self) -> list[tuple[PlannedBatch, Future[Result]]]:
        taken: list[tuple[PlannedBatch, Future[Result]]] = []
        rows = 0
        with self._lock:
            while self._waiting and len(taken) < self._batches_each:
                rows += self._waiting[0][0].size
                if taken and rows > _MAX_ROWS:
                    break
                taken.append(self._waiting.popleft())
        return taken


def _write_taken(
    write: Callable[[Sequence[PlannedBatch]], Sequence[Result]], taken: list[tuple[PlannedBatch, Future[Result]]]
) -> None:
    try:
        results = write([batch for batch, _ in taken])
    except BaseException as error:
        for _, future in taken:
            future.set_exception(error)
    else:
        for (_, future), result in zip(taken, results, strict=True):
            future.set_result(result)
