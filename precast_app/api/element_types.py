"""Element types, and the summary of a project."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import marshmallow as ma

from precast_app.api.blueprint import PROJECT, Blueprint
from precast_app.api.schemas import (
    CursorQuery,
    DecimalString,
    ResponseSchema,
    Timestamp,
    identifier,
    requested_page,
)
from precast_app.auth.permissions import Permission
from precast_app.auth.route_permissions import requires
from precast_app.importing.schema import GROUP_SPECS, MEASURES, GroupSpec
from precast_app.models import PieceStatus
from precast_app.projects import projects
from precast_app.queries import element_types as element_type_queries
from precast_app.queries import summary as summaries
from precast_app.queries.element_types import ElementTypeFilter

blueprint = Blueprint("element_types", __name__, description="Element types, and totals of a project.")

ElementType = ResponseSchema.from_dict(
    {
        "id": ma.fields.Integer(),
        "element_type": ma.fields.String(),
        "name": ma.fields.String(),
        **{name: DecimalString(allow_none=True) for name in MEASURES},
        "version": ma.fields.String(),
        "density": DecimalString(allow_none=True, metadata={"description": "kg/m³"}),
    },
    name="ElementType",
)


def _place() -> ma.fields.String:
    return ma.fields.String(metadata={"description": "the names from the top, for people: Block C / 1. OG"})


def _group_schema(spec: GroupSpec) -> type[ma.Schema]:
    """Return the schema of one value of a group: the item's id and name, and the value."""
    value_fields = {int: ma.fields.Integer, Decimal: DecimalString, str: ma.fields.String}
    fields: dict[str, ma.fields.Field[Any]] = {
        spec.target_column: ma.fields.Integer(),
        spec.label_field: ma.fields.String(),
        **({"place": _place()} if spec.reference.is_hierarchy else {}),
        **{name: ma.fields.String() for name in spec.extra_fields},
    }
    if spec.value_column:
        fields[spec.value_column] = value_fields[spec.value_type.python_type]()
    name = "".join(word.capitalize() for word in spec.group.value.split("_"))
    return ResponseSchema.from_dict(fields, name=f"{name}OfElementType")


class ChangeOf(ResponseSchema):
    """A job that created, changed or deleted the element type, or restored it."""

    job_id = ma.fields.Integer()
    created_by = ma.fields.String()
    completed_at = Timestamp(allow_none=True)
    row = ma.fields.Integer(allow_none=True, metadata={"description": "null where no file has such a row"})
    change = ma.fields.String(metadata={"enum": ["created", "updated", "renamed", "deleted"]})


WholeElementType = type(
    "WholeElementType",
    (ElementType,),
    {
        "__doc__": "An element type with the values of its groups, and the jobs that created or changed it.",
        **{group.value: ma.fields.List(ma.fields.Nested(_group_schema(spec))) for group, spec in GROUP_SPECS.items()},
        "jobs": ma.fields.List(ma.fields.Nested(ChangeOf)),
    },
)


ListedElementType = type(
    "ListedElementType",
    (ElementType,),
    {
        "__doc__": "An element type in a list.",
        "pieces": ma.fields.Integer(
            metadata={"description": "number of its pieces, at the `node` of the filter if there is one"}
        ),
    },
)


class ElementTypes(ResponseSchema):
    """A page of element types."""

    element_types = ma.fields.List(ma.fields.Nested(ListedElementType))
    count = ma.fields.Integer()


class OneElementType(ResponseSchema):
    """The response with one element type."""

    element_type = ma.fields.Nested(WholeElementType)


class ElementTypesFilter(ma.Schema):
    """The element types to list."""

    search = ma.fields.String(load_default=None, validate=ma.validate.Length(max=150))
    type = ma.fields.String(load_default=None, validate=ma.validate.Length(max=150))
    node = identifier(load_default=None)
    stage = identifier(load_default=None)
    without_drawing = identifier(
        load_default=None, metadata={"description": "id of a drawing type: only element types without such a drawing"}
    )

    @ma.post_load
    def _as_filter(self, data: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        filters = ElementTypeFilter(data["search"], data["type"], data["node"], data["stage"], data["without_drawing"])
        return {**data, "filter": filters}


class ElementTypesQuery(CursorQuery, ElementTypesFilter):
    """The element types to list, their order, and the part of the list to return."""

    sort = ma.fields.String(
        load_default=None,
        validate=ma.validate.OneOf(element_type_queries.SORTS),
        metadata={"description": "by type and name if left out; can't be combined with `after`"},
    )


PiecesAt = ResponseSchema.from_dict(
    {
        "node_id": ma.fields.Integer(),
        "path": ma.fields.String(),
        "place": ma.fields.String(metadata={"description": "where the node is, as people read it"}),
        "tower": ma.fields.String(),
        "floor": ma.fields.String(allow_none=True),
        "planned_date": ma.fields.Date(
            allow_none=True, metadata={"description": "the day until which its pieces should be produced"}
        ),
        "pieces": ma.fields.Integer(metadata={"description": "number of pieces at the node, without scrapped ones"}),
        **{status.value: ma.fields.Integer() for status in PieceStatus},
        "done": ma.fields.Integer(metadata={"description": "pieces that are produced, dispatched or erected"}),
        "to_go": ma.fields.Integer(metadata={"description": "pieces that are planned or in production"}),
        "volume": DecimalString(metadata={"description": "of all pieces, in m³"}),
        "volume_to_go": DecimalString(metadata={"description": "of the pieces to go, in m³"}),
        "mass": DecimalString(metadata={"description": "of all pieces, in kg"}),
        "mass_to_go": DecimalString(metadata={"description": "of the pieces to go, in kg"}),
    },
    name="PiecesAt",
)


class Material(ResponseSchema):
    """The quantity of a product that the pieces need: all of them, and those to go."""

    id = ma.fields.Integer()
    product = ma.fields.String()
    unit = ma.fields.String()
    rate = DecimalString(allow_none=True)
    quantity = DecimalString()
    quantity_to_go = DecimalString()


class ProductionPoint(ResponseSchema):
    """A day or week: pieces produced in it, and pieces produced and planned until its end."""

    start = ma.fields.Date()
    produced = ma.fields.Integer()
    produced_total = ma.fields.Integer()
    planned_total = ma.fields.Integer(allow_none=True, metadata={"description": "null if no node has a planned date"})


class Production(ResponseSchema):
    """Pieces produced over time."""

    period = ma.fields.String(metadata={"enum": [*summaries.PERIODS]})
    points = ma.fields.List(ma.fields.Nested(ProductionPoint))


Summary = ResponseSchema.from_dict(
    {
        "counted_at": Timestamp(
            allow_none=True,
            metadata={
                "description": "null; but while a job changes element types, the totals are from this time, before it"
            },
        ),
        "element_types": ma.fields.Integer(),
        **{spec.count_field: ma.fields.Integer() for spec in GROUP_SPECS.values()},
        **{name: ma.fields.Integer() for name in ("pieces", "done", "to_go", "scrapped")},
        "volume_to_go": DecimalString(),
        "mass_to_go": DecimalString(),
        "by_node": ma.fields.List(ma.fields.Nested(PiecesAt)),
        "materials": ma.fields.List(ma.fields.Nested(Material)),
        "production": ma.fields.Nested(Production),
    },
    name="Summary",
)


class OneSummary(ResponseSchema):
    """The response with the summary."""

    summary = ma.fields.Nested(Summary)


@blueprint.route(f"{PROJECT}/element-types", methods=["GET"])
@requires(Permission.READ)
@blueprint.arguments(ElementTypesQuery, location="query")
@blueprint.response(200, ElementTypes)
def list_element_types(query: dict[str, Any], project_id: int) -> dict[str, Any]:
    """List the element types of a project."""
    projects.get(project_id)
    page = requested_page(query, has_cursor=query["sort"] is None)
    found, count = element_type_queries.list_element_types(project_id, query["filter"], page, query["sort"])
    pieces = element_type_queries.piece_counts([each.id for each in found], query["filter"].node_id)
    names = [*ElementType._declared_fields]
    rows = [{**{name: getattr(each, name) for name in names}, "pieces": pieces.get(each.id, 0)} for each in found]
    return {"element_types": rows, "count": count}


@blueprint.route(f"{PROJECT}/element-types/<int(max=2147483647):element_type_id>", methods=["GET"])
@requires(Permission.READ)
@blueprint.response(200, OneElementType)
def get_element_type(project_id: int, element_type_id: int) -> dict[str, Any]:
    """Return an element type with its values in all column groups, and the jobs that changed it."""
    return {"element_type": element_type_queries.get_element_type(project_id, element_type_id)}


class SummaryQuery(ma.Schema):
    """The periods of the production."""

    period = ma.fields.String(load_default="week", validate=ma.validate.OneOf(summaries.PERIODS))


@blueprint.route(f"{PROJECT}/summary", methods=["GET"])
@requires(Permission.READ)
@blueprint.arguments(SummaryQuery, location="query")
@blueprint.response(200, OneSummary)
def get_summary(query: dict[str, Any], project_id: int) -> dict[str, Any]:
    """Return what the project needs and what is left: pieces by node and status, materials, production over time."""
    projects.get(project_id)
    return {"summary": summaries.project_summary(project_id, query["period"])}
