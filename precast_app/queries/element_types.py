"""Element types with their values, their changes and the numbers of their pieces."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import ARRAY, ColumnElement, Integer, Select, func, or_, select, true, tuple_
from sqlalchemy import cast as sql_cast

from precast_app.errors import NotFound, RequestError
from precast_app.extensions import Model, db
from precast_app.importing import hierarchy
from precast_app.importing.diff import DELETED
from precast_app.importing.pg_arrays import is_one_of
from precast_app.importing.reference_store import MODELS
from precast_app.importing.schema import GROUP_SPECS, MEASURES, GroupSpec
from precast_app.messages import Message
from precast_app.models import (
    Drawing,
    ElementType,
    ElementTypeChange,
    ElementTypeStage,
    HierarchyNode,
    ImportJob,
    Piece,
    PieceStatus,
    Project,
    Quantity,
)
from precast_app.queries.paging import PageRequest, paginate
from precast_app.text import identity_key

_SORTED: dict[str, Any] = {
    "name": ElementType.name_key,
    "type": ElementType.type_key,
    "version": ElementType.version,
    **{name: getattr(ElementType, name) for name in (*MEASURES, "density")},
}
# The sort orders of element types: ascending, and descending with a minus.
SORTS = (*_SORTED, *(f"-{name}" for name in _SORTED))


@dataclass(frozen=True, slots=True)
class ElementTypeFilter:
    """Filter of element types: all conditions that are not None have to be met.

    `search` is a part of the type or the name, `element_type` the whole type. `node_id` is a node with a quantity,
    `stage_id` a stage of the element type, `without_drawing` a drawing type of which there is no drawing.
    """

    search: str | None = None
    element_type: str | None = None
    node_id: int | None = None
    stage_id: int | None = None
    without_drawing: int | None = None


def matching_query(project_id: int, filters: ElementTypeFilter) -> Select[ElementType]:
    """Return the query for those of a project's element types that match the filters, unsorted."""
    query = select(ElementType).where(ElementType.project_id == project_id)
    if filters.search:
        key = identity_key(filters.search)
        query = query.where(
            or_(
                ElementType.type_key.contains(key, autoescape=True), ElementType.name_key.contains(key, autoescape=True)
            )
        )
    if filters.element_type:
        query = query.where(ElementType.type_key == identity_key(filters.element_type))
    if filters.node_id is not None:
        query = query.where(_is_one_of(select(Quantity.element_type_id).where(Quantity.node_id == filters.node_id)))
    if filters.stage_id is not None:
        of_stage = select(ElementTypeStage.element_type_id).where(ElementTypeStage.stage_id == filters.stage_id)
        query = query.where(_is_one_of(of_stage))
    if filters.without_drawing is not None:
        drawn = select(Drawing.element_type_id).where(Drawing.drawing_type_id == filters.without_drawing)
        query = query.where(ElementType.id.not_in(drawn))
    return query


def _is_one_of(ids: Select[int]) -> ColumnElement[bool]:
    # PostgreSQL makes a hash table only of ids that it knows when it plans, whatever it knows about the tables.
    return is_one_of(ElementType.id, db.session.scalars(ids))


def list_element_types(
    project_id: int, filters: ElementTypeFilter, page: PageRequest, sort: str | None = None
) -> tuple[list[ElementType], int]:
    """Return a project's element types and their number, by type and name or by `sort`, one of `SORTS`.

    Element types without a value come last. Raise `RequestError` if `page.after` is not the id of an element type of
    the project, or if it is combined with `sort`.
    """
    order = [ElementType.type_key, ElementType.name_key]
    if sort:
        column = _SORTED[sort.removeprefix("-")]
        order.insert(0, column.desc().nulls_last() if sort.startswith("-") else column.asc().nulls_last())

    def is_after(last_id: int) -> ColumnElement[bool]:
        if sort:
            raise RequestError("`after` can't be combined with `sort`. Use `offset`, or leave `sort` out.")
        last = db.session.get(ElementType, last_id)
        if last is None or last.project_id != project_id:
            raise RequestError(
                Message(
                    "The project %(project)s has no element type %(element_type)s any more. Read the list again, "
                    "from its start.",
                    project=db.session.get_one(Project, project_id).name,
                    element_type=last_id,
                ),
                {"query": {"after": ["Unknown element type."]}},
            )
        return tuple_(ElementType.type_key, ElementType.name_key) > (last.type_key, last.name_key)

    return paginate(matching_query(project_id, filters).order_by(*order), page, is_after)


def piece_counts(element_type_ids: Sequence[int], node_id: int | None = None) -> dict[int, int]:
    """Return how many pieces of element types are needed, at one node or in all; types without any are left out."""
    wanted = func.unnest(sql_cast(list(element_type_ids), ARRAY(Integer))).column_valued("wanted")
    # Looked up one by one: without statistics of the table, PostgreSQL would read all of it.
    number = select(func.sum(Quantity.quantity)).where(Quantity.element_type_id == wanted)
    if node_id is not None:
        number = number.where(Quantity.node_id == node_id)
    found = db.session.execute(select(wanted, number.scalar_subquery()))
    return {id_: count for id_, count in found if count is not None}


def status_counts(element_type_id: int) -> dict[int, dict[str, int]]:
    """Return how many pieces of an element type have each status, by node id."""
    found: dict[int, dict[str, int]] = defaultdict(lambda: dict.fromkeys(PieceStatus, 0))
    query = (
        select(Piece.node_id, Piece.status, func.count())
        .where(Piece.element_type_id == element_type_id)
        .group_by(Piece.node_id, Piece.status)
    )
    for node_id, status, count in db.session.execute(query):
        found[node_id][status] = count
    return found


def get_element_type(project_id: int, element_type_id: int) -> dict[str, Any]:
    """Return an element type with the values of each group, and the jobs that created or changed it.

    Raise `NotFound` if the project has no element type with this id.
    """
    found = db.session.get(ElementType, element_type_id)
    if found is None or found.project_id != project_id:
        project = db.session.get(Project, project_id)
        if project is None:
            raise NotFound(Message("There is no project %(project)s.", project=project_id))
        raise NotFound(
            Message(
                "The project %(project)s has no element type %(element_type)s.",
                project=project.name,
                element_type=element_type_id,
            )
        )
    places = place_names(project_id)
    jobs = db.session.execute(
        select(
            ImportJob.id, ImportJob.created_by, ImportJob.completed_at, ElementTypeChange.fields, ElementTypeChange.row
        )
        .join(ElementTypeChange, ElementTypeChange.job_id == ImportJob.id)
        .where(ElementTypeChange.element_type_id == element_type_id)
        .order_by(ImportJob.id)
    )
    return {
        **{name: getattr(found, name) for name in ("id", "element_type", "name", *MEASURES, "version", "density")},
        **{group.value: _group_values(spec, element_type_id, places) for group, spec in GROUP_SPECS.items()},
        "jobs": [
            {
                "job_id": id_,
                "created_by": by,
                "completed_at": at,
                "row": row,
                "change": _kind(fields),
            }
            for id_, by, at, fields, row in jobs
        ],
    }


def _kind(before_image: dict[str, Any] | None) -> str:
    """Return what a job did to an element type, by the before-image that it has stored."""
    if before_image is None:
        return "created"
    return "deleted" if DELETED in before_image else "renamed" if "name" in before_image else "updated"


def place_names(project_id: int) -> dict[int, str]:
    """Return where each node of a project is, as people read it, by its id: `Block C / 1. OG`."""
    columns = (HierarchyNode.id, HierarchyNode.parent_id, HierarchyNode.name, HierarchyNode.path)
    nodes = db.session.execute(select(*columns).where(HierarchyNode.project_id == project_id).order_by("id"))
    return hierarchy.place_names(cast(Any, nodes))


def place_labels(project_id: int) -> dict[str, str]:
    """Return where each node of a project is, as people read it, by the heading of its column: `Block_C.1. OG`."""
    columns = (HierarchyNode.id, HierarchyNode.parent_id, HierarchyNode.name, HierarchyNode.path)
    nodes = cast(Any, db.session.execute(select(*columns).where(HierarchyNode.project_id == project_id)).all())
    places = hierarchy.place_names(nodes)
    return {heading: places[id_] for id_, heading in hierarchy.heading_paths(nodes).items()}


def group_values(spec: GroupSpec, element_type_id: int) -> dict[int, Any]:
    """Return an element type's values of a group by the id of their item; in a group without values, True."""
    table = Model.metadata.tables[spec.table]
    value = table.c[spec.value_column] if spec.value_column else true()
    query = select(table.c[spec.target_column], value).where(table.c.element_type_id == element_type_id)
    return {row[0]: row[1] for row in db.session.execute(query)}


def _group_values(spec: GroupSpec, element_type_id: int, places: Mapping[int, str]) -> list[dict[str, Any]]:
    """Return the values of a group, each with the id and the name of its item; a node also with its place."""
    item: Any = MODELS[spec.reference.job_type]
    table = Model.metadata.tables[spec.table]
    values = [table.c[spec.value_column]] if spec.value_column else []
    query = (
        select(item, *values)
        .join(table, table.c[spec.target_column] == item.id)
        .where(table.c.element_type_id == element_type_id)
        .order_by(*(getattr(item, name) for name in spec.ordering))
    )
    return [
        {
            spec.target_column: each.id,
            spec.label_field: getattr(each, spec.reference.label),
            **({"place": places[each.id]} if spec.reference.is_hierarchy else {}),
            **{name: getattr(each, name) for name in spec.extra_fields},
            **({spec.value_column: value[0]} if spec.value_column else {}),
        }
        for each, *value in db.session.execute(query)
    ]


def type_names(project_id: int) -> list[str]:
    """Return the distinct types of the project's element types, such as WALL, in alphabetical order."""
    name = func.min(ElementType.element_type)
    query = select(name).where(ElementType.project_id == project_id).group_by(ElementType.type_key).order_by(name)
    return list(db.session.scalars(query))
