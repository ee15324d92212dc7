"""Element types, their pieces, and the project in numbers."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import marshmallow as ma

from precast_app.api.blueprint import PROJECT, Blueprint
from precast_app.api.schemas import DecimalString, PageQuery, RequestSchema, ResponseSchema, Timestamp, identifier
from precast_app.auth.permissions import Permission
from precast_app.auth.route_permissions import requires
from precast_app.importing.schema import GROUP_SPECS, MEASURES, GroupSpec
from precast_app.models import PieceStatus
from precast_app.pieces import transitions
from precast_app.projects import projects
from precast_app.queries import element_types as element_type_queries
from precast_app.queries.element_types import ElementTypeFilter
from precast_app.queries.paging import Page

blueprint = Blueprint("catalogue", __name__, description="Element types and the pieces made of them.")

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


def _group_schema(spec: GroupSpec) -> type[ma.Schema]:
    """Return the schema of one value of a group: the item's id and name, and the value."""
    value_fields = {int: ma.fields.Integer, Decimal: DecimalString, str: ma.fields.String}
    fields: dict[str, ma.fields.Field] = {
        spec.target_column: ma.fields.Integer(),
        spec.label_field: ma.fields.String(),
        **{name: ma.fields.String() for name in spec.extra_fields},
    }
    if spec.value_column:
        fields[spec.value_column] = value_fields[spec.value_type.python_type]()
    return ResponseSchema.from_dict(fields, name=f"{spec.group.value.capitalize()}OfElementType")


class ChangeOf(ResponseSchema):
    """A job that made or changed the element type."""

    job_id = ma.fields.Integer()
    created_by = ma.fields.String()
    completed_at = Timestamp(allow_none=True)
    row = ma.fields.Integer()
    change = ma.fields.String()


WholeElementType = type(
    "WholeElementType",
    (ElementType,),
    {
        "__doc__": "An element type with the values of its groups, and the jobs that created or changed it.",
        **{group.value: ma.fields.List(ma.fields.Nested(_group_schema(spec))) for group, spec in GROUP_SPECS.items()},
        "jobs": ma.fields.List(ma.fields.Nested(ChangeOf)),
    },
)


class ElementTypes(ResponseSchema):
    """A page of element types."""

    element_types = ma.fields.List(ma.fields.Nested(ElementType))
    count = ma.fields.Integer()


class OneElementType(ResponseSchema):
    """An element type in its envelope."""

    element_type = ma.fields.Nested(WholeElementType)


class ElementTypesFilter(ma.Schema):
    """Which element types."""

    search = ma.fields.String(load_default=None, validate=ma.validate.Length(max=150))
    type = ma.fields.String(load_default=None, validate=ma.validate.Length(max=150))
    node = identifier(load_default=None)
    stage = identifier(load_default=None)
    without_drawing = identifier(
        load_default=None, metadata={"description": "id of a drawing type: only those that have no such drawing"}
    )

    @ma.post_load
    def _as_filter(self, data: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        wanted = ElementTypeFilter(data["search"], data["type"], data["node"], data["stage"], data["without_drawing"])
        return {**data, "filter": wanted}


class ElementTypesQuery(PageQuery, ElementTypesFilter):
    """Which element types, which part of the list, and in which order."""

    sort = ma.fields.String(load_default=None, validate=ma.validate.OneOf(element_type_queries.SORTS))


class Element(ResponseSchema):
    """One physical piece."""

    id = ma.fields.Integer()
    code = ma.fields.String()
    status = ma.fields.String(metadata={"enum": [*PieceStatus]})
    number = ma.fields.Integer()
    element_type_id = ma.fields.Integer()
    node_id = ma.fields.Integer()
    created_at = Timestamp()


class Elements(ResponseSchema):
    """A page of pieces."""

    elements = ma.fields.List(ma.fields.Nested(Element))
    count = ma.fields.Integer()


class OneElement(ResponseSchema):
    """A piece in its envelope."""

    element = ma.fields.Nested(Element)


class StatusRequest(RequestSchema):
    """Where a piece is now."""

    status = ma.fields.String(required=True, validate=ma.validate.OneOf([*PieceStatus]))


class ElementsQuery(PageQuery):
    """Which pieces."""

    node = identifier(load_default=None)
    type = identifier(load_default=None, metadata={"description": "id of an element type"})
    status = ma.fields.String(load_default=None, validate=ma.validate.OneOf([*PieceStatus]))


class PiecesAt(ResponseSchema):
    """The pieces at a node, in all and by status."""

    node_id = ma.fields.Integer()
    path = ma.fields.String()
    tower = ma.fields.String()
    floor = ma.fields.String(allow_none=True)
    pieces = ma.fields.Integer()
    planned = ma.fields.Integer()
    in_production = ma.fields.Integer()
    produced = ma.fields.Integer()
    dispatched = ma.fields.Integer()
    erected = ma.fields.Integer()


class Material(ResponseSchema):
    """What all pieces take of a product."""

    id = ma.fields.Integer()
    product = ma.fields.String()
    unit = ma.fields.String()
    rate = DecimalString(allow_none=True)
    quantity = DecimalString()


Summary = ResponseSchema.from_dict(
    {
        "element_types": ma.fields.Integer(),
        **{spec.count_field: ma.fields.Integer() for spec in GROUP_SPECS.values()},
        "pieces": ma.fields.Integer(),
        "by_node": ma.fields.List(ma.fields.Nested(PiecesAt)),
        "materials": ma.fields.List(ma.fields.Nested(Material)),
    },
    name="Summary",
)


class OneSummary(ResponseSchema):
    """The summary in its envelope."""

    summary = ma.fields.Nested(Summary)


@blueprint.route(f"{PROJECT}/element-types", methods=["GET"])
@requires(Permission.READ)
@blueprint.arguments(ElementTypesQuery, location="query")
@blueprint.response(200, ElementTypes)
def element_types(query: dict[str, Any], project_id: int) -> dict[str, Any]:
    """A project's element types."""
    projects.get(project_id)
    where = Page(query["limit"], query["offset"])
    found, count = element_type_queries.list_element_types(project_id, query["filter"], where, query["sort"])
    return {"element_types": found, "count": count}


@blueprint.route(f"{PROJECT}/element-types/<int(max=2147483647):element_type_id>", methods=["GET"])
@requires(Permission.READ)
@blueprint.response(200, OneElementType)
def element_type(project_id: int, element_type_id: int) -> dict[str, Any]:
    """One element type with its quantities, stages, drawings, BOM and the jobs that changed it."""
    return {"element_type": element_type_queries.get_element_type(project_id, element_type_id)}


@blueprint.route(f"{PROJECT}/elements", methods=["GET"])
@requires(Permission.READ)
@blueprint.arguments(ElementsQuery, location="query")
@blueprint.response(200, Elements)
def elements(query: dict[str, Any], project_id: int) -> dict[str, Any]:
    """A project's pieces."""
    projects.get(project_id)
    page = Page(query["limit"], query["offset"])
    found, count = element_type_queries.list_pieces(project_id, query["node"], query["type"], query["status"], page)
    return {"elements": found, "count": count}


@blueprint.route("/api/elements/<int(max=2147483647):element_id>", methods=["PATCH"])
@requires(Permission.IMPORT)
@blueprint.arguments(StatusRequest)
@blueprint.response(200, OneElement)
def advance(body: dict[str, Any], element_id: int) -> dict[str, Any]:
    """Bring a piece to the next status: planned → in_production → produced → dispatched → erected."""
    return {"element": transitions.advance_status(element_id, PieceStatus(body["status"]))}


@blueprint.route(f"{PROJECT}/summary", methods=["GET"])
@requires(Permission.READ)
@blueprint.response(200, OneSummary)
def summary(project_id: int) -> dict[str, Any]:
    """Pieces by place and status, and the materials that they need."""
    projects.get(project_id)
    return {"summary": element_type_queries.project_summary(project_id)}
