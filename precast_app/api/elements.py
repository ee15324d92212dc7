"""The pieces of a project: lists, one piece, and its status."""

from __future__ import annotations

from typing import Any

from precast_app.api.blueprint import PROJECT, Blueprint
from precast_app.api.element_schemas import Elements, ElementsQuery, MoveRequest, OneElement
from precast_app.api.schemas import requested_page
from precast_app.auth.permissions import Permission
from precast_app.auth.request_authentication import current_identity
from precast_app.auth.route_permissions import requires
from precast_app.models import PieceStatus
from precast_app.pieces import service
from precast_app.projects import projects
from precast_app.queries import pieces

blueprint = Blueprint("elements", __name__, description="The individual pieces of element types.")


@blueprint.route(f"{PROJECT}/elements", methods=["GET"])
@requires(Permission.READ)
@blueprint.arguments(ElementsQuery, location="query")
@blueprint.response(200, Elements)
def list_elements(query: dict[str, Any], project_id: int) -> dict[str, Any]:
    """List the pieces of a project, in the order in which they were created unless `sort` says otherwise."""
    projects.get(project_id)
    found, count = pieces.list_and_count(project_id, query["filter"], requested_page(query), query["sort"])
    return {"elements": found, "count": count}


@blueprint.route("/api/elements/<int(max=2147483647):element_id>", methods=["PATCH"])
@requires(Permission.IMPORT)
@blueprint.arguments(MoveRequest)
@blueprint.response(200, OneElement)
def move_element(body: dict[str, Any], element_id: int) -> dict[str, Any]:
    """Set the status of a piece, pass a stage, or add a note.

    The order is planned → in_production → produced → dispatched → erected; steps can be skipped. Going back takes a
    `reason`, and so does `scrapped`, which adds a planned piece with the next number as a replacement. Returns 409 with
    the reason if the piece can't move so.
    """
    status = PieceStatus(body["status"]) if body["status"] else None
    piece = service.move_piece(
        element_id,
        current_identity().name,
        status=status,
        stage_id=body["stage_id"],
        given=body["date"],
        note=body["note"],
        reason=body["reason"],
    )
    return {"element": pieces.to_rows([piece])[0]}
