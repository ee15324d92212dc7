"""Selections of pieces by a filter, as lists, exports and jobs on many pieces use them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import ColumnElement, CompoundSelect, Select, false, func, literal, or_, select, true, tuple_

from precast_app.enums import PieceStatus
from precast_app.extensions import db
from precast_app.importing.pg_arrays import is_one_of
from precast_app.models import ElementType, HierarchyNode, Piece, PieceStage, Quantity, Stage
from precast_app.pieces import code_search, moves
from precast_app.text import identity_key, path_key
from precast_app.totals import storage
from precast_app.totals.project_totals import NEEDED, ProjectTotals

# The address of a piece's page, which its label's QR code holds.
_PIECE_ADDRESS = re.compile(r"\Ahttps?://[^/\s]+/(?:[^?\s]*/)?pieces/([0-9]{1,18})(?:\?|\Z)")


@dataclass(frozen=True, slots=True)
class PieceFilter:
    """Filter of pieces: all conditions that are not None have to be met.

    `node_id` is exactly this node, `tower` a top node with everything below it. `type` is the whole type of the element
    type. `stage` is the id of the last stage that a piece has passed. `moved_from` and `moved_to` are the first and the
    last day, in UTC, on which it can have reached its status. `search` is a part of the code or of the element type's
    name, a whole code, or the address in a label's QR code. `ids` are those of chosen pieces.
    """

    node_id: int | None = None
    tower: str | None = None
    element_type_id: int | None = None
    type: str | None = None
    status: str | None = None
    stage: int | None = None
    moved_from: date | None = None
    moved_to: date | None = None
    search: str | None = None
    ids: tuple[int, ...] | None = None

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> PieceFilter:
        """Return the filter that `as_json` has written."""
        known: dict[str, Any] = {field.name: data.get(field.name) for field in fields(cls)}
        for name in ("moved_from", "moved_to"):
            if isinstance(known[name], str):
                known[name] = date.fromisoformat(known[name])
        if known["ids"] is not None:
            known["ids"] = tuple(known["ids"])
        return cls(**known)

    def as_json(self) -> dict[str, Any]:
        """Return the conditions that are not None, as values of JSON."""
        return {name: _to_json(value) for name, value in asdict(self).items() if value is not None}


def matching(project_id: int, filters: PieceFilter) -> Select[Piece]:
    """Return the query for those of a project's pieces that match the filters, unsorted."""
    filters = with_named_piece(project_id, filters)
    matches = conditions(project_id, filters)
    if filters.ids is None and filters.element_type_id is not None:
        return select(Piece).where(_belongs_to(project_id), *matches)
    return among(project_id, filters.ids, matches)


def with_named_piece(project_id: int, filters: PieceFilter) -> PieceFilter:
    """Return the filter with an id instead of a search for one piece, by its whole code or the address in its label."""
    if not filters.search:
        return filters
    search = filters.search.strip()
    if address := _PIECE_ADDRESS.match(search):
        named: int | None = int(address[1])
    else:
        named = moves.ids_by_code(db.session(), project_id, [search]).get(search)
    if named is None:
        return filters
    return replace(filters, search=None, ids=(named,) if filters.ids is None or named in filters.ids else ())


def among(
    project_id: int, ids: tuple[int, ...] | ColumnElement[Any] | None, matches: Iterable[ColumnElement[bool]]
) -> Select[Piece]:
    """Return the query for those of a project's pieces that meet the conditions and, if ids are given, have one."""
    query = select(Piece).where(*matches)
    if ids is None:
        return query.where(Piece.project_id == project_id)
    has_id = is_one_of(Piece.id, ids) if isinstance(ids, tuple) else Piece.id == func.any(ids)
    return query.where(_belongs_to(project_id), has_id)


def _belongs_to(project_id: int) -> ColumnElement[bool]:
    """Return the condition for pieces of the project that keeps PostgreSQL from an index by project.

    Without statistics it would read all pieces of the project, in the order of their codes or in any, to find among
    them the few that another index finds at once.
    """
    return Piece.project_id + 0 == project_id


def conditions(project_id: int, filters: PieceFilter) -> list[ColumnElement[bool]]:
    """Return the conditions for those of a project's pieces that match the filters, apart from `ids`.

    A search for one piece has to be replaced before, by `with_named_piece`.
    """
    found: list[ColumnElement[bool]] = []
    if filters.node_id is not None:
        found.append(_is_at(filters.node_id))
    if filters.tower is not None:
        found.append(Piece.node_id == func.any(_tower_node_ids(project_id, filters.tower)))
    if filters.element_type_id is not None:
        found.append(Piece.element_type_id == filters.element_type_id)
    if filters.type is not None:
        of_type = ElementType.project_id == project_id, ElementType.type_key == identity_key(filters.type)
        # Ids that are known are looked up in the same way whatever PostgreSQL knows about the tables.
        type_ids = list(db.session.scalars(select(ElementType.id).where(*of_type)))
        found.append(is_one_of(Piece.element_type_id, type_ids))
    if filters.status is not None:
        found.append(Piece.status == filters.status)
    if filters.stage is not None:
        found.append(_is_at_stage(filters.stage))
    if filters.moved_from is not None:
        found.append(Piece.status_since >= _midnight(filters.moved_from))
    if filters.moved_to is not None and filters.moved_to < date.max:
        found.append(Piece.status_since < _midnight(filters.moved_to + timedelta(days=1)))
    if filters.search:
        found.append(_is_similar(project_id, filters.search.strip()))
    return found


def count(project_id: int, filters: PieceFilter) -> int:
    """Return the number of a project's pieces that match the filters."""
    others = filters.element_type_id, filters.stage, filters.search, filters.moved_from, filters.moved_to, filters.ids
    if all(each is None for each in others):
        if (totals := storage.read_stored(db.session(), project_id)) is not None:
            return _count_by_totals(project_id, filters, totals)
        if filters.status is None and any(each is not None for each in (filters.node_id, filters.tower, filters.type)):
            return _count_by_quantities(project_id, filters)
    if filters.stage is not None and filters == PieceFilter(stage=filters.stage):
        return _count_at_stage(project_id, filters.stage)
    query = matching(project_id, filters).with_only_columns(func.count())
    return db.session.scalar(query) or 0


def _count_at_stage(project_id: int, stage_id: int) -> int:
    """Return the number for a filter of a stage only, without looking up the pieces."""
    passed = _passed_last(stage_id)
    is_own = db.session.scalar(select(Stage.project_id).where(Stage.id == stage_id)) == project_id
    if passed is None or not is_own:
        return 0
    return db.session.scalar(select(func.count()).select_from(passed.subquery())) or 0


def _count_by_totals(project_id: int, filters: PieceFilter, totals: ProjectTotals) -> int:
    """Return the number for a filter of types, places and status only."""
    of_tower = None if filters.tower is None else set(_tower_node_ids(project_id, filters.tower))
    type_key = None if filters.type is None else identity_key(filters.type)
    found: dict[str, int] = {}
    for (node_id, key, status), count in totals.types.items():
        is_there = filters.node_id in (None, node_id) and (of_tower is None or node_id in of_tower)
        if is_there and type_key in (None, key):
            found[status] = found.get(status, 0) + count
    # Needed pieces are without scrapped ones.
    needed, scrapped = found.pop(NEEDED, 0), found.pop(PieceStatus.SCRAPPED, 0)
    if filters.status is None:
        return needed + scrapped
    counts = {**found, PieceStatus.SCRAPPED: scrapped, PieceStatus.PLANNED: needed - sum(found.values())}
    return counts.get(filters.status, 0)


def _count_by_quantities(project_id: int, filters: PieceFilter) -> int:
    """Return the number for a filter of element types and places only; there are far fewer quantities than pieces."""
    needed = select(func.sum(Quantity.quantity)).join(ElementType, ElementType.id == Quantity.element_type_id)
    needed = needed.where(ElementType.project_id == project_id)
    if filters.node_id is not None:
        needed = needed.where(Quantity.node_id == filters.node_id)
    if filters.tower is not None:
        needed = needed.where(Quantity.node_id == func.any(_tower_node_ids(project_id, filters.tower)))
    if filters.element_type_id is not None:
        needed = needed.where(Quantity.element_type_id == filters.element_type_id)
    if filters.type is not None:
        needed = needed.where(ElementType.type_key == identity_key(filters.type))
    # Quantities are without scrapped pieces.
    scrapped = count(project_id, replace(filters, status=PieceStatus.SCRAPPED))
    return int(db.session.scalar(needed) or 0) + scrapped


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _is_at_stage(stage_id: int) -> ColumnElement[bool]:
    """Return the condition for pieces that have passed this stage and none behind it in the project's order."""
    passed = _passed_last(stage_id)
    if passed is None:
        return false()
    # As an array, the pieces are looked up by their ids, whatever PostgreSQL knows about the tables.
    return Piece.id == func.any(func.array(passed.scalar_subquery()))


def _passed_last(stage_id: int) -> CompoundSelect[int] | None:
    """Return the query for the ids of the pieces whose last stage this is; None if there is no such stage."""
    position = db.session.execute(select(Stage.position, Stage.id).where(Stage.id == stage_id)).one_or_none()
    if position is None:
        return None
    later = select(Stage.id).where(
        Stage.project_id == select(Stage.project_id).where(Stage.id == stage_id).scalar_subquery(),
        tuple_(Stage.position, Stage.id) > tuple_(*map(literal, position)),
    )
    later_ids = list(db.session.scalars(later))
    # Two scans of the index by stages; NOT EXISTS would search it once for each piece and later stage.
    passed = select(PieceStage.piece_id).where(PieceStage.stage_id == stage_id)
    return passed.except_(select(PieceStage.piece_id).where(PieceStage.stage_id == func.any(later_ids)))


def _is_at(node_id: int) -> ColumnElement[bool]:
    # Quantities have an index that begins with the node, pieces don't.
    type_ids = list(db.session.scalars(select(Quantity.element_type_id).where(Quantity.node_id == node_id)))
    return is_one_of(Piece.element_type_id, type_ids) & (Piece.node_id == node_id)


def _tower_node_ids(project_id: int, tower: str) -> list[int]:
    key = path_key(tower)
    below = HierarchyNode.match_key.startswith(f"{key}.", autoescape=True)
    is_inside = or_(HierarchyNode.match_key == key, below)
    return list(db.session.scalars(select(HierarchyNode.id).where(HierarchyNode.project_id == project_id, is_inside)))


def _is_similar(project_id: int, search: str) -> ColumnElement[bool]:
    """Return the condition for the pieces whose code or element type's name contains the text."""
    key = identity_key(search)
    if not key:
        return false()
    has_key = ElementType.name_key.contains(key, autoescape=True)
    named = select(func.array_agg(ElementType.id).filter(has_key), func.count())
    type_ids, type_count = db.session.execute(named.where(ElementType.project_id == project_id)).one()
    if type_ids is not None and len(type_ids) == type_count:
        return true()
    is_named = false() if type_ids is None else is_one_of(Piece.element_type_id, type_ids)
    # In this order PostgreSQL compares the codes only of pieces whose element type does not match.
    return or_(is_named, code_search.contains(project_id, search))


def _to_json(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else list(value) if isinstance(value, tuple) else value
