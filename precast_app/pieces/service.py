"""The move of one piece by a request: one transaction, with an entry in the audit log."""

from __future__ import annotations

from datetime import UTC, date, datetime

from sqlalchemy import exists, select

from precast_app.auth import audit
from precast_app.enums import JobStatus, PieceStatus
from precast_app.errors import Conflict, NotFound, RequestError
from precast_app.extensions import db
from precast_app.importing import reference_store
from precast_app.messages import Message, as_message, join_messages
from precast_app.models import ImportJob, Piece
from precast_app.pieces import moves, transitions
from precast_app.pieces.moves import Author
from precast_app.pieces.transitions import Moment, Move, MoveRefused

# A wrong value of the request, in contrast to a move that the piece's state forbids.
_WRONG_VALUES = frozenset({"missing_value", "date_in_future", "date_before_piece", "unknown_stage", "reason_missing"})


def move_piece(
    piece_id: int,
    user_name: str,
    *,
    status: PieceStatus | None = None,
    stage_id: int | None = None,
    given: date | datetime | None = None,
    note: str | None = None,
    reason: str | None = None,
) -> Piece:
    """Move a piece, commit and return it; nothing changes if it is like that already. `given` is when it happened.

    Raise `Conflict` if the state of the piece forbids it, `RequestError` for a wrong value, and `NotFound` if the piece
    does not exist.
    """
    session, now = db.session(), datetime.now(UTC)
    project_id = session.scalar(select(Piece.project_id).where(Piece.id == piece_id)) or 0
    if status is PieceStatus.SCRAPPED:
        _prevent_other_numbers(project_id)
    found = moves.load(session, project_id, [piece_id], lock=True, with_notes=[piece_id] if note else ())
    if piece_id not in found:
        raise NotFound(
            Message(
                "The piece %(piece)s does not exist any more. An import has reduced the quantity there.", piece=piece_id
            )
        )
    stored = found[piece_id]
    asked = Move(Moment.of(given, now), status, stage_id, note, reason)
    try:
        _, changes = transitions.decide(stored.state, asked, moves.load_stages(session, project_id), now)
    except MoveRefused as refused:
        message = join_messages(": ", [stored.code, as_message(refused.message)])
        if refused.code in _WRONG_VALUES:
            raise RequestError(message, {"json": {refused.about: [refused.message]}}) from refused
        raise Conflict(message) from refused
    if changes:
        moves.write(session, project_id, {piece_id: changes}, Author(user_name))
        details = {"status": status, "stage": stage_id, "note": note, "reason": reason, "date": given}
        given_details = {name: str(value) for name, value in details.items() if value is not None}
        audit.record(audit.Action.PIECE_STATUS, project_id=project_id, about=stored.code, **given_details)
    session.commit()
    return session.get_one(Piece, piece_id, populate_existing=True)


def _prevent_other_numbers(project_id: int) -> None:
    """Let nobody else number new pieces now; raise `Conflict` if a job does."""
    reference_store.lock_project(db.session(), project_id)
    is_running = ImportJob.project_id == project_id, ImportJob.status == JobStatus.PROCESSING
    if db.session.scalar(select(exists().where(*is_running))):
        raise Conflict("A job of this project is running and may number new pieces. Try again when it has ended.")
