"""Status transitions of individual pieces."""

from __future__ import annotations

from sqlalchemy import update

from precast_app.auth import audit
from precast_app.enums import PIECE_STEPS
from precast_app.errors import Conflict, NotFound
from precast_app.extensions import db
from precast_app.models import Piece, PieceStatus

_ORDER = [*PIECE_STEPS]


def advance_status(piece_id: int, status: PieceStatus) -> Piece:
    """Move a piece to the next status, commit and return it; nothing changes if it has this status already.

    Raise `Conflict` for any other status, because no step can be skipped or repeated, and `NotFound` if the piece does
    not exist.
    """
    if status not in _ORDER:
        raise Conflict("A piece can't be scrapped here.")
    position = _ORDER.index(status)
    previous = _ORDER[position - 1] if position else None
    # The condition on the status makes only one of two simultaneous requests change the piece.
    moved = db.session.execute(
        update(Piece).where(Piece.id == piece_id, Piece.status == previous).values(status=status)
    )
    piece = db.session.get(Piece, piece_id, populate_existing=True)
    if piece is not None and moved.rowcount:  # type: ignore[attr-defined] # of an UPDATE's result
        audit.record("piece.status", project_id=piece.project_id, about=piece.code, status=status)
    db.session.commit()
    if piece is None:
        raise NotFound(f"The piece {piece_id} does not exist any more. An import has reduced the quantity there.")
    if piece.status != status:
        following = _ORDER[_ORDER.index(PieceStatus(piece.status)) + 1 :]
        step = f"Its next status is {following[0]}." if following else "This is the last status."
        raise Conflict(f"The piece {piece.code} is {piece.status}, so it can't become {status}. {step}")
    return piece
