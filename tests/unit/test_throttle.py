"""Counting in memory from many threads at once."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from precast_app.auth.sign_in_throttle import LockedMemoryStorage

THREADS = 16
ROUNDS = 200


@pytest.fixture(autouse=True)
def threads_that_take_turns_often() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def test_threads_that_count_at_once_lose_no_count() -> None:
    storage = LockedMemoryStorage()
    start = Barrier(THREADS, timeout=10)

    def count(_: int) -> None:
        for number in range(ROUNDS):
            # The storage's timer has run out by the time that the next round begins, so that each round starts one.
            start.wait()
            storage.incr(f"round {number}", 60)
            start.wait()
            storage.timer.join()

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(count, range(THREADS)))
    assert [storage.get(f"round {number}") for number in range(ROUNDS)] == [THREADS] * ROUNDS
