"""What a job on pieces has done to them, or would do in a dry run."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select

from precast_app.extensions import db
from precast_app.models import ImportJob, Piece, PieceEvent, PlannedPieceMove, Stage
from precast_app.queries.paging import PageRequest


@dataclass(frozen=True, slots=True)
class PieceChange:
    """A change of a piece; `row` is that of the file in a dry run. `id` is the position in the list, for `after`.

    `code` is None if an import has removed the piece since.
    """

    id: int
    row: int | None
    piece_id: int
    code: str | None
    kind: str
    before: str | None
    after: str | None
    stage_id: int | None
    stage: str | None
    happened_at: datetime
    note: str | None


def list_changes(job_id: int, page: PageRequest) -> tuple[list[PieceChange], int]:
    """Return a page of a job's changes of pieces, in the order in which they were made, and their number."""
    is_dry_run = db.session.get_one(ImportJob, job_id).dry_run
    model, position = (PlannedPieceMove, PlannedPieceMove.row) if is_dry_run else (PieceEvent, PieceEvent.id)
    columns: list[Any] = [model, Piece.code, Stage.name, position]
    query: Select[Any] = (
        select(*columns)
        .outerjoin(Piece, Piece.id == model.piece_id)
        .outerjoin(Stage, Stage.id == model.stage_id)
        .where(model.job_id == job_id)
        .order_by(position)
    )
    if page.after is not None:
        query = query.where(position > page.after)
    found = db.session.execute(query.limit(page.limit).offset(page.offset)).all()
    count = db.session.scalar(select(func.count()).select_from(model).where(model.job_id == job_id)) or 0
    return [_to_change(*row) for row in found], count


def _to_change(
    change: PieceEvent | PlannedPieceMove, code: str | None, stage: str | None, position: int
) -> PieceChange:
    return PieceChange(
        id=position,
        row=change.row if isinstance(change, PlannedPieceMove) else None,
        piece_id=change.piece_id,
        code=code,
        kind=change.kind,
        before=change.from_value,
        after=change.to_value,
        stage_id=change.stage_id,
        stage=stage,
        happened_at=change.happened_at,
        note=change.note,
    )
