"""The undo of a job's moves: every piece gets back the status, the stages and the dates that it had before.

The history stays: the undo adds the reverse of each event. It is all or nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from precast_app.enums import PieceEventKind
from precast_app.importing.pg_arrays import pg_array
from precast_app.messages import Message, plural_message
from precast_app.pieces import moves
from precast_app.pieces.moves import Author, WrittenMoves
from precast_app.pieces.transitions import Change

_MAX_LISTED = 10

_EVENTS = text("""
    SELECT e.id, e.piece_id, e.kind, e.from_value, e.to_value, e.from_since, e.stage_id, e.happened_at, e.note
    FROM piece_events e WHERE e.job_id = :job_id ORDER BY e.id DESC
""")
# Later events still stand, unless their job was undone or is the undo of a job whose events are later, too.
_MOVED_SINCE = text("""
    WITH own AS (
        SELECT piece_id, max(id) AS last FROM piece_events WHERE job_id = :job_id GROUP BY piece_id
    )
    SELECT DISTINCT own.piece_id FROM own
    JOIN piece_events later ON later.piece_id = own.piece_id AND later.id > own.last
    LEFT JOIN import_jobs job ON job.id = later.job_id
    WHERE job.undone_by_job_id IS NULL AND NOT EXISTS (
        SELECT FROM piece_events undone
        WHERE undone.job_id = job.undoes_job_id AND undone.piece_id = own.piece_id AND undone.id > own.last)
""")
_GONE = text("""
    SELECT DISTINCT e.piece_id FROM piece_events e
    WHERE e.job_id = :job_id AND NOT EXISTS (SELECT FROM pieces p WHERE p.id = e.piece_id)
""")
_REPLACEMENT_MOVED = text("""
    SELECT p.id FROM piece_events e JOIN pieces p ON p.id = e.piece_id
    WHERE e.job_id = :job_id AND e.kind = 'status' AND e.to_value = 'scrapped' AND p.status = 'scrapped'
      AND NOT EXISTS (
          SELECT FROM pieces r
          WHERE r.element_type_id = p.element_type_id AND r.node_id = p.node_id AND r.replaces_id = p.id
            AND r.status = 'planned')
""")
_CODES = text("SELECT code FROM pieces WHERE id = ANY(CAST(:ids AS bigint[])) ORDER BY code LIMIT :limit")
_COUNT = text("SELECT count(DISTINCT piece_id) FROM piece_events WHERE job_id = :job_id")


@dataclass(frozen=True, slots=True)
class UndoneMoves:
    """How many pieces were put back, and how many replacements of scrapped pieces were removed or added again."""

    pieces: int
    written: WrittenMoves


def count_pieces(session: Session, job_id: int) -> int:
    """Return how many pieces the job has moved."""
    return int(session.execute(_COUNT, {"job_id": job_id}).scalar_one())


def find_conflicts(session: Session, job_id: int) -> list[str]:
    """Return the reasons why the job's moves can't be undone, each as a sentence that names pieces."""
    parameters = {"job_id": job_id}
    conflicts: list[str] = []
    if moved := set(session.scalars(_MOVED_SINCE, parameters)):
        conflicts.append(Message("Pieces have moved on since: %(pieces)s.", pieces=_describe(session, moved)))
    if gone := set(session.scalars(_GONE, parameters)):
        conflicts.append(
            plural_message(
                "%(count)s of its pieces was removed by an import since. Undo that import first.",
                "%(count)s of its pieces were removed by an import since. Undo that import first.",
                len(gone),
            )
        )
    if replaced := set(session.scalars(_REPLACEMENT_MOVED, parameters)):
        conflicts.append(
            Message(
                "Replacements of scrapped pieces are in production or were removed: %(pieces)s.",
                pieces=_describe(session, replaced),
            )
        )
    return conflicts


def revert_moves(session: Session, project_id: int, job_id: int, author: Author, now: datetime) -> UndoneMoves:
    """Add the reverse of each of the job's events. The caller has locked the pieces and commits."""
    reverse: dict[int, list[Change]] = {}
    for event in session.execute(_EVENTS, {"job_id": job_id}):
        reverse.setdefault(event.piece_id, []).append(_reverse(event, now))
    return UndoneMoves(len(reverse), moves.write(session, project_id, reverse, author))


def lock_pieces(session: Session, job_id: int) -> None:
    """Wait until nobody else changes the pieces that the job has moved, and keep them until the transaction ends."""
    session.execute(
        text("""
            SELECT FROM pieces WHERE id IN (SELECT piece_id FROM piece_events WHERE job_id = :job_id)
            ORDER BY id FOR UPDATE
        """),
        {"job_id": job_id},
    )


def _reverse(event: Row[Any], now: datetime) -> Change:
    kind = PieceEventKind(event.kind)
    if kind is PieceEventKind.NOTE:
        return Change(kind, now, before=event.note or event.to_value, after=event.from_value)
    # The date of a status that comes back is the former one, though it comes back now.
    return Change(
        kind,
        now,
        before=event.to_value,
        after=event.from_value,
        since=event.happened_at if kind is PieceEventKind.STATUS else None,
        reached_at=event.from_since,
        stage_id=event.stage_id,
    )


def _describe(session: Session, piece_ids: Iterable[int]) -> str:
    """Return the codes of the first few pieces, and how many more there are."""
    ids: Sequence[int] = list(piece_ids)
    codes = list(session.scalars(_CODES, {"ids": pg_array(ids), "limit": _MAX_LISTED}))
    more = len(ids) - len(codes)
    listed = ", ".join(codes)
    return Message("%(listed)s and %(count)s more", listed=listed, count=more) if more > 0 else listed
