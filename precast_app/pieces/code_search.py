"""Search for a part of a piece code, which is `TYPE/NAMING_CONVENTION/NUMBER`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, false, func, or_, select, true

from precast_app.extensions import db
from precast_app.importing.pg_arrays import is_one_of
from precast_app.models import ElementType, HierarchyNode, Piece

_TYPE, _CONVENTION = ElementType.element_type, HierarchyNode.naming_convention


@dataclass(frozen=True, slots=True)
class _Way:
    """A way in which a part can be in a code: what type, naming convention and code then have to be like."""

    type: ColumnElement[bool]
    convention: ColumnElement[bool]
    code: ColumnElement[bool]


def contains(project_id: int, part: str) -> ColumnElement[bool]:
    """Return the condition for the pieces of a project whose code contains the part, in any case.

    To compare all codes in any case takes twice as long as to read them. So the part is compared with the types and the
    naming conventions, which are far fewer, and pieces are found by the ids of their element types and nodes.
    """
    if part.isascii() and part.upper() == part.lower():
        # Digits and signs have no case.
        return Piece.code.contains(part, autoescape=True)
    ways = list(_ways(part))
    by_type = select(func.array_agg(ElementType.id), *(way.type for way in ways)).group_by(_TYPE)
    types = db.session.execute(by_type.where(ElementType.project_id == project_id)).all()
    by_node = select(HierarchyNode.id, *(way.convention for way in ways))
    nodes = db.session.execute(by_node.where(HierarchyNode.project_id == project_id)).all()
    found = []
    for index, way in enumerate(ways, start=1):
        of_type, at_node = [row for row in types if row[index]], [row for row in nodes if row[index]]
        if of_type and at_node:
            type_ids = None if len(of_type) == len(types) else [id_ for row in of_type for id_ in row[0]]
            node_ids = None if len(at_node) == len(nodes) else [row[0] for row in at_node]
            found.append(and_(_is_of(type_ids, node_ids), way.code))
    return or_(false(), *found)


def _ways(part: str) -> Iterator[_Way]:
    """Yield the ways in which a part that has a letter can be in a code. A type may have slashes of its own."""
    yield _Way(_TYPE.icontains(part, autoescape=True), true(), true())
    if "/" not in part:
        yield _Way(true(), _CONVENTION.icontains(part, autoescape=True), true())
        return
    before, after = part.rsplit("/", 1)
    ends, begins = _TYPE.iendswith(before, autoescape=True), _CONVENTION.istartswith(after, autoescape=True)
    yield _Way(ends, begins, true())
    if after and not (after.isascii() and after.isdecimal()):
        return
    # The last slash may also be the one in front of the number. Where it is, is seen by comparing the code.
    code = and_(Piece.code.contains(f"/{after}"), Piece.code.icontains(part, autoescape=True)) if after else true()
    if "/" in before:
        before, convention = before.rsplit("/", 1)
        is_equal = func.lower(_CONVENTION) == func.lower(convention)
        yield _Way(_TYPE.iendswith(before, autoescape=True), is_equal, code)
    else:
        yield _Way(true(), _CONVENTION.iendswith(before, autoescape=True), code)


def _is_of(type_ids: Sequence[int] | None, node_ids: Sequence[int] | None) -> ColumnElement[bool]:
    """Return the condition for pieces of these element types at these nodes, where None stands for all."""
    conditions = []
    if type_ids is not None:
        conditions.append(is_one_of(Piece.element_type_id, type_ids))
    if node_ids is not None:
        # The sum keeps PostgreSQL from searching the index that begins with the element type for the nodes alone. With
        # statistics, it would do so among the element types of all projects.
        node_id = Piece.node_id + 0 if type_ids is None else Piece.node_id
        conditions.append(is_one_of(node_id, node_ids))
    return and_(true(), *conditions)
