"""A project's reference data, with the same routes for each kind, such as hierarchy and stages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import marshmallow as ma
from flask import Response

from precast_app.api import file_responses
from precast_app.api.blueprint import PROJECT, Blueprint
from precast_app.api.file_responses import TEXT
from precast_app.api.schemas import PageQuery, RequestSchema, ResponseSchema, identifier, requested_page
from precast_app.auth import audit
from precast_app.auth.permissions import Permission
from precast_app.auth.route_permissions import requires
from precast_app.exporting import delimited
from precast_app.extensions import db
from precast_app.importing import cell_parsing, reference_store
from precast_app.importing.reference_schema import (
    HIERARCHY,
    LAST_POSITION,
    REFERENCE_SPECS,
    ItemChange,
    ReferenceColumn,
    ReferenceSpec,
)
from precast_app.projects import projects
from precast_app.queries import reference_data as reference_queries
from precast_app.text import clean_text

blueprint = Blueprint("reference", __name__, description="Items that the headings of a workbook can name.")


class Name(ma.fields.String):
    """A text, stored without outer spaces and invisible characters."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        text = super()._deserialize(value, attr, data, **kwargs)
        # The API's description limits the text as it was sent, with its invisible characters.
        self._validate(text)
        return clean_text(text)


def _text(most: int, **options: Any) -> Name:
    return Name(validate=ma.validate.Length(1, most), **options)


class Number(ma.fields.Field[Any]):
    """A decimal number, given as a number or as text; the rules are those of a cell of a file."""

    def __init__(self, parse: Callable[[Any], Any], *, allow_none: bool, **options: Any) -> None:
        types = ("string", "number", "null") if allow_none else ("string", "number")
        metadata = {"oneOf": [{"type": each} for each in types]}
        super().__init__(metadata=metadata, allow_none=allow_none, **options)
        self._parse = parse

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        return None if value is None else f"{value:f}"

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        try:
            return self._parse(value)
        except cell_parsing.InvalidCell as invalid:
            raise ma.ValidationError(invalid.message) from invalid


class NodeRequest(RequestSchema):
    """A tower or a floor. Fields that are left out follow from the name and the parent."""

    example = HIERARCHY.example

    parent_id = identifier(strict=True, allow_none=True)
    name = _text(150, required=True)
    description = ma.fields.String(allow_none=True, validate=ma.validate.Length(max=2000))
    prefix = _text(50)
    path = _text(500)
    naming_convention = _text(150)
    planned_date = ma.fields.Date(
        allow_none=True, metadata={"description": "the day until which the pieces there should be produced"}
    )


class StageOrder(RequestSchema):
    """The ids of all stages of a project, in production order."""

    example = {"stages": [2, 1, 3, 4, 5, 6, 7, 8]}

    stages = ma.fields.List(identifier(strict=True), required=True, validate=ma.validate.Length(max=LAST_POSITION))


class Stored(ResponseSchema):
    """The field that the database adds."""

    id = ma.fields.Integer()


def _field(column: ReferenceColumn) -> ma.fields.Field[Any]:
    """Return the JSON field for a column of a reference file."""
    if column.type == "count":
        return ma.fields.Integer(strict=True, required=column.required, validate=ma.validate.Range(0, column.limit))
    if column.type == "choice":
        return ma.fields.String(allow_none=True, validate=ma.validate.OneOf([*column.choices, None]))
    if column.type == "decimal":
        return Number(column.parse, required=column.required, allow_none=not column.required)
    return _text(column.limit, required=column.required)


def _request_schema(spec: ReferenceSpec, name: str) -> type[RequestSchema]:
    """Return the schema of an item: its columns, but for nodes, which refer to their parent by its id."""
    if spec.is_hierarchy:
        return NodeRequest
    fields = {column.attribute: _field(column) for column in spec.columns}
    described = {"__doc__": f"A {spec.singular} of a project.", "example": spec.example}
    return type(f"{name}Request", (RequestSchema,), {**described, **fields})


def _add_routes(spec: ReferenceSpec) -> None:
    """Add routes that list, create, change and delete the items of a kind, below `/api/project/{id}/<path>`."""
    job_type, one, many = spec.job_type, spec.api_item, spec.api_items
    name = "".join(word.capitalize() for word in one.split("_"))
    schema = _request_schema(spec, name)
    # A label that consists of several attributes is only returned.
    derived = {} if len(spec.name_parts) == 1 else {spec.label: ma.fields.String()}
    stored = type(name, (schema, Stored), {"Meta": Stored.Meta, **derived})
    one_schema = ResponseSchema.from_dict({one: ma.fields.Nested(stored)}, name=f"One{name}")
    many_schema = ResponseSchema.from_dict(
        {many: ma.fields.List(ma.fields.Nested(stored)), "count": ma.fields.Integer()}, name=f"{name}List"
    )
    # It has a name of its own, since it is a schema of its own in the API's description.
    change_schema = type(f"{name}Change", (schema,), {})(partial=True)
    item = f"{PROJECT}/{spec.path}/<int(max=2147483647):number>"

    def _record(change: ItemChange, project_id: int, values: dict[str, Any], number: int | None = None) -> None:
        # Committed together with the change.
        about = values.get(spec.name_parts[0]) or f"number {number}"
        audit.record(spec.audit_action(change), project_id=project_id, about=about, number=number)

    @blueprint.route(f"{PROJECT}/{spec.path}", methods=["GET"], endpoint=f"list_{many}")
    @requires(Permission.READ)
    @blueprint.doc(summary=f"Each {spec.singular} of a project.")
    @blueprint.arguments(PageQuery, location="query")
    @blueprint.response(200, many_schema)
    def list_items(query: dict[str, Any], project_id: int) -> dict[str, Any]:
        projects.get(project_id)
        found, count = reference_queries.list_page(project_id, job_type, requested_page(query))
        return {many: found, "count": count}

    @blueprint.route(f"{PROJECT}/{spec.path}/csv", methods=["GET"], endpoint=f"export_{many}_csv")
    @requires(Permission.READ)
    @blueprint.doc(summary=f"Each {spec.singular} as a CSV file that can be imported; without any, the headings alone.")
    @blueprint.response(200, TEXT, content_type="text/csv")
    def export_csv(project_id: int) -> Response:
        projects.get(project_id)
        items = reference_queries.list_all(project_id, job_type)
        return file_responses.csv(f"{many}.csv", delimited.reference_lines(job_type, items))

    @blueprint.route(f"{PROJECT}/{spec.path}", methods=["POST"], endpoint=f"create_{one}")
    @requires(Permission.MANAGE)
    @blueprint.doc(summary=f"Add a {spec.singular}.")
    @blueprint.arguments(schema)
    @blueprint.response(201, one_schema)
    def create(body: dict[str, Any], project_id: int) -> dict[str, Any]:
        _record("create", project_id, body)
        return {one: reference_store.create(db.session(), project_id, job_type, body)}

    @blueprint.route(item, methods=["PATCH"], endpoint=f"change_{one}")
    @requires(Permission.MANAGE)
    @blueprint.doc(summary=f"Change a {spec.singular}; fields that are left out stay as they are.")
    @blueprint.arguments(change_schema)
    @blueprint.response(200, one_schema)
    def change(body: dict[str, Any], project_id: int, number: int) -> dict[str, Any]:
        _record("change", project_id, body, number)
        return {one: reference_store.change(db.session(), project_id, job_type, number, body)}

    @blueprint.route(item, methods=["DELETE"], endpoint=f"delete_{one}")
    @requires(Permission.MANAGE)
    @blueprint.doc(summary=f"Delete a {spec.singular} that nothing refers to.")
    @blueprint.response(204)
    def delete(project_id: int, number: int) -> None:
        _record("delete", project_id, {}, number)
        reference_store.delete(db.session(), project_id, job_type, number)


for _spec in REFERENCE_SPECS.values():
    _add_routes(_spec)


@blueprint.route(f"{PROJECT}/stages/order", methods=["PUT"])
@requires(Permission.MANAGE)
@blueprint.arguments(StageOrder)
@blueprint.response(204)
def order_stages(body: dict[str, Any], project_id: int) -> None:
    """Set the order of the stages; the body names each of them once."""
    audit.record(audit.Action.STAGE_ORDER, project_id=project_id, about=f"{len(body['stages'])} stages")
    reference_store.order_stages(db.session(), project_id, body["stages"])
