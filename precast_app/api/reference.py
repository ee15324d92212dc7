"""A project's reference data: hierarchy, stages, drawing types, BOM products. One set of routes, four times."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask import Response

from precast_app.api import file_responses
from precast_app.api.blueprint import PROJECT, Blueprint
from precast_app.api.file_responses import TEXT
from precast_app.api.schemas import PageQuery, RequestSchema, ResponseSchema, identifier
from precast_app.auth import audit
from precast_app.auth.permissions import Permission
from precast_app.auth.route_permissions import requires
from precast_app.exporting import delimited
from precast_app.extensions import db
from precast_app.importing import cell_parsing, reference_store
from precast_app.importing.reference_files import LAST_POSITION
from precast_app.projects import projects
from precast_app.queries import reference_data as reference_queries
from precast_app.queries.paging import Page
from precast_app.text import clean_text

blueprint = Blueprint("reference", __name__, description="What the headings of a workbook can name.")


class Name(ma.fields.String):
    """A name as it is stored: trimmed, and without what can't be seen."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        text = super()._deserialize(value, attr, data, **kwargs)
        # As it came too: the description says how long it may be, and nothing of what can't be seen.
        self._validate(text)
        return clean_text(text)


def _text(most: int, **options: Any) -> Name:
    return Name(validate=ma.validate.Length(1, most), **options)


class NodeRequest(RequestSchema):
    """A tower or a floor; what is left out follows from the name and the parent."""

    parent_id = identifier(strict=True, allow_none=True)
    name = _text(150, required=True)
    description = ma.fields.String(allow_none=True, validate=ma.validate.Length(max=2000))
    prefix = _text(50)
    path = _text(500)
    naming_convention = _text(150)


class StageRequest(RequestSchema):
    """A step of production; `position` is its place in the project's order."""

    name = _text(150, required=True)
    position = ma.fields.Integer(strict=True, validate=ma.validate.Range(0, LAST_POSITION))


class StageOrder(RequestSchema):
    """All stages of a project by their ids, the first step first."""

    stages = ma.fields.List(identifier(strict=True), required=True, validate=ma.validate.Length(max=LAST_POSITION))


class DrawingTypeRequest(RequestSchema):
    """A class of drawing."""

    name = _text(150, required=True)


class Rate(ma.fields.Field):
    """A price per unit, taken as a number or as text, by the same rules as from a file."""

    def __init__(self, **options: Any) -> None:
        super().__init__(metadata={"oneOf": [{"type": "string"}, {"type": "number"}]}, **options)

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        return None if value is None else f"{value:f}"

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        try:
            return cell_parsing.parse_decimal(value, maximum=1_000_000_000)
        except cell_parsing.InvalidCell as bad:
            raise ma.ValidationError(bad.message) from bad


class BomProductRequest(RequestSchema):
    """A material; a heading of the flat file names it by its `name_id`, name and type together."""

    product_name = _text(150, required=True)
    product_type = _text(150, required=True)
    unit = _text(50, required=True)
    rate = Rate(allow_none=True)


class Stored(ResponseSchema):
    """What the database adds."""

    id = ma.fields.Integer()


def _routes(
    path: str, job_type: str, schema: type[RequestSchema], one: str, many: str, **derived: ma.fields.Field
) -> None:
    """List, create, change and delete, below `/api/project/{id}/<path>`; fields that are `derived` only go out."""
    name = schema.__name__.removesuffix("Request")
    stored = type(name, (schema, Stored), {"Meta": Stored.Meta, **derived})
    one_schema = ResponseSchema.from_dict({one: ma.fields.Nested(stored)}, name=f"One{name}")
    many_schema = ResponseSchema.from_dict(
        {many: ma.fields.List(ma.fields.Nested(stored)), "count": ma.fields.Integer()}, name=f"{name}List"
    )
    # Under a name of its own, since in the description it is a schema of its own.
    change_schema = type(f"{name}Change", (schema,), {})(partial=True)
    words = one.replace("_", " ")

    def _record(verb: str, project_id: int, values: dict[str, Any], number: int | None = None) -> None:
        # Stored by the commit of the act itself.
        about = values.get("name") or values.get("product_name") or f"number {number}"
        audit.record(f"{one}.{verb}", project_id=project_id, about=about, number=number)

    item = f"{PROJECT}/{path}/<int(max=2147483647):number>"

    @blueprint.route(f"{PROJECT}/{path}", methods=["GET"], endpoint=f"list_{many}")
    @requires(Permission.READ)
    @blueprint.doc(summary=f"Each {words} of a project.")
    @blueprint.arguments(PageQuery, location="query")
    @blueprint.response(200, many_schema)
    def listed(query: dict[str, Any], project_id: int) -> dict[str, Any]:
        projects.get(project_id)
        found, count = reference_queries.list_page(project_id, job_type, Page(**query))
        return {many: found, "count": count}

    @blueprint.route(f"{PROJECT}/{path}/csv", methods=["GET"], endpoint=f"{many}_as_csv")
    @requires(Permission.READ)
    @blueprint.doc(summary=f"Each {words} as a CSV file that can be imported again; of an empty project its header.")
    @blueprint.response(200, TEXT, content_type="text/csv")
    def as_csv(project_id: int) -> Response:
        projects.get(project_id)
        things = reference_queries.list_all(project_id, job_type)
        return file_responses.csv(f"{many}.csv", delimited.reference_lines(job_type, things))

    @blueprint.route(f"{PROJECT}/{path}", methods=["POST"], endpoint=f"create_{one}")
    @requires(Permission.MANAGE)
    @blueprint.doc(summary=f"Add a {words}.")
    @blueprint.arguments(schema)
    @blueprint.response(201, one_schema)
    def create(body: dict[str, Any], project_id: int) -> dict[str, Any]:
        _record("create", project_id, body)
        return {one: reference_store.create(db.session(), project_id, job_type, body)}

    @blueprint.route(item, methods=["PATCH"], endpoint=f"change_{one}")
    @requires(Permission.MANAGE)
    @blueprint.doc(summary=f"Change a {words}; what is left out stays as it is.")
    @blueprint.arguments(change_schema)
    @blueprint.response(200, one_schema)
    def change(body: dict[str, Any], project_id: int, number: int) -> dict[str, Any]:
        _record("change", project_id, body, number)
        return {one: reference_store.change(db.session(), project_id, job_type, number, body)}

    @blueprint.route(item, methods=["DELETE"], endpoint=f"delete_{one}")
    @requires(Permission.MANAGE)
    @blueprint.doc(summary=f"Delete a {words} that nothing uses.")
    @blueprint.response(204)
    def delete(project_id: int, number: int) -> None:
        _record("delete", project_id, {}, number)
        reference_store.delete(db.session(), project_id, job_type, number)


_routes("hierarchy", "hierarchy_import", NodeRequest, "node", "hierarchy")
_routes("stages", "stage_import", StageRequest, "stage", "stages")
_routes("drawing-types", "drawing_type_import", DrawingTypeRequest, "drawing_type", "drawing_types")
_routes(
    "bom-products", "bom_product_import", BomProductRequest, "bom_product", "bom_products", name_id=ma.fields.String()
)


@blueprint.route(f"{PROJECT}/stages/order", methods=["PUT"])
@requires(Permission.MANAGE)
@blueprint.arguments(StageOrder)
@blueprint.response(204)
def order_stages(body: dict[str, Any], project_id: int) -> None:
    """Put the stages into an order: all of them, each once."""
    audit.record("stage.order", project_id=project_id, about=f"{len(body['stages'])} stages")
    reference_store.order_stages(db.session(), project_id, body["stages"])
