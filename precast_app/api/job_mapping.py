"""The columns of a job's file: what they mean, and the mapping by a user that starts the job."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask import url_for

from precast_app import languages
from precast_app.api.blueprint import JOB, LOCATION, Blueprint
from precast_app.api.job_permissions import requires_job_permission
from precast_app.api.job_schemas import CreatedJob, JobProfile
from precast_app.api.profile_schemas import ProfileRequest, load_profile
from precast_app.api.schemas import ResponseSchema, StrictBoolean, identifier
from precast_app.auth.permissions import Permission
from precast_app.auth.request_authentication import current_identity
from precast_app.auth.route_permissions import requires
from precast_app.errors import RequestError
from precast_app.importing.profiles.profile import ImportProfile
from precast_app.jobs import columns, mapping, permissions
from precast_app.jobs.mapping import ColumnMapping
from precast_app.message_catalogue import translate_messages
from precast_app.messages import Message
from precast_app.models import ImportJob
from precast_app.queries import jobs as job_queries

blueprint = Blueprint("job_mapping", __name__, description="The columns of a job's file.")

_OPTIONS = ("save", "profile_id", "dry_run", "create_missing")


class MappingRequest(ProfileRequest):
    """What the columns mean: an import profile, or the id of a remembered one."""

    example = {**ProfileRequest.example, "save": True, "create_missing": True}

    name = ma.fields.Raw(metadata={"type": "string", "minLength": 1, "maxLength": 150})
    columns = ma.fields.Raw(metadata={"type": "array", "minItems": 1, "items": {"type": "object"}})
    save = StrictBoolean(load_default=False, metadata={"description": "remember the profile for files like this one"})
    profile_id = identifier(strict=True)
    dry_run = StrictBoolean(metadata={"description": "replaces the option of the job"})
    create_missing = StrictBoolean(metadata={"description": "replaces the option of the job; needs the manager role"})


class ColumnDescriptions(ResponseSchema):
    """What the columns of a file mean, with proposals."""

    profile = ma.fields.Dict(metadata={"description": "a draft that can be sent as the mapping"})
    matched_profile = ma.fields.Nested(JobProfile, allow_none=True)
    sheets = ma.fields.List(ma.fields.Dict(), metadata={"description": "`name`, `hidden` and the first `rows`"})
    columns = ma.fields.List(
        ma.fields.Dict(),
        metadata={
            "description": "`index`, `letter`, `heading`, `sub_heading`, `samples`, how they are `read_as`, the "
            "`problem` of one that can't be read, `target`, `unit`, and `proposals` with `confidence` and `reason`"
        },
    )
    missing = ma.fields.List(ma.fields.String(), metadata={"description": "targets that an import needs"})
    messages = ma.fields.List(ma.fields.String())
    targets = ma.fields.List(ma.fields.Dict(), metadata={"description": "what a column can mean"})
    new_items = ma.fields.List(ma.fields.Dict(), metadata={"description": "items that the project lacks"})
    row_count = ma.fields.Integer()
    element_type_count = ma.fields.Integer(allow_none=True)


@blueprint.route(f"{JOB}/columns", methods=["GET"])
@requires(Permission.READ)
@blueprint.doc(responses={409: "CONFLICT"})
@blueprint.response(200, ColumnDescriptions)
def get_columns(job_id: int) -> dict[str, Any]:
    """Return what the columns of the job's file mean: by its import profile or, without one, as a proposal."""
    return _described(job_id, None)


@blueprint.route(f"{JOB}/columns", methods=["POST"])
@requires_job_permission
@blueprint.arguments(ProfileRequest)
@blueprint.response(200, ColumnDescriptions)
def describe_draft(body: dict[str, Any], job_id: int) -> dict[str, Any]:
    """Return what the columns mean by the draft of an import profile. Nothing is stored."""
    return _described(job_id, load_profile(body, complete=False))


@blueprint.route(f"{JOB}/mapping", methods=["PUT"])
@requires_job_permission
@blueprint.arguments(MappingRequest)
@blueprint.response(202, CreatedJob, headers=LOCATION)
def map_columns(body: dict[str, Any], job_id: int) -> Any:
    """Say what the columns mean and start the job. Returns 409 if it isn't waiting for that."""
    return _started(mapping.start(job_id, _mapping(body, job_id), current_identity()))


@blueprint.route(f"{JOB}/mapping", methods=["POST"])
@requires_job_permission
@blueprint.arguments(MappingRequest)
@blueprint.response(202, CreatedJob, headers=LOCATION)
def import_file_again(body: dict[str, Any], job_id: int) -> Any:
    """Read the file of a job in another way, in a new job with the same options."""
    return _started(mapping.import_again(job_id, _mapping(body, job_id), current_identity()))


def _described(job_id: int, draft: ImportProfile | None) -> dict[str, Any]:
    described = columns.describe(job_queries.get_job(job_id), draft, current_identity().name)
    translated: dict[str, Any] = translate_messages(described, languages.current())
    return translated


def _mapping(body: dict[str, Any], job_id: int) -> ColumnMapping:
    """Return the mapping of a request; raise `Forbidden` if it creates reference data and the user may not."""
    job = job_queries.get_job(job_id)
    options = {name: body[name] for name in ("dry_run", "create_missing") if name in body}
    if options.get("create_missing"):
        permissions.require_to_create(current_identity(), job.project_id, job.job_type, create_missing=True)
    if "profile_id" not in body:
        return ColumnMapping(load_profile(body), save=body["save"], **options)
    if others := [name for name in body if name not in _OPTIONS] + ["save"] * body["save"]:
        message = Message("Send either the id of a remembered profile or a profile, not both.")
        raise RequestError(message, {"json": {name: [message] for name in others}})
    return ColumnMapping(profile_id=body["profile_id"], **options)


def _started(job: ImportJob) -> Any:
    body = {"message": "Import job started successfully", "job_id": job.id, "status": job.status}
    return body, 202, {"Location": url_for("jobs.get_job", job_id=job.id)}
