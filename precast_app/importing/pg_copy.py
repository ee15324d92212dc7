"""PostgreSQL's COPY, which stores many rows in the least time."""

from __future__ import annotations

import io
from collections.abc import Iterable
from decimal import Decimal
from itertools import islice
from typing import Any

# psycopg2 reads 8 KiB at a time if it isn't told otherwise.
_BYTES_AT_A_TIME = 1024 * 1024
_ROWS_AT_A_TIME = 500
_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def copy_rows(cursor: Any, table: str, rows: Iterable[tuple[Any, ...]]) -> None:
    """Store rows with a psycopg2 cursor; `table` is the name of a table with its columns in brackets."""
    copy_lines(cursor, table, [_line(row) for row in rows])


def copy_stream(cursor: Any, table: str, rows: Iterable[tuple[Any, ...]]) -> None:
    """Store rows as `copy_rows` does, but make the next ones while PostgreSQL stores those before."""
    cursor.copy_expert(f"COPY {table} FROM STDIN", _RowFile(rows), size=_BYTES_AT_A_TIME)


def copy_lines(cursor: Any, table: str, lines: list[str]) -> None:
    """Store rows that are text already: fields of `copy_field`, separated by tabs."""
    if lines:
        data = io.BytesIO("\n".join([*lines, ""]).encode())
        cursor.copy_expert(f"COPY {table} FROM STDIN", data, size=_BYTES_AT_A_TIME)


class _RowFile:
    """File from which psycopg2 reads rows that are made when it asks for them."""

    def __init__(self, rows: Iterable[tuple[Any, ...]]) -> None:
        self._rows = iter(rows)

    def read(self, _: int = -1) -> bytes:
        """Return the next lines, or nothing at the end. psycopg2 takes any number of bytes."""
        return "".join([_line(row) + "\n" for row in islice(self._rows, _ROWS_AT_A_TIME)]).encode()


def _line(row: tuple[Any, ...]) -> str:
    return "\t".join([copy_field(value) for value in row])


def copy_field(value: Any) -> str:
    """Return a value as COPY reads it."""
    if type(value) is str:
        # Most texts have nothing to escape, and finding that out is quick.
        return value if value.isprintable() and "\\" not in value else value.translate(_ESCAPES)
    if value is None:
        return "\\N"
    if type(value) is Decimal:
        return f"{value:f}"
    return str(value)
