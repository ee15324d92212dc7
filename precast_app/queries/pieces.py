"""Lists of a project's pieces."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from precast_app.errors import RequestError
from precast_app.extensions import db
from precast_app.importing import hierarchy
from precast_app.models import ElementType, HierarchyNode, Piece
from precast_app.pieces import selection
from precast_app.pieces.selection import PieceFilter
from precast_app.queries.paging import Page

# The orders of pieces: by code, by the day of the last move (pieces that never moved come last), by creation.
SORTS = ("code", "-code", "moved", "-moved", "id")


@dataclass(frozen=True, slots=True)
class PieceRow:
    """A piece as lists show it, with its element type and its place."""

    id: int
    code: str
    number: int
    status: str
    element_type_id: int
    element_type: str
    element_type_name: str
    node_id: int
    path: str
    tower: str
    floor: str | None
    created_at: datetime


def list_pieces(project_id: int, filters: PieceFilter, page: Page, sort: str = "code") -> list[PieceRow]:
    """Return a page of a project's pieces that match the filters, in the order `sort`, one of `SORTS`.

    Raise `RequestError` if `page.after` is not the id of a piece of the project; the order `id` takes any number.
    """
    query = selection.matching(project_id, filters)
    if sort == "id":
        query = query.order_by(Piece.id)
        if page.after is not None:
            query = query.where(Piece.id > page.after)
    else:
        is_descending = sort.startswith("-")
        query = query.order_by(Piece.code.desc() if is_descending else Piece.code)
        if page.after is not None:
            last = _last_of_page(project_id, page.after)
            query = query.where(Piece.code < last.code if is_descending else Piece.code > last.code)
    return to_rows(db.session.scalars(query.limit(page.limit).offset(page.offset)).all())


def to_rows(pieces: Iterable[Piece]) -> list[PieceRow]:
    """Return the pieces with their element types and places, in the same order."""
    found = list(pieces)
    types = _by_id(ElementType, {piece.element_type_id for piece in found})
    nodes = _by_id(HierarchyNode, {piece.node_id for piece in found})
    return [_to_row(piece, types[piece.element_type_id], nodes[piece.node_id]) for piece in found]


def tower_and_floor(path: str) -> dict[str, str | None]:
    """Return the first level of a node's path as `tower` and the rest, or None, as `floor`."""
    tower, *floor = hierarchy.split_levels(path, 2)
    return {"tower": tower, "floor": floor[0] if floor else None}


def _to_row(piece: Piece, element_type: ElementType, node: HierarchyNode) -> PieceRow:
    place: dict[str, Any] = tower_and_floor(node.path)
    return PieceRow(
        id=piece.id,
        code=piece.code,
        number=piece.number,
        status=piece.status,
        element_type_id=piece.element_type_id,
        element_type=element_type.element_type,
        element_type_name=element_type.name,
        node_id=piece.node_id,
        path=node.path,
        created_at=piece.created_at,
        **place,
    )


def _by_id(model: Any, ids: set[int]) -> dict[int, Any]:
    found = db.session.scalars(select(model).where(model.id == func.any(list(ids))))
    return {each.id: each for each in found}


def _last_of_page(project_id: int, piece_id: int) -> Piece:
    piece = db.session.get(Piece, piece_id)
    if piece is None or piece.project_id != project_id:
        raise RequestError(
            f"Project {project_id} has no piece {piece_id} any more. Read the list again, from its start.",
            {"query": {"after": ["Unknown piece."]}},
        )
    return piece
