"""Moves of pieces in the database: load their state, write what was decided. Set-based, in the caller's transaction."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from precast_app import planner
from precast_app.enums import PieceEventKind, PieceStatus
from precast_app.importing.pg_arrays import pg_array, pg_columns
from precast_app.models import Stage
from precast_app.pieces.transitions import Change, PieceState, StageRule

# Rows are locked in the order of their ids, so that two transactions that move the same pieces never block each other.
# The sum keeps PostgreSQL from an index by project, all of which it would read for a few ids if it has no statistics.
_BY_ID = text("""
    SELECT id, code, element_type_id, status, status_since, created_at FROM pieces
    WHERE project_id + 0 = :project_id AND id = ANY(CAST(:ids AS bigint[])) ORDER BY id
""")
_BY_ID_LOCKED = text(f"{_BY_ID.text} FOR UPDATE")
# Written as the first piece of a range, each code is looked up in the index that has this order. As an equality, it can
# be compared with all codes of the project.
_IDS_OF_CODES = text("""
    SELECT given.code, found.id FROM unnest(CAST(:codes AS text[])) AS given(code)
    CROSS JOIN LATERAL (
        SELECT id FROM pieces p WHERE p.project_id = :project_id AND p.code BETWEEN given.code AND given.code
        ORDER BY p.code LIMIT 1
    ) AS found
""")
_PASSED = text("""
    SELECT piece_id, stage_id, passed_at FROM piece_stages WHERE piece_id = ANY(CAST(:ids AS bigint[]))
""")
_OWN_STAGES = text("""
    SELECT element_type_id, array_agg(stage_id) FROM element_type_stages
    WHERE element_type_id = ANY(CAST(:ids AS int[])) GROUP BY element_type_id
""")
_NOTES = text("""
    SELECT DISTINCT piece_id, note FROM piece_events
    WHERE piece_id = ANY(CAST(:ids AS bigint[])) AND note IS NOT NULL
""")
_INSERT_EVENTS = text("""
    INSERT INTO piece_events (project_id, job_id, user_name, recorded_at,
                              piece_id, kind, from_value, to_value, from_since, stage_id, happened_at, note)
    SELECT :project_id, :job_id, :user_name, clock_timestamp(), v.*
    FROM unnest(CAST(:piece_ids AS bigint[]), CAST(:kinds AS text[]), CAST(:from_values AS text[]),
                CAST(:to_values AS text[]), CAST(:sinces AS timestamptz[]), CAST(:stage_ids AS int[]),
                CAST(:times AS timestamptz[]), CAST(:notes AS text[])) AS v
""")
_UPDATE_PIECES = text("""
    UPDATE pieces p SET status = v.status, status_since = v.since
    FROM unnest(CAST(:ids AS bigint[]), CAST(:statuses AS text[]), CAST(:sinces AS timestamptz[]))
        AS v(id, status, since)
    WHERE p.id = v.id
""")
_INSERT_PASSES = text("""
    INSERT INTO piece_stages (piece_id, stage_id, passed_at)
    SELECT * FROM unnest(CAST(:ids AS bigint[]), CAST(:stage_ids AS int[]), CAST(:times AS timestamptz[]))
    ON CONFLICT (piece_id, stage_id) DO UPDATE SET passed_at = excluded.passed_at
""")
_DELETE_PASSES = text("""
    DELETE FROM piece_stages USING unnest(CAST(:ids AS bigint[]), CAST(:stage_ids AS int[])) AS v(id, stage_id)
    WHERE piece_id = v.id AND piece_stages.stage_id = v.stage_id
""")
# As an import does, the numbers go on from the highest one of all element types of the same type at the node.
_INSERT_REPLACEMENTS = text("""
    WITH scrapped AS (
        SELECT p.*, t.type_key, row_number() OVER (PARTITION BY t.type_key, p.node_id ORDER BY p.number) AS rank
        FROM pieces p JOIN element_types t ON t.id = p.element_type_id
        WHERE p.id = ANY(CAST(:ids AS bigint[]))
    ), numbered AS (
        SELECT scrapped.*, rank + (
            SELECT max(other.number) FROM element_types same JOIN pieces other ON other.element_type_id = same.id
            WHERE same.project_id = scrapped.project_id AND same.type_key = scrapped.type_key
              AND other.node_id = scrapped.node_id) AS next
        FROM scrapped
    )
    INSERT INTO pieces (project_id, element_type_id, node_id, number, job_id, code, replaces_id)
    SELECT project_id, element_type_id, node_id, next, :job_id,
           regexp_replace(code, '/[0-9]+$', '/') || lpad(next::text, greatest(4, length(next::text)), '0'), id
    FROM numbered
""")
_REPLACEMENTS = """
    FROM pieces p, pieces scrapped
    WHERE scrapped.id = ANY(CAST(:ids AS bigint[])) AND p.element_type_id = scrapped.element_type_id
      AND p.node_id = scrapped.node_id AND p.replaces_id = scrapped.id AND p.status = 'planned'
"""
_REPLACED = text(f"SELECT scrapped.id {_REPLACEMENTS} FOR UPDATE OF p")
_DELETE_REPLACEMENTS = text(f"DELETE FROM pieces WHERE id IN (SELECT p.id {_REPLACEMENTS}) AND status = 'planned'")


@dataclass(frozen=True, slots=True)
class StoredPiece:
    """A piece with its state."""

    id: int
    code: str
    state: PieceState


@dataclass(frozen=True, slots=True)
class Author:
    """Who moves pieces: a user, and the job that does it for them, if any."""

    user_name: str
    job_id: int | None = None


@dataclass(frozen=True, slots=True)
class WrittenMoves:
    """How many pieces were moved, how many scrapped ones got replacements, and how many replacements were removed."""

    moved: int = 0
    replacements: int = 0
    removed_replacements: int = 0


def load_stages(session: Session, project_id: int) -> dict[int, StageRule]:
    """Return the project's stages in their order, by id."""
    query = select(Stage).where(Stage.project_id == project_id).order_by(Stage.position, Stage.id)
    return {
        stage.id: StageRule(stage.id, stage.name, PieceStatus(stage.reaches_status) if stage.reaches_status else None)
        for stage in session.scalars(query)
    }


def ids_by_code(session: Session, project_id: int, codes: Iterable[str]) -> dict[str, int]:
    """Return the ids of those of the project's pieces that exist, by code."""
    with planner.without(session, planner.OFF_FOR_INDEX_ORDER):
        found = session.execute(_IDS_OF_CODES, {"project_id": project_id, "codes": pg_array(set(codes))}).all()
    return {row.code: row.id for row in found}


def load(
    session: Session, project_id: int, ids: Iterable[int], *, lock: bool, with_notes: Iterable[int] = ()
) -> dict[int, StoredPiece]:
    """Return the pieces that exist, by id, with the notes of those in `with_notes`.

    With `lock` nobody else changes them until the transaction ends.
    """
    parameters = {"project_id": project_id, "ids": pg_array(set(ids))}
    # Every row is found by its key.
    session.execute(text("SET LOCAL enable_seqscan = off"))
    rows = session.execute(_BY_ID_LOCKED if lock else _BY_ID, parameters).all()
    passed: dict[int, dict[int, datetime]] = defaultdict(dict)
    for piece_id, stage_id, passed_at in session.execute(_PASSED, parameters):
        passed[piece_id][stage_id] = passed_at
    own: dict[int, list[int]] = {
        row[0]: row[1] for row in session.execute(_OWN_STAGES, {"ids": pg_array({row.element_type_id for row in rows})})
    }
    notes: dict[int, set[str]] = defaultdict(set)
    if wanted := set(with_notes):
        for piece_id, note in session.execute(_NOTES, {"ids": pg_array(wanted)}):
            notes[piece_id].add(note)
    scrapped = {row.id for row in rows if row.status == PieceStatus.SCRAPPED}
    returning = set(session.scalars(_REPLACED, {"ids": pg_array(scrapped)})) if scrapped else set()
    return {
        row.id: StoredPiece(
            row.id,
            row.code,
            PieceState(
                PieceStatus(row.status),
                row.status_since,
                row.created_at,
                passed.get(row.id, {}),
                frozenset(own.get(row.element_type_id, ())),
                frozenset(notes.get(row.id, ())),
                row.id not in scrapped or row.id in returning,
            ),
        )
        for row in rows
    }


def write(session: Session, project_id: int, moves: Mapping[int, Sequence[Change]], author: Author) -> WrittenMoves:
    """Write the changes of locked pieces, by piece id: their history, status and stages; replace scrapped ones."""
    changes = [(piece_id, change) for piece_id, made in moves.items() for change in made]
    if not changes:
        return WrittenMoves()
    _insert_events(session, project_id, changes, author)
    statuses = {piece_id: each for piece_id, each in changes if each.kind is PieceEventKind.STATUS}
    if statuses:
        columns = pg_columns([(id_, str(each.after), each.reached_at) for id_, each in statuses.items()])
        session.execute(_UPDATE_PIECES, dict(zip(("ids", "statuses", "sinces"), columns, strict=True)))
    _write_passes(session, [each for each in changes if each[1].kind is PieceEventKind.STAGE])
    return WrittenMoves(len(moves), *_write_replacements(session, moves, author))


def _insert_events(session: Session, project_id: int, changes: Sequence[tuple[int, Change]], author: Author) -> None:
    names = ("piece_ids", "kinds", "from_values", "to_values", "sinces", "stage_ids", "times", "notes")
    columns = pg_columns(
        [
            (id_, str(each.kind), _text(each.before), _text(each.after), each.since, each.stage_id, each.at, each.note)
            for id_, each in changes
        ]
    )
    session.execute(
        _INSERT_EVENTS,
        {
            "project_id": project_id,
            "job_id": author.job_id,
            "user_name": author.user_name,
            **dict(zip(names, columns, strict=True)),
        },
    )


def _write_passes(session: Session, changes: Sequence[tuple[int, Change]]) -> None:
    """Store the passes of stages as the last change of each piece and stage says."""
    last = {(piece_id, change.stage_id): change.after for piece_id, change in changes}
    if passed := [(id_, stage_id, after) for (id_, stage_id), after in last.items() if after is not None]:
        session.execute(_INSERT_PASSES, dict(zip(("ids", "stage_ids", "times"), pg_columns(passed), strict=True)))
    if withdrawn := [each for each, after in last.items() if after is None]:
        session.execute(_DELETE_PASSES, dict(zip(("ids", "stage_ids"), pg_columns(withdrawn), strict=True)))


def _write_replacements(session: Session, moves: Mapping[int, Sequence[Change]], author: Author) -> tuple[int, int]:
    """Add a replacement for each scrapped piece, and remove those of pieces that came back; return how many of each."""
    scrapped, returned = [], []
    for piece_id, changes in moves.items():
        statuses = [each for each in changes if each.kind is PieceEventKind.STATUS]
        before, after = (statuses[0].before, statuses[-1].after) if statuses else (None, None)
        if before != after and after == PieceStatus.SCRAPPED:
            scrapped.append(piece_id)
        elif before != after and before == PieceStatus.SCRAPPED:
            returned.append(piece_id)
    added = removed = 0
    if scrapped:
        added = _rows(session.execute(_INSERT_REPLACEMENTS, {"ids": pg_array(scrapped), "job_id": author.job_id}))
    if returned:
        removed = _rows(session.execute(_DELETE_REPLACEMENTS, {"ids": pg_array(returned)}))
    return added, removed


def _rows(result: Any) -> int:
    return int(result.rowcount)


def _text(value: str | None) -> str | None:
    # A status is a kind of text that arrays would not quote.
    return None if value is None else str(value)
