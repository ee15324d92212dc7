"""Pieces on their way from the drawing to the building."""

from __future__ import annotations

from sqlalchemy import update

from precast_app.auth import audit
from precast_app.errors import Conflict, NotFound
from precast_app.extensions import db
from precast_app.models import Piece, PieceStatus

_ORDER = [*PieceStatus]


def advance_status(piece_id: int, status: PieceStatus) -> Piece:
    """Bring a piece to the next status and commit; to the one that it has already is no change.

    Raises `Conflict` for any other status, since each step of the way is taken once and in order, and `NotFound`.
    """
    place = _ORDER.index(status)
    before = _ORDER[place - 1] if place else None
    # The status is a condition of the change: of two who ask at the same time one is told what the other did.
    moved = db.session.execute(update(Piece).where(Piece.id == piece_id, Piece.status == before).values(status=status))
    piece = db.session.get(Piece, piece_id, populate_existing=True)
    if piece is not None and moved.rowcount:  # type: ignore[attr-defined] # of an UPDATE's result
        audit.record("piece.status", project_id=piece.project_id, about=piece.code, status=status)
    db.session.commit()
    if piece is None:
        raise NotFound(f"The piece {piece_id} has just been removed: an import needs fewer of its kind there.")
    if piece.status != status:
        following = _ORDER[_ORDER.index(PieceStatus(piece.status)) + 1 :]
        step = f"The next status is {following[0]}." if following else "That is the last one."
        raise Conflict(f"The piece {piece.code} is {piece.status} and can't become {status} now. {step}")
    return piece
