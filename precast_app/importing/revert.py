"""Take back what a job did to element types: from its images to what was there before.

Only what the job did is touched. Element types of which pieces that the job made have gone into production, and those
that the database does not let go or come back, are left as they are, whole, and named.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import psycopg2

from precast_app.importing.batch_sql import write_cells
from precast_app.importing.diff import GROUPS
from precast_app.importing.pg_arrays import pg_columns
from precast_app.importing.schema import ColumnGroup
from precast_app.models.element_type import MEASURES

_CHUNK = 500
# By element type; null for one that the job made (see `models.Change.fields`).
BeforeImages = Mapping[int, dict[str, Any] | None]

# Waits for whoever moves a piece on, and leaves it then; what is left of the job's pieces is in production.
_DELETE_PIECES = "DELETE FROM pieces WHERE element_type_id = ANY(%s::int[]) AND job_id = %s AND status = 'planned'"
_IN_PRODUCTION = "SELECT DISTINCT element_type_id FROM pieces WHERE element_type_id = ANY(%s::int[]) AND job_id = %s"
_DELETE_TYPES = "DELETE FROM element_types WHERE id = ANY(%s::int[])"
_INSERT_PIECES = """
    INSERT INTO pieces (project_id, element_type_id, node_id, number, code, job_id)
    SELECT t.project_id, t.id, v.node_id, v.number, v.code, v.job_id
    FROM unnest(%s::int[], %s::int[], %s::int[], %s::text[], %s::int[]) AS v(id, node_id, number, code, job_id)
    JOIN element_types t USING (id)
"""


@dataclass(slots=True)
class RevertResult:
    """What was taken back: element types and pieces. `kept` are the ids of those that stayed as they were."""

    deleted: int = 0
    restored: int = 0
    pieces_removed: int = 0
    pieces_added: int = 0
    kept: frozenset[int] = frozenset()


def revert_changes(cursor: Any, job_id: int, images: BeforeImages, on_progress: Callable[[int], None]) -> RevertResult:
    """Take the job's changes back with a psycopg2 cursor, in the caller's transaction.

    `on_progress` is called now and then with the number of element types that are done, and may raise.
    """
    # Every row is found by its key.
    cursor.execute("SET LOCAL enable_seqscan = off")
    kept: set[int] = set()
    while True:
        cursor.execute("SAVEPOINT taking_back")
        done, refused = _revert_all(
            cursor, job_id, {id_: each for id_, each in images.items() if id_ not in kept}, on_progress
        )
        if not refused:
            done.kept = frozenset(kept)
            return done
        # Once more without those that can't go back, so that they stay whole.
        cursor.execute("ROLLBACK TO SAVEPOINT taking_back")
        kept |= refused


def _revert_all(
    cursor: Any, job_id: int, images: BeforeImages, on_progress: Callable[[int], None]
) -> tuple[RevertResult, set[int]]:
    """Take back, and what can't be: element types with pieces in production, and what the database refuses to."""
    done = RevertResult()
    refused: set[int] = set()
    # All pieces first: their codes may be those of pieces that come back.
    for chunk in _in_chunks(list(images)):
        on_progress(0)
        cursor.execute(_DELETE_PIECES, (chunk, job_id))
        done.pieces_removed += cursor.rowcount
        cursor.execute(_IN_PRODUCTION, (chunk, job_id))
        refused.update(row[0] for row in cursor.fetchall())
    if refused:
        return done, refused
    count = 0
    for chunk in _in_chunks(list(images)):
        on_progress(count)
        if not _revert_chunk(cursor, chunk, images, done):
            refused.update(id_ for id_ in chunk if not _revert_chunk(cursor, [id_], images, done))
        count += len(chunk)
    on_progress(count)
    return done, refused


def _revert_chunk(cursor: Any, ids: Sequence[int], images: BeforeImages, done: RevertResult) -> bool:
    cursor.execute("SAVEPOINT one_chunk")
    made = [id_ for id_ in ids if images[id_] is None]
    changed = [(id_, image) for id_ in ids if (image := images[id_]) is not None]
    try:
        if made:
            cursor.execute(_DELETE_TYPES, (made,))
        pieces = _restore(cursor, changed)
    except (psycopg2.IntegrityError, psycopg2.DataError):
        cursor.execute("ROLLBACK TO SAVEPOINT one_chunk")
        return False
    cursor.execute("RELEASE SAVEPOINT one_chunk")
    done.deleted += len(made)
    done.restored += len(changed)
    done.pieces_added += pieces
    return True


def _restore(cursor: Any, images: Sequence[tuple[int, dict[str, Any]]]) -> int:
    for field in (*MEASURES, "version"):
        if rows := [(id_, image[field][0]) for id_, image in images if field in image]:
            kind = "text" if field == "version" else "numeric"
            cursor.execute(
                f"UPDATE element_types t SET {field} = v.value FROM unnest(%s::int[], %s::{kind}[]) AS v(id, value) "
                "WHERE t.id = v.id",
                pg_columns(rows),
            )
    for group in GROUPS:
        cells = [
            (id_, int(target), _value(group, before))
            for id_, image in images
            for target, (before, _) in image.get(group.value, {}).items()
        ]
        write_cells(cursor, group, cells)
    pieces = [
        (id_, node, number, code, job[0] if job else None)
        for id_, image in images
        for node, number, code, *job in image.get("removed_pieces", ())
    ]
    if pieces:
        cursor.execute(_INSERT_PIECES, pg_columns(pieces))
    return len(pieces)


def _value(group: ColumnGroup, before: Any) -> Any:
    return Decimal(before) if group is ColumnGroup.BOM and before is not None else before


def _in_chunks(ids: Sequence[int]) -> Iterator[list[int]]:
    for start in range(0, len(ids), _CHUNK):
        yield list(ids[start : start + _CHUNK])
