"""The pages of pieces: the list with its filters, and one piece."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, render_template, request, url_for

from precast_app.auth.permissions import Permission
from precast_app.auth.route_permissions import requires
from precast_app.models import PieceStatus
from precast_app.queries import element_types, piece_rows, reference_data
from precast_app.queries.paging import LARGEST_ID, Page
from precast_app.web import project_context

blueprint = Blueprint("piece_pages", __name__)

_PAGE_SIZE = 100
_FILTERS = ("node_id", "element_type_id", "status")
# The way of a piece from the drawing to the building.
STEPS = tuple(PieceStatus)


@blueprint.get("/projects/<int(max=2147483647):project_id>/pieces")
@requires(Permission.READ)
def index(project_id: int) -> str:
    """Show the pieces that match the filters of the URL, in the order of their creation."""
    node_id, element_type_id, after = (_id_argument(name) for name in ("node_id", "element_type_id", "after"))
    status = request.args.get("status") if request.args.get("status") in [*PieceStatus] else None
    page = Page(_PAGE_SIZE, after=after)
    found, count = element_types.list_pieces(project_id, node_id, element_type_id, status, page)
    current_filters: dict[str, Any] = {name: text for name, text in request.args.items() if name in _FILTERS and text}
    element_type = element_types.get_element_type(project_id, element_type_id) if element_type_id else None
    return render_template(
        "pieces/list.html",
        **project_context.for_project(project_id, "Pieces"),
        pieces=piece_rows.describe(found),
        count=count,
        node_id=node_id,
        status=status,
        element_type=element_type,
        current_filters=current_filters,
        nodes=reference_data.list_all(project_id, "hierarchy_import"),
        steps=STEPS,
        first=url_for(".index", project_id=project_id, **current_filters) if after else None,
        following=url_for(".index", project_id=project_id, **{**current_filters, "after": found[-1].id})
        if len(found) == _PAGE_SIZE
        else None,
    )


@blueprint.get("/pieces/<int(max=2147483647):element_id>")
@requires(Permission.READ)
def show(element_id: int) -> str:
    """Show a piece: what it is, where it goes, and the button for its next status. Labels lead to this page."""
    piece = piece_rows.get_piece(element_id)
    position = STEPS.index(piece.status)
    return render_template(
        "pieces/show.html",
        **project_context.for_project(piece.project_id, "Pieces"),
        piece=piece,
        element_type=element_types.get_element_type(piece.project_id, piece.element_type_id),
        steps=STEPS,
        position=position,
        next_status=STEPS[position + 1] if position + 1 < len(STEPS) else None,
    )


def _id_argument(name: str) -> int | None:
    number = request.args.get(name, type=int)
    return number if number is not None and 0 <= number <= LARGEST_ID else None
