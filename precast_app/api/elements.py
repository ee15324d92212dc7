"""The pieces of a project: lists, one piece, and its status."""

from __future__ import annotations

from typing import Any

from precast_app.api.blueprint import PROJECT, Blueprint
from precast_app.api.element_schemas import Elements, ElementsQuery, OneElement, StatusRequest
from precast_app.api.schemas import requested_page
from precast_app.auth.permissions import Permission
from precast_app.auth.route_permissions import requires
from precast_app.models import PieceStatus
from precast_app.pieces import selection, transitions
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
    found = pieces.list_pieces(project_id, query["filter"], requested_page(query), query["sort"])
    return {"elements": found, "count": selection.count(project_id, query["filter"])}


@blueprint.route("/api/elements/<int(max=2147483647):element_id>", methods=["PATCH"])
@requires(Permission.IMPORT)
@blueprint.arguments(StatusRequest)
@blueprint.response(200, OneElement)
def advance_status(body: dict[str, Any], element_id: int) -> dict[str, Any]:
    """Move a piece to its next status: planned → in_production → produced → dispatched → erected."""
    piece = transitions.advance_status(element_id, PieceStatus(body["status"]))
    return {"element": pieces.to_rows([piece])[0]}
