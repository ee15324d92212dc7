"""One piece: what it is, the stages that it goes through, and its history."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from precast_app.enums import PIECE_STEPS, PieceEventKind, PieceStatus
from precast_app.errors import NotFound
from precast_app.extensions import db
from precast_app.messages import Message
from precast_app.models import ElementTypeStage, Piece, PieceEvent, PieceStage, Stage
from precast_app.queries import pieces
from precast_app.queries.pieces import PieceRow

# A piece has few events; the limit keeps the page small whatever a program has written.
_MAX_EVENTS = 500


@dataclass(frozen=True, slots=True)
class StageProgress:
    """A stage that the pieces of an element type go through; `passed_at` is None if this piece has not passed it."""

    stage_id: int
    name: str
    position: int
    reaches_status: str | None
    passed_at: datetime | None


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """An event of a piece, with the name of its stage, if it has one that still exists."""

    id: int
    kind: PieceEventKind
    from_value: str | None
    to_value: str | None
    stage_id: int | None
    stage: str | None
    happened_at: datetime
    recorded_at: datetime
    user_name: str
    job_id: int | None
    note: str | None


@dataclass(frozen=True, slots=True)
class PieceDetails:
    """A piece with its stages in the project's order and its newest events, newest first.

    `next_status` is the one after its status; None for an erected and for a scrapped piece. `replaces` is the code of
    the scrapped piece that it replaces.
    """

    project_id: int
    row: PieceRow
    status_since: datetime | None
    next_status: PieceStatus | None
    replaces: str | None
    stages: list[StageProgress]
    events: list[HistoryEntry]

    @property
    def next_stage(self) -> StageProgress | None:
        """The first stage, in the project's order, that it has not passed."""
        return next((stage for stage in self.stages if stage.passed_at is None), None)


def get_piece(piece_id: int) -> PieceDetails:
    """Return a piece; raise `NotFound` if it does not exist."""
    piece = db.session.get(Piece, piece_id)
    if piece is None:
        raise NotFound(
            Message(
                "The piece %(piece)s does not exist any more. An import has reduced the quantity there.", piece=piece_id
            )
        )
    status = PieceStatus(piece.status)
    steps = PIECE_STEPS[PIECE_STEPS.index(status) + 1 :] if status in PIECE_STEPS else ()
    return PieceDetails(
        project_id=piece.project_id,
        row=pieces.to_rows([piece])[0],
        status_since=piece.status_since,
        next_status=next(iter(steps), None),
        replaces=_code_of(piece.replaces_id),
        stages=_stages(piece),
        events=_events(piece_id),
    )


def _code_of(piece_id: int | None) -> str | None:
    return db.session.scalar(select(Piece.code).where(Piece.id == piece_id)) if piece_id is not None else None


def _stages(piece: Piece) -> list[StageProgress]:
    """Return the stages of the element type, and those of others that the piece has passed before a change of it."""
    passed = select(PieceStage.stage_id, PieceStage.passed_at).where(PieceStage.piece_id == piece.id).subquery()
    own = select(ElementTypeStage.stage_id).where(ElementTypeStage.element_type_id == piece.element_type_id)
    query = (
        select(Stage.id, Stage.name, Stage.position, Stage.reaches_status, passed.c.passed_at)
        .outerjoin(passed, passed.c.stage_id == Stage.id)
        .where(Stage.project_id == piece.project_id, Stage.id.in_(own) | passed.c.passed_at.is_not(None))
        .order_by(Stage.position, Stage.id)
    )
    return [StageProgress(*row) for row in db.session.execute(query)]


def _events(piece_id: int) -> list[HistoryEntry]:
    query = (
        select(
            PieceEvent.id, PieceEvent.kind, PieceEvent.from_value, PieceEvent.to_value, PieceEvent.stage_id,
            Stage.name, PieceEvent.happened_at, PieceEvent.recorded_at, PieceEvent.user_name,
            PieceEvent.job_id, PieceEvent.note,
        )
        .outerjoin(Stage, Stage.id == PieceEvent.stage_id)
        .where(PieceEvent.piece_id == piece_id)
        .order_by(PieceEvent.id.desc())
        .limit(_MAX_EVENTS)
    )  # fmt: skip
    return [HistoryEntry(id_, PieceEventKind(kind), *rest) for id_, kind, *rest in db.session.execute(query)]
