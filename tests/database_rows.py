"""The rows of the whole database: deleted between tests, and copied so that tests with the same data import it once."""

from __future__ import annotations

import io
from collections.abc import Collection
from dataclasses import dataclass

import psycopg2.extensions
from psycopg2.errors import DeadlockDetected
from sqlalchemy import Table, text
from sqlalchemy.exc import OperationalError

from precast_app.extensions import db

# Its entries only ever follow others, so they take the next ids instead of the copied ones.
_AUDIT = "audit_entries"


# Above this size TRUNCATE is faster than DELETE, which takes a tenth of the time for the few rows of most tests.
_LARGE_BYTES = 4 * 1024**2
_ATTEMPTS = 5


def empty_tables(*, keep: Collection[str] = ()) -> None:
    """Delete all rows, except those of the tables in `keep`, and restart the ids. The caller commits.

    The trigger that protects the audit is bypassed, as only the tables' owner can do. The locks wait for the
    transactions that a killed process has left behind.
    """
    tables = [table.name for table in reversed(db.metadata.sorted_tables) if table.name not in keep]
    names = ", ".join(tables)
    db.session.execute(text(f"LOCK TABLE {names} IN ACCESS EXCLUSIVE MODE"))
    db.session.execute(text(f"ALTER TABLE {_AUDIT} DISABLE TRIGGER USER"))
    largest = db.session.scalar(
        text("SELECT max(pg_table_size(CAST(name AS regclass))) FROM unnest(:tables) AS name"), {"tables": tables}
    )
    if largest > _LARGE_BYTES:
        db.session.execute(text(f"TRUNCATE {names}"))
    else:
        db.session.execute(text(";".join(f"DELETE FROM {name}" for name in tables)))
    db.session.execute(text(f"ALTER TABLE {_AUDIT} ENABLE TRIGGER USER"))
    db.session.execute(
        text("""
            SELECT setval(CAST(sequencename AS regclass), start_value, false) FROM pg_sequences
            WHERE last_value IS NOT NULL AND sequencename <> ALL (:kept)
        """),
        {"kept": [f"{name}_id_seq" for name in keep]},
    )


def empty_tables_with_retry() -> None:
    """Delete all rows and commit while the reaper runs.

    It takes its locks in another order, so PostgreSQL may end either transaction as a deadlock. Then try again.
    """
    for attempt in range(_ATTEMPTS):
        try:
            empty_tables()
            db.session.commit()
        except OperationalError as error:
            db.session.rollback()
            if not isinstance(error.orig, DeadlockDetected) or attempt == _ATTEMPTS - 1:
                raise
        else:
            return


@dataclass(frozen=True, slots=True)
class StoredRows:
    """Rows of some tables in PostgreSQL's COPY format, referenced tables first, and the last values of sequences."""

    tables: dict[str, bytes]
    sequences: dict[str, int]

    @classmethod
    def read(cls) -> StoredRows:
        """Return the rows of all tables."""
        return cls({table.name: _copy_out(table) for table in db.metadata.sorted_tables}, _used_sequences())

    def since(self, earlier: StoredRows) -> StoredRows:
        """Return the rows that were added since; raise `ValueError` if a table changed that was not empty."""
        added = {name: rows for name, rows in self.tables.items() if rows != earlier.tables[name]}
        for name, rows in added.items():
            known = earlier.tables[name]
            if known and (name != _AUDIT or not rows.startswith(known)):
                raise ValueError(f"Rows of {name} were changed.")
            added[name] = rows[len(known) :]
        used = {name: last for name, last in self.sequences.items() if name not in earlier.sequences}
        return StoredRows(added, used)

    def fits(self) -> bool:
        """Return whether the ids of these rows have not been used in the current database."""
        return not self.sequences.keys() & _used_sequences().keys()

    def insert(self) -> None:
        """Insert the rows and advance the sequences. The caller commits."""
        for table in db.metadata.sorted_tables:
            if table.name in self.tables:
                _copy_in(table, self.tables[table.name])
        db.session.execute(
            text("SELECT setval(CAST(name AS regclass), last) FROM unnest(:names, :lasts) AS used (name, last)"),
            {"names": list(self.sequences), "lasts": list(self.sequences.values())},
        )


def _copy_out(table: Table) -> bytes:
    rows = io.BytesIO()
    with _driver_connection().cursor() as cursor:
        cursor.copy_expert(f"COPY (SELECT {_columns(table)} FROM {table.name} ORDER BY 1) TO STDOUT", rows)
    return rows.getvalue()


def _copy_in(table: Table, rows: bytes) -> None:
    with _driver_connection().cursor() as cursor:
        cursor.copy_expert(f"COPY {table.name} ({_columns(table)}) FROM STDIN", io.BytesIO(rows))


def _columns(table: Table) -> str:
    return ", ".join(f'"{column.name}"' for column in table.columns if (table.name, column.name) != (_AUDIT, "id"))


def _used_sequences() -> dict[str, int]:
    found = db.session.execute(text("SELECT sequencename, last_value FROM pg_sequences WHERE last_value IS NOT NULL"))
    return {row.sequencename: row.last_value for row in found}


def _driver_connection() -> psycopg2.extensions.connection:
    connection = db.session.connection().connection.driver_connection
    assert isinstance(connection, psycopg2.extensions.connection)
    return connection
