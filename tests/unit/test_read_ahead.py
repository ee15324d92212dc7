"""The next portion of rows is read while the caller uses the one before."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextvars import ContextVar

import pytest

from precast_app.queries.read_ahead import read_ahead

_TIMEOUT_SECONDS = 10


def test_rows_come_in_order_and_the_next_portion_is_read_meanwhile() -> None:
    begun = [threading.Event() for _ in range(3)]

    def portions() -> Iterator[list[int]]:
        for number, event in enumerate(begun):
            event.set()
            yield [2 * number, 2 * number + 1]

    rows = []
    for row in read_ahead(portions()):
        rows.append(row)
        for event in begun[: row // 2 + 2]:
            assert event.wait(_TIMEOUT_SECONDS)
    assert rows == [0, 1, 2, 3, 4, 5]
    assert list(read_ahead(iter([]))) == []


def test_an_iterator_that_is_closed_early_has_ended_its_thread() -> None:
    ended = []

    def portions() -> Iterator[list[int]]:
        try:
            for number in range(100):
                yield [number]
        finally:
            ended.append(number)

    source = portions()
    rows = read_ahead(source)
    assert next(rows) == 0
    rows.close()  # type: ignore[attr-defined] # a generator
    assert not [each for each in threading.enumerate() if each.name.startswith("read-ahead")]
    source.close()  # type: ignore[attr-defined] # raises ValueError while another thread runs it
    assert ended == [1]


def test_an_error_of_a_portion_is_raised_after_the_rows_before_it() -> None:
    def portions() -> Iterator[list[int]]:
        yield [1]
        raise LookupError("the second portion")

    rows = read_ahead(portions())
    assert next(rows) == 1
    with pytest.raises(LookupError, match="the second portion"):
        next(rows)


def test_portions_are_read_in_the_context_of_the_caller() -> None:
    number = ContextVar("number", default=0)
    number.set(7)

    def portions() -> Iterator[list[int]]:
        yield [number.get()]

    assert list(read_ahead(portions())) == [7]
