"""The project that the steps of `python -m bench` fill: without element types, with the workbooks' reference data."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import OperationalError

from bench import workbooks
from precast_app.config import database_uri

# What jobs fill. Ids of jobs continue, because a worker that runs keeps those that it knows in Redis.
_FILLED = "TRUNCATE element_types, pieces, piece_events, import_jobs CONTINUE IDENTITY CASCADE"
_MAX_ATTEMPTS = 5


def restore() -> None:
    """Empty all tables, and insert the reference data of project 1."""
    with _connection() as connection:
        connection.execute(text("TRUNCATE projects, users RESTART IDENTITY CASCADE"))
        connection.execute(text("INSERT INTO projects (name) VALUES ('Bench')"))
        for name in workbooks.DRAWINGS:
            _insert(connection, "drawing_types (project_id, name, match_key)", name, _key(name))
        for name in workbooks.NODES:
            key = ".".join(map(_key, name.split(".")))
            columns = "hierarchy_nodes (project_id, name, prefix, path, match_key, naming_convention)"
            code = name.replace("Tower_", "").replace(".Floor_", "F")
            _insert(connection, columns, name, code, name, key, code)
        for place, name in enumerate(workbooks.STAGES, 1):
            _insert(connection, "stages (project_id, name, match_key, position)", name, _key(name), place)
        for name in workbooks.PRODUCTS:
            product, size = name.split("_")
            columns = "bom_products (project_id, product_name, product_type, unit, match_key)"
            _insert(connection, columns, product, size, "kg", _key(name))
        _vacuum(connection)


def clear() -> None:
    """Delete jobs, element types and pieces of the restored project; users, tokens and reference data remain."""
    with _connection() as connection:
        _truncate(connection)
        _vacuum(connection)


def _truncate(connection: Connection) -> None:
    for attempt in range(1, _MAX_ATTEMPTS + 1):
        try:
            connection.execute(text(_FILLED))
            return
        except OperationalError:
            # A deadlock: a worker that runs locks the same tables in another order.
            if attempt == _MAX_ATTEMPTS:
                raise


@contextmanager
def _connection() -> Iterator[Connection]:
    engine = create_engine(database_uri(os.environ["DATABASE_URL"]), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def _vacuum(connection: Connection) -> None:
    """Vacuum, so that no background work remains."""
    connection.execute(text("VACUUM ANALYZE"))
    # Give background processes time to finish.
    connection.execute(text("SELECT pg_sleep(0.2)"))


def _insert(connection: Connection, columns: str, *values: object) -> None:
    names = {f"v{place}": value for place, value in enumerate(values)}
    marks = ", ".join(f":{name}" for name in names)
    connection.execute(text(f"INSERT INTO {columns} VALUES (1, {marks})"), names)


def _key(name: str) -> str:
    return name.lower().replace(" ", "_")
