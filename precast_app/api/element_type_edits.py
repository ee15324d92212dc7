"""Changes and deletions of single element types; each is a job that can be undone."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import marshmallow as ma
from flask import url_for

from precast_app.api.blueprint import LOCATION, PROJECT, Blueprint
from precast_app.api.job_schemas import CreatedJob
from precast_app.api.schemas import RequestSchema, StrictBoolean
from precast_app.api.uploads import IdempotencyKeyHeader
from precast_app.auth.permissions import Permission
from precast_app.auth.request_authentication import current_identity
from precast_app.auth.route_permissions import requires
from precast_app.errors import RequestError
from precast_app.extensions import current_settings, db
from precast_app.importing.element_type_edit import EDITABLE_FIELDS, ElementTypeEdit
from precast_app.importing.schema import GROUP_SPECS, MEASURES, GroupSpec
from precast_app.jobs import element_type_edits, idempotency, registry, service
from precast_app.messages import Message
from precast_app.models import ImportJob
from precast_app.projects import projects
from precast_app.queries.paging import MAX_ID

blueprint = Blueprint("element_type_edits", __name__, description="Changes of single element types.")

_ELEMENT_TYPE = f"{PROJECT}/element-types/<int(max=2147483647):element_type_id>"
# A longer text is no value of any field; the validation says what the limit of each is.
_MAX_TEXT = 2_000


class NumberText(ma.fields.String):
    """A number, as text or as a JSON number; its validation is that of an import."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            value = f"{Decimal(repr(value)):f}" if abs(value) < 1e30 else str(value)
        return super()._deserialize(value, attr, data, **kwargs)


def _text(**options: Any) -> ma.fields.String:
    return ma.fields.String(validate=ma.validate.Length(max=_MAX_TEXT), **options)


def _group_field(spec: GroupSpec) -> ma.fields.Dict:
    """Return the field for the values of a group by the id of their item."""
    if spec.value_type.python_type is bool:
        values: ma.fields.Field[Any] = StrictBoolean()
    elif spec.value_type.is_number:
        values = NumberText(allow_none=True, validate=ma.validate.Length(max=_MAX_TEXT))
    else:
        values = _text(allow_none=True)
    key = ma.fields.String(
        validate=ma.validate.Regexp(r"\A[1-9][0-9]{0,9}\Z", error=Message("Give the id as the key."))
    )
    description = f"by the id of the {spec.reference.singular}; the others stay as they are"
    return ma.fields.Dict(keys=key, values=values, metadata={"description": description})


ElementTypeEditRequest = type(
    "ElementTypeEditRequest",
    (RequestSchema,),
    {
        "__doc__": "New values of an element type; what is left out stays as it is.",
        "example": {"height": "3100", "version": "VR-2"},
        "name": _text(metadata={"description": "another name; its pieces keep their codes"}),
        **{
            name: NumberText(allow_none=True, validate=ma.validate.Length(max=_MAX_TEXT), metadata={"example": "3000"})
            for name in MEASURES
        },
        "version": _text(allow_none=True),
        **{group.value: _group_field(spec) for group, spec in GROUP_SPECS.items()},
    },
)


@blueprint.route(_ELEMENT_TYPE, methods=["PATCH"])
@requires(Permission.IMPORT)
@blueprint.arguments(ElementTypeEditRequest)
@blueprint.arguments(IdempotencyKeyHeader, location="headers")
@blueprint.response(202, CreatedJob, headers=LOCATION)
def change_element_type(body: dict[str, Any], headers: dict[str, Any], project_id: int, element_type_id: int) -> Any:
    """Change values of an element type, in a job that can be undone. What the body lacks stays as it is.

    The values are validated like those of a file. Returns 409 if the name is taken or a quantity is lowered below the
    pieces that are in production. The type can't be changed, since it is part of the codes of the pieces.
    """
    projects.get(project_id)
    if not body:
        raise RequestError("Give at least one value to change.")
    edit = ElementTypeEdit(
        {name: body[name] for name in EDITABLE_FIELDS if name in body},
        {group: _by_id(body[group.value]) for group in GROUP_SPECS if group.value in body},
    )
    # A request that is sent again finds the element type changed.
    if not idempotency.is_used(current_identity().name, headers["key"]):
        element_type_edits.plan_edit(db.session(), project_id, element_type_id, edit, current_settings())
    parameters = {"element_type_id": element_type_id, "set": edit.to_json()}
    return _start(project_id, registry.ELEMENT_TYPE_UPDATE, parameters, headers["key"])


@blueprint.route(_ELEMENT_TYPE, methods=["DELETE"])
@requires(Permission.IMPORT)
@blueprint.arguments(IdempotencyKeyHeader, location="headers")
@blueprint.response(202, CreatedJob, headers=LOCATION)
def delete_element_type(headers: dict[str, Any], project_id: int, element_type_id: int) -> Any:
    """Delete an element type with its planned pieces, in a job that can be undone.

    Returns 409, which names them, if some of its pieces are no longer planned.
    """
    projects.get(project_id)
    if not idempotency.is_used(current_identity().name, headers["key"]):
        element_type_edits.plan_deletion(db.session(), project_id, element_type_id)
    return _start(project_id, registry.ELEMENT_TYPE_DELETION, {"element_type_id": element_type_id}, headers["key"])


def _by_id(values: dict[str, Any]) -> dict[int, Any]:
    return {int(id_): value for id_, value in values.items() if int(id_) <= MAX_ID}


def _start(project_id: int, job_type: str, parameters: dict[str, Any], key: str | None) -> Any:
    job: ImportJob = service.start(
        project_id=project_id,
        job_type=job_type,
        parameters=parameters,
        total=1,
        starter=current_identity(),
        idempotency_key=key,
    )
    answer = {"message": "Change of the element type started successfully", "job_id": job.id, "status": job.status}
    return answer, 202, {"Location": url_for("jobs.get_job", job_id=job.id)}
