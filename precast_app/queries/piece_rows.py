"""Pieces with the words that pages show: their element type, their place and their tower."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from precast_app.errors import NotFound
from precast_app.extensions import db
from precast_app.models import ElementType, HierarchyNode, Piece, PieceStatus


@dataclass(frozen=True, slots=True)
class PieceRow:
    """A piece as a page shows it; `path` is the path of its node."""

    id: int
    project_id: int
    code: str
    status: PieceStatus
    element_type_id: int
    element_type: str
    name: str
    node_id: int
    path: str
    created_at: datetime


def describe(pieces: Sequence[Piece]) -> list[PieceRow]:
    """Return the pieces in their order, each with its element type and its place."""
    type_ids, node_ids = {piece.element_type_id for piece in pieces}, {piece.node_id for piece in pieces}
    types = {each.id: each for each in db.session.scalars(select(ElementType).where(ElementType.id.in_(type_ids)))}
    paths = select(HierarchyNode.id, HierarchyNode.path).where(HierarchyNode.id.in_(node_ids))
    path_of = {row.id: row.path for row in db.session.execute(paths)}
    return [
        PieceRow(
            id=piece.id,
            project_id=piece.project_id,
            code=piece.code,
            status=PieceStatus(piece.status),
            element_type_id=piece.element_type_id,
            element_type=types[piece.element_type_id].element_type,
            name=types[piece.element_type_id].name,
            node_id=piece.node_id,
            path=path_of[piece.node_id],
            created_at=piece.created_at,
        )
        for piece in pieces
    ]


def get_piece(piece_id: int) -> PieceRow:
    """Return a piece; raise `NotFound` if it does not exist."""
    piece = db.session.get(Piece, piece_id)
    if piece is None:
        raise NotFound(f"The piece {piece_id} does not exist any more. An import has reduced the quantity there.")
    return describe([piece])[0]
