"""One piece: its element type, its stages and its history."""

from __future__ import annotations

from typing import Any

import marshmallow as ma

from precast_app.api.blueprint import Blueprint
from precast_app.api.element_schemas import Element
from precast_app.api.schemas import ResponseSchema, Timestamp
from precast_app.auth.permissions import Permission
from precast_app.auth.route_permissions import requires
from precast_app.models import PieceEventKind, PieceStatus
from precast_app.queries import piece_details

blueprint = Blueprint("element_details", __name__, description="One piece and its history.")


class StageOfElement(ResponseSchema):
    """A stage of production that the piece goes through."""

    stage_id = ma.fields.Integer()
    name = ma.fields.String()
    position = ma.fields.Integer()
    reaches_status = ma.fields.String(allow_none=True)
    passed_at = Timestamp(allow_none=True)


class EventOfElement(ResponseSchema):
    """Something that happened to the piece.

    `from` and `to` are statuses; for a stage, when the piece had passed it before and when it has passed it now.
    """

    id = ma.fields.Integer()
    kind = ma.fields.String(metadata={"enum": [*PieceEventKind]})
    from_value = ma.fields.String(data_key="from", allow_none=True)
    to_value = ma.fields.String(data_key="to", allow_none=True)
    stage_id = ma.fields.Integer(allow_none=True)
    stage = ma.fields.String(allow_none=True)
    happened_at = Timestamp()
    recorded_at = Timestamp()
    user_name = ma.fields.String()
    job_id = ma.fields.Integer(allow_none=True)
    note = ma.fields.String(allow_none=True)


class ElementDetails(Element):
    """A piece with its stages in order, and its newest 500 events, newest first."""

    project_id = ma.fields.Integer()
    next_status = ma.fields.String(allow_none=True, metadata={"enum": [*PieceStatus, None]})
    replaces = ma.fields.String(
        allow_none=True, metadata={"description": "code of the scrapped piece that this one replaces"}
    )
    stages = ma.fields.List(ma.fields.Nested(StageOfElement))
    events = ma.fields.List(ma.fields.Nested(EventOfElement))


class OneElementDetails(ResponseSchema):
    """The response with one piece and its history."""

    element = ma.fields.Nested(ElementDetails)


@blueprint.route("/api/elements/<int(max=2147483647):element_id>", methods=["GET"])
@requires(Permission.READ)
@blueprint.response(200, OneElementDetails)
def get_element(element_id: int) -> dict[str, Any]:
    """Return a piece with the stages that it goes through, and what has happened to it."""
    piece = piece_details.get_piece(element_id)
    row = {name: getattr(piece.row, name) for name in piece.row.__dataclass_fields__}
    more = ("project_id", "status_since", "next_status", "replaces", "stages", "events")
    return {"element": {**row, **{name: getattr(piece, name) for name in more}}}
