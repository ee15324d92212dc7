"""PostgreSQL array literals for the parameters of statements.

psycopg2 adapts a list element by element and holds the GIL meanwhile (measured when writing 10 000 element types: 1.6 s
instead of 0.14 s), and PostgreSQL parses what it sends element by element.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import ARRAY, ColumnElement, String, cast, func, literal, select
from sqlalchemy.orm import InstrumentedAttribute


def pg_array(values: Iterable[Any]) -> str:
    """Return an array literal: `[1, None, 'a']` → `{1,NULL,"a"}`."""
    return "{" + ",".join([_element(value) for value in values]) + "}"


def pg_columns(rows: Sequence[tuple[Any, ...]]) -> list[str]:
    """Return an array literal for each column of the rows, for `unnest`."""
    return [pg_array(column) for column in zip(*rows, strict=True)]


def is_one_of(column: ColumnElement[int] | InstrumentedAttribute[int], ids: Iterable[int]) -> ColumnElement[bool]:
    """Return the condition that the column has one of these ids, of which there may be thousands."""
    return column == func.any(_array(column, ids))


def looks_up(column: ColumnElement[int] | InstrumentedAttribute[int], ids: Iterable[int]) -> ColumnElement[bool]:
    """Return the same condition for rows that are to be looked up by an index.

    Without statistics, PostgreSQL expects a two hundredth of the table for each id, and reads all of it for a hundred.
    Here it doesn't see how many there are.
    """
    return column == func.any(func.array(select(func.unnest(_array(column, ids))).scalar_subquery()))


def _array(column: ColumnElement[int] | InstrumentedAttribute[int], ids: Iterable[int]) -> ColumnElement[Any]:
    return cast(literal(pg_array(ids), String), ARRAY(column.type))


def _element(value: Any) -> str:
    if type(value) is str:
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if value is None:
        return "NULL"
    return f"{value:f}" if type(value) is Decimal else str(value)
