"""Jobs on many pieces: a move of all that a filter finds, and what jobs have changed."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask import url_for

from precast_app.api.blueprint import JOB, LOCATION, PROJECT, Blueprint
from precast_app.api.element_schemas import MoveRequest, PieceFilterBody
from precast_app.api.job_schemas import CreatedJob
from precast_app.api.schemas import CursorQuery, RequestSchema, ResponseSchema, Timestamp, requested_page
from precast_app.api.uploads import IdempotencyKeyHeader
from precast_app.auth.permissions import Permission
from precast_app.auth.request_authentication import current_identity
from precast_app.auth.route_permissions import requires
from precast_app.errors import Conflict, invalid_field
from precast_app.jobs import idempotency, service
from precast_app.jobs.piece_parameters import PieceUpdate
from precast_app.jobs.tasks import update_pieces
from precast_app.messages import Message
from precast_app.models import PieceEventKind, PieceStatus
from precast_app.projects import projects
from precast_app.queries import piece_changes
from precast_app.queries.paging import MAX_ID

blueprint = Blueprint("piece_jobs", __name__, description="Jobs that move many pieces.")


class PieceChange(ResponseSchema):
    """What a job did to a piece, or would do in a dry run."""

    id = ma.fields.Integer(metadata={"description": "for the option `after`"})
    row = ma.fields.Integer(allow_none=True, metadata={"description": "row of the file, in a dry run"})
    piece_id = ma.fields.Integer()
    code = ma.fields.String(allow_none=True, metadata={"description": "null if the piece was removed since"})
    kind = ma.fields.String(metadata={"enum": [*PieceEventKind]})
    before = ma.fields.String(
        allow_none=True,
        data_key="from",
        metadata={"description": "the former status; of a stage, when it was passed before"},
    )
    after = ma.fields.String(allow_none=True, data_key="to", metadata={"description": "the same after the change"})
    stage_id = ma.fields.Integer(allow_none=True)
    stage = ma.fields.String(allow_none=True)
    happened_at = Timestamp()
    note = ma.fields.String(allow_none=True)


class PieceChanges(ResponseSchema):
    """A page of changes of pieces."""

    piece_changes = ma.fields.List(ma.fields.Nested(PieceChange))
    count = ma.fields.Integer()


class BulkRequest(RequestSchema):
    """A move of all pieces that a filter finds; `expected` is how many these were for whoever decided it."""

    example = {
        "filter": {"tower": "Tower_A", "status": "planned"},
        "expected": 40,
        "set": {"status": "in_production", "date": "2026-10-12"},
    }

    filter = ma.fields.Nested(PieceFilterBody, required=True)
    expected = ma.fields.Integer(strict=True, required=True, validate=ma.validate.Range(1, MAX_ID))
    set = ma.fields.Nested(MoveRequest, required=True)


@blueprint.route(f"{PROJECT}/elements/bulk", methods=["POST"])
@requires(Permission.IMPORT)
@blueprint.arguments(BulkRequest)
@blueprint.arguments(IdempotencyKeyHeader, location="headers")
@blueprint.response(202, CreatedJob, headers=LOCATION)
def move_elements(body: dict[str, Any], headers: dict[str, Any], project_id: int) -> Any:
    """Move all pieces that a filter finds, in a job. Returns 409 if their number is not the expected one.

    Pieces that can't move so are issues of the job, and stay as they are. The job can be undone.
    """
    projects.get(project_id)
    made = body["set"]
    if not any(made[name] for name in ("status", "stage_id", "note")):
        message = Message("Say what happens to the pieces: a status, a stage or a note.")
        raise invalid_field("set", message)
    status = PieceStatus(made["status"]) if made["status"] else None
    asked = PieceUpdate(
        body["expected"], body["filter"], status, made["stage_id"], made["date"], made["note"], made["reason"]
    )
    starter, key = current_identity(), headers["key"]
    found = update_pieces.count_matching(project_id, asked)
    # A request that is sent again finds other pieces once it has been carried out.
    if found != asked.expected and not idempotency.is_used(starter.name, key):
        raise Conflict(update_pieces.describe_other_count(asked.expected, found))
    job = service.start(
        project_id=project_id,
        job_type="piece_update",
        parameters=asked.to_json(),
        total=asked.expected,
        starter=starter,
        idempotency_key=key,
    )
    answer = {"message": "Update of pieces started successfully", "job_id": job.id, "status": job.status}
    return answer, 202, {"Location": url_for("jobs.get_job", job_id=job.id)}


@blueprint.route(f"{JOB}/piece-changes", methods=["GET"])
@requires(Permission.READ)
@blueprint.arguments(CursorQuery, location="query")
@blueprint.response(200, PieceChanges)
def list_piece_changes(query: dict[str, Any], job_id: int) -> dict[str, Any]:
    """List what the job did to pieces, or would do in a dry run; nothing for a job that is not about pieces."""
    found, count = piece_changes.list_changes(job_id, requested_page(query))
    return {"piece_changes": found, "count": count}
