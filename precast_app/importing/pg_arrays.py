"""Arrays for a statement's parameters, as PostgreSQL writes them.

The driver would turn a list into one too, but element by element, and hold up the other threads meanwhile (measured
for the writing of 10 000 element types: 1.6 s instead of 0.14 s).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any


def pg_array(values: Iterable[Any]) -> str:
    """`[1, None, 'a']` → `{1,NULL,"a"}`."""
    return "{" + ",".join([_element(value) for value in values]) + "}"


def pg_columns(rows: Sequence[tuple[Any, ...]]) -> list[str]:
    """The rows as columns for `unnest`."""
    return [pg_array(column) for column in zip(*rows, strict=True)]


def _element(value: Any) -> str:
    if type(value) is str:
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if value is None:
        return "NULL"
    return f"{value:f}" if type(value) is Decimal else str(value)
