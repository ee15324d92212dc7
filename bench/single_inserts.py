"""Baseline: batches of rows in threads, each batch a transaction with one INSERT for every row of a table."""

from __future__ import annotations

from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import psycopg2
import psycopg2.extensions
from psycopg2.pool import ThreadedConnectionPool
from python_calamine import load_workbook

from bench import table_rows
from bench.table_rows import PIECE_COLUMNS, TYPE_COLUMNS, GroupTable, Ids

_BATCH_SIZE = 30
_CONCURRENT_BATCHES = 15

# Element types with their ids, and their pieces.
_Batch = list[tuple[int, list[Any], list[tuple[Any, ...]]]]


def store(database_url: str, path: Path, project_id: int, ids: Ids, conventions: list[str]) -> None:
    """Store the same rows in the same tables with the same constraints, 30 rows a batch and 15 batches at once."""
    rows = load_workbook(str(path)).get_sheet_by_name("Element Types").to_python()[1:]
    pieces: dict[int, list[tuple[Any, ...]]] = defaultdict(list)
    for piece in table_rows.pieces(rows, project_id, ids["nodes"], conventions):
        pieces[piece[1]].append(piece)
    numbered = [(number, row, pieces[number]) for number, row in enumerate(rows, 1)]
    batches = [numbered[start : start + _BATCH_SIZE] for start in range(0, len(numbered), _BATCH_SIZE)]
    connections = ThreadedConnectionPool(0, _CONCURRENT_BATCHES, database_url)
    write = partial(_write_batch, connections, project_id, table_rows.group_tables(ids))
    with ThreadPoolExecutor(_CONCURRENT_BATCHES) as pool:
        list(pool.map(write, batches))
    connections.closeall()


def _write_batch(connections: ThreadedConnectionPool, project_id: int, tables: list[GroupTable], batch: _Batch) -> None:
    connection = connections.getconn()
    with connection, connection.cursor() as cursor:
        for type_id, row, pieces in batch:
            _insert(cursor, "element_types", TYPE_COLUMNS, table_rows.type_row(row, type_id, project_id))
            for table in tables:
                for values in table.rows(row, type_id):
                    _insert(cursor, table.name, table.columns, values)
            for piece in pieces:
                _insert(cursor, "pieces", PIECE_COLUMNS, piece)
    connections.putconn(connection)


def _insert(cursor: psycopg2.extensions.cursor, table: str, columns: tuple[str, ...], values: tuple[Any, ...]) -> None:
    marks = ", ".join(["%s"] * len(columns))
    cursor.execute(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})", values)
