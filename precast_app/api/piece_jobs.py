"""Jobs on many pieces: what they have changed."""

from __future__ import annotations

from typing import Any

import marshmallow as ma

from precast_app.api.blueprint import JOB, Blueprint
from precast_app.api.schemas import CursorQuery, ResponseSchema, Timestamp, requested_page
from precast_app.auth.permissions import Permission
from precast_app.auth.route_permissions import requires
from precast_app.models import PieceEventKind
from precast_app.queries import piece_changes

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


@blueprint.route(f"{JOB}/piece-changes", methods=["GET"])
@requires(Permission.READ)
@blueprint.arguments(CursorQuery, location="query")
@blueprint.response(200, PieceChanges)
def list_piece_changes(query: dict[str, Any], job_id: int) -> dict[str, Any]:
    """List what the job did to pieces, or would do in a dry run; nothing for a job that is not about pieces."""
    found, count = piece_changes.list_changes(job_id, requested_page(query))
    return {"piece_changes": found, "count": count}
