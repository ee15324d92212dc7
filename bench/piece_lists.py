"""Lists of pieces with statuses, and the fastest way that we know to store the moves that such a list describes."""

from __future__ import annotations

from pathlib import Path

import psycopg2
from sqlalchemy import text
from sqlalchemy.orm import Session

from precast_app.config import libpq_url

MAX_PIECES = 10_000
_STATUS, _STATUS_BEFORE = "produced", "in_production"
_CODES = text("SELECT code FROM pieces WHERE project_id = :project_id ORDER BY code LIMIT :count")
_MOVE = """
    WITH moved AS (
        UPDATE pieces SET status = %(status)s, status_since = now() FROM listed
        WHERE pieces.project_id = %(project_id)s AND pieces.code = listed.code RETURNING pieces.id
    )
    INSERT INTO piece_events (project_id, piece_id, kind, from_value, to_value, happened_at, user_name)
    SELECT %(project_id)s, id, 'status', 'planned', %(status)s, now(), 'bench' FROM moved
"""


def write(session: Session, workbook: Path, project_id: int) -> Path:
    """Write a list of the first pieces, at most 10 000, as a CSV file beside the workbook, and return its path."""
    codes = session.scalars(_CODES, {"project_id": project_id, "count": MAX_PIECES}).all()
    session.rollback()
    path = workbook.with_suffix(".pieces.csv")
    path.write_text("".join(["Piece,Status\n", *(f"{code},{_STATUS}\n" for code in codes)]), encoding="utf-8")
    return path


def store_moves(database_url: str, path: Path, project_id: int) -> int:
    """Move the pieces of a list by one COPY, one UPDATE and one INSERT, and return their number.

    They get the status before the one that the list says, so that a job can still move them.
    """
    with psycopg2.connect(libpq_url(database_url)) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TEMP TABLE listed (code text, status text) ON COMMIT DROP")
        with path.open("rb") as file:
            cursor.copy_expert("COPY listed FROM STDIN (FORMAT csv, HEADER)", file)
        cursor.execute(_MOVE, {"status": _STATUS_BEFORE, "project_id": project_id})
        return cursor.rowcount
