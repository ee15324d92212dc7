"""Revert a job's changes of element types from the stored before-images.

Only the job's own changes are reverted. An element type stays as it is if pieces that the job created have gone into
production, if the database rejects the reverted rows, or if a removed piece was at a node whose naming convention has
changed since, which codes contain; its id is returned.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg2

from precast_app.importing.batch_sql import write_cells
from precast_app.importing.diff import DELETED, RemovedPiece
from precast_app.importing.pg_arrays import pg_columns
from precast_app.importing.schema import GROUP_SPECS, MEASURES
from precast_app.text import identity_key

_CHUNK = 500
# By element type id; None for an element type that the job created (see `diff`).
BeforeImages = Mapping[int, dict[str, Any] | None]

# Waits for a transaction that changes a piece's status, and then keeps the piece; the rest are in production.
_DELETE_PIECES = "DELETE FROM pieces WHERE element_type_id = ANY(%s::int[]) AND job_id = %s AND status = 'planned'"
_IN_PRODUCTION = "SELECT DISTINCT element_type_id FROM pieces WHERE element_type_id = ANY(%s::int[]) AND job_id = %s"
_DELETE_TYPES = "DELETE FROM element_types WHERE id = ANY(%s::int[])"
_INSERT_TYPES = """
    INSERT INTO element_types (id, project_id, element_type, name, type_key, name_key)
    SELECT v.id, job.project_id, v.element_type, v.name, v.type_key, v.name_key
    FROM unnest(%s::int[], %s::text[], %s::text[], %s::text[], %s::text[])
             AS v(id, element_type, name, type_key, name_key)
    JOIN import_jobs job ON job.id = %s
"""
_RENAME = """
    UPDATE element_types t SET name = v.name, name_key = v.name_key
    FROM unnest(%s::int[], %s::text[], %s::text[]) AS v(id, name, name_key) WHERE t.id = v.id
"""
_INSERT_PIECES = """
    INSERT INTO pieces (project_id, element_type_id, node_id, number, code, job_id, id, status_since, replaces_id)
    SELECT t.project_id, t.id, v.node_id, v.number, v.code, v.job_id,
           coalesce(v.piece_id, nextval(pg_get_serial_sequence('pieces', 'id'))), v.status_since, v.replaces_id
    FROM unnest(%s::int[], %s::int[], %s::int[], %s::text[], %s::int[], %s::bigint[], %s::timestamptz[], %s::bigint[])
             AS v(element_type_id, node_id, number, code, job_id, piece_id, status_since, replaces_id)
    JOIN element_types t ON t.id = v.element_type_id
    JOIN hierarchy_nodes n ON n.id = v.node_id
    WHERE starts_with(v.code, t.element_type || '/' || n.naming_convention || '/')
"""


class CodesChanged(Exception):
    """Removed pieces were at a node whose naming convention has changed since."""


@dataclass(slots=True)
class RevertResult:
    """What was reverted, in element types and pieces; `kept` are the ids of element types that stayed as they are."""

    deleted: int = 0
    restored: int = 0
    pieces_removed: int = 0
    pieces_added: int = 0
    kept: frozenset[int] = frozenset()


def revert_changes(cursor: Any, job_id: int, images: BeforeImages, on_progress: Callable[[int], None]) -> RevertResult:
    """Revert the job's changes with a psycopg2 cursor in the caller's transaction.

    `on_progress` is called repeatedly with the number of element types that are done, and may raise.
    """
    # Every row is found by its key.
    cursor.execute("SET LOCAL enable_seqscan = off")
    kept: set[int] = set()
    while True:
        cursor.execute("SAVEPOINT revert")
        done, refused = _revert_all(
            cursor, job_id, {id_: each for id_, each in images.items() if id_ not in kept}, on_progress
        )
        if not refused:
            done.kept = frozenset(kept)
            return done
        # Start again without those that can't be reverted, so that these stay complete.
        cursor.execute("ROLLBACK TO SAVEPOINT revert")
        kept |= refused


def _revert_all(
    cursor: Any, job_id: int, images: BeforeImages, on_progress: Callable[[int], None]
) -> tuple[RevertResult, set[int]]:
    """Revert, and return the ids of element types that can't be: in production, or rejected by the database."""
    done = RevertResult()
    refused: set[int] = set()
    # All pieces first, since restored pieces may have the same codes.
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
        if not _revert_chunk(cursor, job_id, chunk, images, done):
            refused.update(id_ for id_ in chunk if not _revert_chunk(cursor, job_id, [id_], images, done))
        count += len(chunk)
    on_progress(count)
    return done, refused


def _revert_chunk(cursor: Any, job_id: int, ids: Sequence[int], images: BeforeImages, done: RevertResult) -> bool:
    cursor.execute("SAVEPOINT one_chunk")
    made = [id_ for id_ in ids if images[id_] is None]
    changed = [(id_, image) for id_ in ids if (image := images[id_]) is not None]
    try:
        if made:
            cursor.execute(_DELETE_TYPES, (made,))
        _restore_names(cursor, job_id, changed)
        pieces = _restore(cursor, changed)
    except (psycopg2.IntegrityError, psycopg2.DataError, CodesChanged):
        cursor.execute("ROLLBACK TO SAVEPOINT one_chunk")
        return False
    cursor.execute("RELEASE SAVEPOINT one_chunk")
    done.deleted += len(made)
    done.restored += len(changed)
    done.pieces_added += pieces
    return True


def _restore_names(cursor: Any, job_id: int, images: Sequence[tuple[int, dict[str, Any]]]) -> None:
    """Insert the element types that the job removed, without values, and give renamed ones their former names."""
    removed = [(id_, *image[DELETED]) for id_, image in images if DELETED in image]
    if removed:
        rows = [(*each, identity_key(each[1]), identity_key(each[2])) for each in removed]
        cursor.execute(_INSERT_TYPES, (*pg_columns(rows), job_id))
    renamed = [(id_, image["name"][0], identity_key(image["name"][0])) for id_, image in images if "name" in image]
    if renamed:
        cursor.execute(_RENAME, pg_columns(renamed))


def _restore(cursor: Any, images: Sequence[tuple[int, dict[str, Any]]]) -> int:
    for field in (*MEASURES, "version"):
        if rows := [(id_, image[field][0]) for id_, image in images if field in image]:
            kind = "text" if field == "version" else "numeric"
            cursor.execute(
                f"UPDATE element_types t SET {field} = v.value FROM unnest(%s::int[], %s::{kind}[]) AS v(id, value) "
                "WHERE t.id = v.id",
                pg_columns(rows),
            )
    for group, spec in GROUP_SPECS.items():
        cells = [
            (id_, int(target), spec.value_type.from_json(before))
            for id_, image in images
            for target, (before, _) in image.get(group.value, {}).items()
        ]
        write_cells(cursor, group, cells)
    pieces = [(id_, *RemovedPiece(*piece)) for id_, image in images for piece in image.get("removed_pieces", ())]
    if pieces:
        cursor.execute(_INSERT_PIECES, pg_columns(pieces))
        if cursor.rowcount < len(pieces):
            raise CodesChanged
    return len(pieces)


def _in_chunks(ids: Sequence[int]) -> Iterator[list[int]]:
    for start in range(0, len(ids), _CHUNK):
        yield list(ids[start : start + _CHUNK])
