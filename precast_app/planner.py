"""What PostgreSQL's planner must not use for a query, so that its plan does not depend on statistics."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import text
from sqlalchemy.orm import Session

# What is off so that rows are found by an index, but read in the order of the table, each page once. With statistics,
# PostgreSQL would read them in the order of the index: where moved pieces alternate with others, nearly each row from
# another page. Without the index, it would read all projects.
OFF_FOR_TABLE_ORDER = ("indexscan", "seqscan")
# The same for reading a few rows in the order of an index. Without statistics, it would sort all rows of the project.
OFF_FOR_INDEX_ORDER = ("bitmapscan", "seqscan", "sort")


@contextmanager
def without(session: Session, methods: tuple[str, ...]) -> Iterator[None]:
    """Keep PostgreSQL from these steps of a plan wherever there are others, whatever its statistics say."""
    _set(session, methods, "off")
    yield
    _set(session, methods, "on")


def _set(session: Session, methods: tuple[str, ...], state: str) -> None:
    if methods:
        session.execute(text("; ".join(f"SET LOCAL enable_{method} = {state}" for method in methods)))
