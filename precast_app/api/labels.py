"""Labels of pieces: a job makes them as a PDF file."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import marshmallow as ma
from flask import request, url_for

from precast_app.api.blueprint import LOCATION, PROJECT, Blueprint
from precast_app.api.element_schemas import PieceFilterBody, PieceFilterFields
from precast_app.api.job_schemas import CreatedJob
from precast_app.api.schemas import LenientQuery, RequestSchema, repeated_options
from precast_app.api.uploads import IdempotencyKeyHeader
from precast_app.auth.permissions import Permission
from precast_app.auth.request_authentication import current_identity
from precast_app.auth.route_permissions import requires
from precast_app.errors import RequestError
from precast_app.exporting.labels.formats import FORMATS
from precast_app.extensions import current_settings
from precast_app.jobs import service
from precast_app.messages import Message, as_message, join_messages
from precast_app.models import ImportJob
from precast_app.pieces import selection
from precast_app.pieces.selection import PieceFilter
from precast_app.projects import projects

JOB_TYPE = "label_export"
_MAX_PER_PAGE = max(each.per_page for each in FORMATS.values())

blueprint = Blueprint("labels", __name__, description="Labels of pieces as PDF files.")


class LabelOptions(ma.Schema):
    """The labels' format, the first label of the first sheet, and the date on the labels."""

    format = ma.fields.String(
        load_default="a4_24",
        validate=ma.validate.OneOf([*FORMATS]),
        metadata={"description": "; ".join(f"`{each.name}`: {each.title}" for each in FORMATS.values())},
    )
    start = ma.fields.Integer(
        load_default=1,
        validate=ma.validate.Range(1, _MAX_PER_PAGE),
        metadata={"description": "number of the first label to print on, for a sheet that has been used in part"},
    )
    date = ma.fields.Date(
        load_default=None, allow_none=True, metadata={"description": "the date on the labels; today if left out"}
    )


class LabelsRequest(LabelOptions, RequestSchema):
    """The labels to make, as JSON."""

    example = {"format": "a4_24", "start": 1, "filter": {"tower": "Tower_A", "status": "planned"}}

    filter = ma.fields.Nested(PieceFilterBody, load_default=PieceFilter)


class LabelsQuery(LenientQuery, LabelOptions, PieceFilterFields):
    """The labels to make, as options of a query."""


@blueprint.route(f"{PROJECT}/elements/labels", methods=["POST"])
@requires(Permission.IMPORT)
@blueprint.arguments(LabelsRequest)
@blueprint.arguments(IdempotencyKeyHeader, location="headers")
@blueprint.response(202, CreatedJob, headers=LOCATION)
def make_labels(body: dict[str, Any], headers: dict[str, Any], project_id: int) -> Any:
    """Make a label for each piece that the filter finds, in a job. `GET /api/jobs/{job_id}/output` returns the PDF.

    Each has a QR code with the address of the piece's page.
    """
    projects.get(project_id)
    job = _start(project_id, body, headers["key"])
    answer = {"message": "Label job started successfully", "job_id": job.id, "status": job.status}
    return answer, 202, {"Location": url_for("jobs.get_job", job_id=job.id)}


def start_from_query(project_id: int, idempotency_key: str | None) -> ImportJob:
    """Create the job that the options of the request describe; raise `RequestError` if one is invalid."""
    schema = LabelsQuery()
    known = {name: text for name, text in request.args.items() if name in schema.load_fields}
    errors: Any = repeated_options(request.args, known)
    if not errors:
        try:
            return _start(project_id, schema.load(known), idempotency_key)
        except ma.ValidationError as error:
            errors = error.normalized_messages()
    name, first = next(iter(errors.items()))
    raise RequestError(join_messages(": ", [name, as_message(first[0])]), {"query": errors})


def _start(project_id: int, options: dict[str, Any], idempotency_key: str | None) -> ImportJob:
    label_format, start = FORMATS[options["format"]], options["start"]
    if start > label_format.per_page:
        message = Message(
            "A sheet of the format %(format)s has only %(per_page)s labels. Start at one of them.",
            format=label_format.name,
            per_page=label_format.per_page,
        )
        raise RequestError(message, {"start": [message]})
    filters: PieceFilter = options["filter"]
    count, most = selection.count(project_id, filters), current_settings().max_labels
    if not count:
        raise RequestError("No piece matches the filter. Change the filter, or choose pieces of the list.")
    if count > most:
        raise RequestError(
            Message(
                "%(count)s pieces match the filter; the limit is %(limit)s labels. Choose fewer pieces.",
                count=count,
                limit=most,
            )
        )
    day: date = options["date"] or datetime.now(UTC).date()
    parameters = {
        "filter": filters.as_json(),
        "format": label_format.name,
        "start": start,
        "date": day.isoformat(),
        "address": request.url_root.rstrip("/"),
    }
    return service.start(
        project_id=project_id,
        job_type=JOB_TYPE,
        parameters=parameters,
        total=count,
        starter=current_identity(),
        idempotency_key=idempotency_key,
    )
