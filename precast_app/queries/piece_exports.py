"""Queries for exports of pieces and for site lists."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import func, select

from precast_app.exporting.piece_lists import StageColumn
from precast_app.extensions import db
from precast_app.importing import hierarchy
from precast_app.importing.pg_arrays import looks_up
from precast_app.models import ElementType, HierarchyNode, PieceStage, Quantity, Stage
from precast_app.pieces.selection import PieceFilter
from precast_app.queries import pieces
from precast_app.queries.paging import PageRequest
from precast_app.queries.pieces import PieceRow
from precast_app.queries.read_ahead import read_ahead

# Pieces that are in memory at once.
_PORTION = 500


@dataclass(frozen=True, slots=True)
class ExportedPiece:
    """A piece, and when it passed each stage, by the id of the stage."""

    row: PieceRow
    stages: dict[int, datetime]


@dataclass(frozen=True, slots=True)
class SiteListRow:
    """An element type that goes to the chosen nodes, with its quantity at each of them by node id."""

    element_type: Any
    quantities: dict[int, int]

    @property
    def total(self) -> int:
        """The number of pieces at all chosen nodes."""
        return sum(self.quantities.values())


@dataclass(frozen=True, slots=True)
class SiteList:
    """What goes to the chosen nodes. `places` has the names of those to which pieces go, by node id."""

    places: dict[int, str]
    rows: list[SiteListRow]

    @property
    def totals(self) -> dict[int, int]:
        """The number of pieces at each of the places, by node id."""
        return {node_id: sum(row.quantities.get(node_id, 0) for row in self.rows) for node_id in self.places}

    @property
    def pieces(self) -> int:
        """The number of all pieces."""
        return sum(row.total for row in self.rows)

    @property
    def mass(self) -> Decimal:
        """The mass of all pieces in kg; element types without a mass don't count."""
        masses = (row.element_type.mass * row.total for row in self.rows if row.element_type.mass is not None)
        return sum(masses, Decimal(0))


def iterate_pieces(project_id: int, filters: PieceFilter) -> Iterator[ExportedPiece]:
    """Yield the pieces that match the filter in the order of their codes; they are read in portions."""
    return read_ahead(_piece_portions(project_id, filters))


def _piece_portions(project_id: int, filters: PieceFilter) -> Iterator[list[ExportedPiece]]:
    after = None
    while found := pieces.list_pieces(project_id, filters, PageRequest(_PORTION, after=after), "code"):
        ids = [row.id for row in found]
        passed: dict[int, dict[int, datetime]] = defaultdict(dict)
        query = select(PieceStage.piece_id, PieceStage.stage_id, PieceStage.passed_at)
        for piece_id, stage_id, passed_at in db.session.execute(query.where(looks_up(PieceStage.piece_id, ids))):
            passed[piece_id][stage_id] = passed_at
        after = ids[-1]
        db.session.expunge_all()
        yield [ExportedPiece(row, passed[row.id]) for row in found]


def stage_columns(project_id: int) -> list[StageColumn]:
    """Return the columns of the project's stages, in their order."""
    query = select(Stage.id, Stage.name).where(Stage.project_id == project_id).order_by(Stage.position, Stage.id)
    return [StageColumn(*row) for row in db.session.execute(query)]


def place_names_below(project_id: int, node_ids: Collection[int]) -> dict[int, str]:
    """Return the places of the chosen nodes and of all nodes below them, by id, in the order of their paths."""
    query = select(HierarchyNode).where(HierarchyNode.project_id == project_id).order_by(HierarchyNode.path)
    nodes = db.session.scalars(query).all()
    by_id, places = {node.id: node for node in nodes}, hierarchy.place_names(nodes)

    def is_chosen(node: HierarchyNode | None) -> bool:
        while node is not None:
            if node.id in node_ids:
                return True
            node = by_id.get(node.parent_id or 0)
        return False

    return {node.id: places[node.id] for node in nodes if is_chosen(node)}


def site_list(project_id: int, places: Mapping[int, str]) -> SiteList:
    """Return what goes to these nodes, whose names `places` has: element types by type and name.

    A node to which nothing goes, such as most towers with floors, is left out.
    """
    query = (
        select(ElementType, Quantity.node_id, Quantity.quantity)
        .join(Quantity, Quantity.element_type_id == ElementType.id)
        .where(ElementType.project_id == project_id, Quantity.node_id == func.any(list(places)), Quantity.quantity > 0)
        .order_by(ElementType.type_key, ElementType.name_key)
    )
    rows: dict[int, SiteListRow] = {}
    for element_type, node_id, quantity in db.session.execute(query):
        rows.setdefault(element_type.id, SiteListRow(element_type, {})).quantities[node_id] = quantity
    used = {node_id for row in rows.values() for node_id in row.quantities}
    return SiteList({node_id: name for node_id, name in places.items() if node_id in used}, list(rows.values()))
