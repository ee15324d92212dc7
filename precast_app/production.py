"""Pieces on their way from the drawing to the building."""

from __future__ import annotations

from sqlalchemy import update

from precast_app.errors import Conflict
from precast_app.extensions import db
from precast_app.models import Piece, PieceStatus

_ORDER = [*PieceStatus]


def advance(piece_id: int, status: PieceStatus) -> Piece:
    """Bring a piece, known to be there, to the next status and commit; to the one it has already is no change.

    Raises `Conflict` for any other status, since each step of the way is taken once and in order.
    """
    piece = db.session.get_one(Piece, piece_id)
    place = _ORDER.index(status)
    if piece.status == status:
        return piece
    before = _ORDER[place - 1] if place else None
    # The status is a condition of the change: of two who ask at the same time one is told what the other did.
    moved = db.session.scalar(
        update(Piece).where(Piece.id == piece_id, Piece.status == before).values(status=status).returning(Piece.id)
    )
    db.session.commit()
    if moved is None:
        following = _ORDER[_ORDER.index(PieceStatus(piece.status)) + 1 :]
        step = f"The next status is {following[0]}." if following else "That is the last one."
        raise Conflict(f"The piece {piece.code} is {piece.status} and can't become {status} now. {step}")
    return piece
