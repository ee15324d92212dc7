"""Lists of a project's pieces."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, SQLColumnExpression, func, literal, select, tuple_

from precast_app import planner
from precast_app.errors import RequestError
from precast_app.extensions import db
from precast_app.importing import hierarchy
from precast_app.importing.pg_arrays import is_one_of, looks_up
from precast_app.messages import Message
from precast_app.models import ElementType, HierarchyNode, Piece, PieceStage, Project, Stage
from precast_app.pieces import selection
from precast_app.pieces.selection import PieceFilter
from precast_app.planner import OFF_FOR_INDEX_ORDER, OFF_FOR_TABLE_ORDER
from precast_app.queries.paging import PageRequest
from precast_app.text import identity_key

# The orders of pieces: by code, by the day of the last move (pieces that never moved come last), by creation.
SORTS = ("code", "-code", "moved", "-moved", "id")

# So many pieces from the place of a page on are searched before all are.
_LOOK_AHEAD = 1000


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
    status_since: datetime | None
    # The last stage that it has passed, in the project's order.
    stage_id: int | None
    stage: str | None
    stage_passed_at: datetime | None


def list_pieces(project_id: int, filters: PieceFilter, page: PageRequest, sort: str = "code") -> list[PieceRow]:
    """Return a page of a project's pieces that match the filters, in the order `sort`, one of `SORTS`.

    Raise `RequestError` if `page.after` is not the id of a piece of the project; the order `id` takes any number.
    """
    return _list(project_id, filters, page, sort, counted=False)[0]


def list_and_count(
    project_id: int, filters: PieceFilter, page: PageRequest, sort: str = "code"
) -> tuple[list[PieceRow], int]:
    """Return the same page as `list_pieces`, and how many pieces match the filters in all."""
    found, count = _list(project_id, filters, page, sort, counted=True)
    if page.after is None and not page.offset and len(found) < page.limit:
        return found, len(found) if count is None else count
    return found, selection.count(project_id, filters) if count is None else count


def _list(
    project_id: int, filters: PieceFilter, page: PageRequest, sort: str, *, counted: bool
) -> tuple[list[PieceRow], int | None]:
    """Return the page, and how many pieces match the filters if that is to be counted and quicker to find here."""
    is_descending = sort.startswith("-")
    filters = selection.with_named_piece(project_id, filters)
    # The pieces of one element type are few: sorting them all is quicker than a look at the next ones of the project.
    if filters.element_type_id is None and sort.endswith("code") and (filters.type is not None or filters.search):
        found, count = _filtered_by_code(project_id, filters, page, counted=counted, is_descending=is_descending)
        return to_rows(found), count
    query = selection.matching(project_id, filters)
    with planner.without(db.session(), _off_for(filters, sort)):
        if sort.endswith("moved"):
            found = _by_move(project_id, query, page, is_descending=is_descending)
        elif sort == "id":
            found = _read(_in_order_of_creation(query, page), page)
        else:
            found = _read(_in_order_of_code(project_id, query, page, is_descending=is_descending), page)
    return to_rows(found), None


def _off_for(filters: PieceFilter, sort: str) -> tuple[str, ...]:
    """Return what PostgreSQL must not use for the list, whatever its statistics say."""
    # Those of an element type are found by it, and sorted.
    if filters.element_type_id is not None:
        return OFF_FOR_TABLE_ORDER
    # All pieces of the project: the index of this order begins with the page.
    return OFF_FOR_INDEX_ORDER if filters == PieceFilter() and not sort.endswith("moved") else ()


def _read(query: Select[Piece], page: PageRequest) -> list[Piece]:
    return list(db.session.scalars(query.limit(page.limit).offset(page.offset)))


def _in_order_of_creation(query: Select[Piece], page: PageRequest) -> Select[Piece]:
    query = query.order_by(Piece.id)
    return query if page.after is None else query.where(Piece.id > page.after)


def _in_order_of_code(
    project_id: int, query: Select[Piece], page: PageRequest, *, is_descending: bool
) -> Select[Piece]:
    query = query.order_by(Piece.code.desc() if is_descending else Piece.code)
    last = _last_of_page(project_id, page)
    return query if last is None else query.where(_is_behind(Piece.code, last, is_descending=is_descending))


def _is_behind(code: SQLColumnExpression[str], last: Piece, *, is_descending: bool) -> ColumnElement[bool]:
    return code < last.code if is_descending else code > last.code


def _filtered_by_code(
    project_id: int, filters: PieceFilter, page: PageRequest, *, counted: bool, is_descending: bool
) -> tuple[list[Piece], int | None]:
    """Return a page by code of the pieces of a type or a search, and how many they are or None.

    If they are to be `counted`, a search that fills the page is counted here, which is quicker.
    """
    conditions = selection.conditions(project_id, filters)
    query = selection.among(project_id, filters.ids, conditions)
    last = _last_of_page(project_id, page)
    if filters.ids is None and page.offset + page.limit <= _LOOK_AHEAD:
        is_start = filters.type is not None and last is None and not is_descending
        from_code = _before_type(project_id, filters.type or "") if is_start else None
        found = _among_the_next(project_id, conditions, page, last, from_code, is_descending=is_descending)
        if len(found) == page.limit:
            return found, _count(query) if counted and filters.search else None
    return _by_code_of_few(query, page, last, OFF_FOR_TABLE_ORDER, is_descending=is_descending)


def _among_the_next(
    project_id: int,
    conditions: Sequence[ColumnElement[bool]],
    page: PageRequest,
    last: Piece | None,
    from_code: str | None,
    *,
    is_descending: bool,
) -> list[Piece]:
    """Return those of a page's pieces by code that are among the project's next few, from the code `from_code` on.

    These are all of them if most of the next pieces match.
    """
    following = select(Piece.id).where(Piece.project_id == project_id)
    following = following.order_by(Piece.code.desc() if is_descending else Piece.code).limit(_LOOK_AHEAD)
    if last is not None:
        following = following.where(_is_behind(Piece.code, last, is_descending=is_descending))
    if from_code is not None:
        following = following.where(Piece.code >= from_code)
    near = selection.among(project_id, func.array(following.scalar_subquery()), conditions)
    return _by_code_of_few(near, page, last, OFF_FOR_INDEX_ORDER, is_descending=is_descending)[0]


def _before_type(project_id: int, type_: str) -> str | None:
    """Return a text that is in front of all codes with this type, and behind most of the others in front of them.

    A code begins with the type as it is stored, whose spelling never changes, and any collation has a text in front of
    those that begin with it.
    """
    spelled = select(func.min(ElementType.element_type + "/"))
    of_type = ElementType.project_id == project_id, ElementType.type_key == identity_key(type_)
    return db.session.scalar(spelled.where(*of_type))


def _by_code_of_few(
    query: Select[Piece], page: PageRequest, last: Piece | None, off: tuple[str, ...], *, is_descending: bool
) -> tuple[list[Piece], int | None]:
    """Return a page by code of pieces that are found in some other order, and then sorted; and the number of them all.

    In the order of their codes, every piece in front of the first match would be read from another place of the table.
    The number is None if the page is empty.
    """
    found = query.with_only_columns(Piece.id, Piece.code).cte("found").prefix_with("MATERIALIZED")
    number = select(func.count()).select_from(found).scalar_subquery()
    ids = select(found.c.id, number).order_by(found.c.code.desc() if is_descending else found.c.code)
    if last is not None:
        ids = ids.where(_is_behind(found.c.code, last, is_descending=is_descending))
    with planner.without(db.session(), off):
        shown = db.session.execute(ids.limit(page.limit).offset(page.offset)).all()
    by_id = _by_id(Piece, {id_ for id_, _ in shown})
    return [by_id[id_] for id_, _ in shown if id_ in by_id], shown[0][1] if shown else None


def _count(query: Select[Piece]) -> int:
    with planner.without(db.session(), OFF_FOR_TABLE_ORDER):
        return db.session.scalar(query.with_only_columns(func.count())) or 0


def _by_move(project_id: int, query: Select[Piece], page: PageRequest, *, is_descending: bool) -> list[Piece]:
    """Return a page by the time of the last move, and behind these the pieces that never moved.

    These are two queries, each of which reads an index in its order.
    """
    moved, unmoved = query.where(Piece.status_since.is_not(None)), query.where(Piece.status_since.is_(None))
    key = (Piece.status_since, Piece.id)
    moved = moved.order_by(*(column.desc() if is_descending else column for column in key))
    unmoved = unmoved.order_by(Piece.id)
    found: list[Piece] = []
    last = _last_of_page(project_id, page)
    offset = page.offset
    if last is None or last.status_since is not None:
        if last is not None:
            position = tuple_(*map(literal, (last.status_since, last.id)))
            moved = moved.where(tuple_(*key) < position if is_descending else tuple_(*key) > position)
        found = list(db.session.scalars(moved.limit(page.limit).offset(offset)))
        if offset and not found:
            count = db.session.scalar(select(func.count()).select_from(moved.order_by(None).subquery())) or 0
            # Pieces may have moved since the page was read.
            offset = max(0, offset - count)
        else:
            offset = 0
    elif last is not None:
        unmoved = unmoved.where(Piece.id > last.id)
    if len(found) < page.limit:
        found += db.session.scalars(unmoved.limit(page.limit - len(found)).offset(offset))
    return found


def to_rows(pieces: Iterable[Piece]) -> list[PieceRow]:
    """Return the pieces with their element types and places, in the same order."""
    found = list(pieces)
    types = _by_id(ElementType, {piece.element_type_id for piece in found})
    nodes = _by_id(HierarchyNode, {piece.node_id for piece in found})
    stages = _last_stages([piece.id for piece in found])
    return [
        _to_row(piece, types[piece.element_type_id], nodes[piece.node_id], stages.get(piece.id, (None, None, None)))
        for piece in found
    ]


def tower_and_floor(path: str) -> dict[str, str | None]:
    """Return the first level of a node's path as `tower` and the rest, or None, as `floor`."""
    tower, *floor = hierarchy.split_levels(path, 2)
    return {"tower": tower, "floor": floor[0] if floor else None}


def _last_stages(piece_ids: list[int]) -> dict[int, tuple[Any, ...]]:
    """Return the last stage in the project's order that each piece has passed: its id, its name, and when."""
    query = (
        select(PieceStage.piece_id, Stage.id, Stage.name, PieceStage.passed_at)
        .join(Stage, Stage.id == PieceStage.stage_id)
        .where(looks_up(PieceStage.piece_id, piece_ids))
        .order_by(Stage.position, Stage.id)
    )
    return {piece_id: (stage_id, name, passed_at) for piece_id, stage_id, name, passed_at in db.session.execute(query)}


def _to_row(piece: Piece, element_type: ElementType, node: HierarchyNode, stage: tuple[Any, ...]) -> PieceRow:
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
        status_since=piece.status_since,
        stage_id=stage[0],
        stage=stage[1],
        stage_passed_at=stage[2],
        **place,
    )


def _by_id(model: Any, ids: set[int]) -> dict[int, Any]:
    found = db.session.scalars(select(model).where(is_one_of(model.id, ids)))
    return {each.id: each for each in found}


def _last_of_page(project_id: int, page: PageRequest) -> Piece | None:
    """Return the piece behind which the page begins, or None."""
    if page.after is None:
        return None
    piece = db.session.get(Piece, page.after)
    if piece is None or piece.project_id != project_id:
        raise RequestError(
            Message(
                "The project %(project)s has no piece %(piece)s any more. Read the list again, from its start.",
                project=db.session.get_one(Project, project_id).name,
                piece=page.after,
            ),
            {"query": {"after": ["Unknown piece."]}},
        )
    return piece
