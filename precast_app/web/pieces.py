"""The pages of pieces: the list with its filters, one piece, and scanning many."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask import Blueprint, render_template, request, url_for

from precast_app.auth.permissions import Permission
from precast_app.auth.route_permissions import requires
from precast_app.enums import PIECE_STEPS
from precast_app.exporting.labels.formats import FORMATS
from precast_app.importing import hierarchy
from precast_app.models import PieceStatus
from precast_app.pieces.selection import PieceFilter
from precast_app.queries import element_types, piece_details, piece_exports, pieces, reference_data
from precast_app.queries.paging import MAX_ID, PageRequest
from precast_app.web import project_context
from precast_app.web.template_filters import in_order

blueprint = Blueprint("piece_pages", __name__)

_PAGE_SIZE = 100
_MAX_SEARCH = 500
# More are in the workbook only.
_MAX_SITE_ROWS = 2_000
_MAX_DIGITS = 10


@blueprint.get("/projects/<int(max=2147483647):project_id>/pieces")
@requires(Permission.READ)
def index(project_id: int) -> str:
    """Show the pieces that match the filters of the URL, sorted, from the start or after the piece `after`."""
    filters = _requested_filter()
    sort = request.args.get("sort") if request.args.get("sort") in pieces.SORTS else None
    after = _id_argument("after")
    # One more than the page shows, to know whether there is a next page.
    found = pieces.list_pieces(project_id, filters, PageRequest(_PAGE_SIZE + 1, after=after), sort or "code")
    shown = found[:_PAGE_SIZE]
    current_filters = filters.as_json()
    arguments: dict[str, Any] = {**current_filters, "sort": sort}

    def link(**changed: Any) -> str:
        return url_for(".index", project_id=project_id, **{**arguments, **changed})

    nodes = in_order(reference_data.list_all(project_id, "hierarchy_import"), "path")
    return render_template(
        "pieces/list.html",
        **project_context.for_project(project_id, "Pieces"),
        pieces=shown,
        filters=filters,
        current_filters=current_filters,
        sort=sort,
        link=link,
        first=link() if after is not None else None,
        following=link(after=shown[-1].id) if len(found) > len(shown) else None,
        floors_by_tower=_floors_by_tower(nodes),
        type_names=element_types.type_names(project_id),
        element_type=_filtered_element_type(project_id, filters.element_type_id),
        places=hierarchy.place_names(nodes),
        statuses=[*PieceStatus],
        steps=PIECE_STEPS,
        stages=reference_data.list_all(project_id, "stage_import"),
        label_formats=FORMATS.values(),
    )


@blueprint.get("/projects/<int(max=2147483647):project_id>/site-list")
@requires(Permission.READ)
def site_list(project_id: int) -> str:
    """Show what goes to the chosen towers and floors, to print: element types, quantities and totals."""
    nodes = in_order(reference_data.list_all(project_id, "hierarchy_import"), "path")
    chosen = {number for text in request.args.getlist("node") if (number := _parse_id(text)) is not None}
    found = piece_exports.site_list(project_id, piece_exports.place_names_below(project_id, chosen))
    return render_template(
        "pieces/site_list.html",
        **project_context.for_project(project_id, "Pieces"),
        floors_by_tower=_floors_by_tower(nodes),
        all_places=hierarchy.place_names(nodes),
        chosen=chosen,
        places=found.places,
        rows=found.rows[:_MAX_SITE_ROWS],
        row_count=len(found.rows),
        totals=found.totals,
        pieces=found.pieces,
        mass=found.mass,
    )


@blueprint.get("/projects/<int(max=2147483647):project_id>/scan")
@requires(Permission.IMPORT)
def scan(project_id: int) -> str:
    """Show the page that scans many pieces, with the camera or a hand scanner, and gives all of them one status."""
    return render_template(
        "pieces/scan.html",
        **project_context.for_project(project_id, "Pieces"),
        steps=PIECE_STEPS,
        stages=reference_data.list_all(project_id, "stage_import"),
    )


@blueprint.get("/pieces/<int(max=2147483647):piece_id>")
@requires(Permission.READ)
def show(piece_id: int) -> str:
    """Show a piece: what it is, where it goes, its history and its next step. Labels lead to this page."""
    piece = piece_details.get_piece(piece_id)
    status = PieceStatus(piece.row.status)
    return render_template(
        "pieces/show.html",
        **project_context.for_project(piece.project_id, "Pieces"),
        details=piece,
        piece=piece.row,
        element_type=element_types.get_element_type(piece.project_id, piece.row.element_type_id),
        place=element_types.place_names(piece.project_id)[piece.row.node_id],
        steps=PIECE_STEPS,
        position=PIECE_STEPS.index(status) if status in PIECE_STEPS else None,
        statuses=[*PieceStatus],
    )


def _requested_filter() -> PieceFilter:
    """Return the filter of the URL; what is not valid is left out."""
    status = request.args.get("status")
    return PieceFilter(
        node_id=_id_argument("node_id"),
        tower=request.args.get("tower") or None,
        element_type_id=_id_argument("element_type_id"),
        type=request.args.get("type") or None,
        status=status if status in [*PieceStatus] else None,
        stage=_id_argument("stage"),
        search=request.args.get("search", "")[:_MAX_SEARCH] or None,
        moved_from=_date_argument("moved_from"),
        moved_to=_date_argument("moved_to"),
    )


def _filtered_element_type(project_id: int, element_type_id: int | None) -> dict[str, Any] | None:
    return element_types.get_element_type(project_id, element_type_id) if element_type_id is not None else None


def _floors_by_tower(nodes: list[Any]) -> dict[str, list[Any]]:
    """Return the nodes by the path of their tower; of a tower with floors, also itself."""
    towers: dict[str, list[Any]] = {}
    for node in nodes:
        towers.setdefault(str(pieces.tower_and_floor(node.path)["tower"]), []).append(node)
    return towers


def _date_argument(name: str) -> date | None:
    try:
        return date.fromisoformat(request.args.get(name, ""))
    except ValueError:
        return None


def _id_argument(name: str) -> int | None:
    return _parse_id(request.args.get(name, ""))


def _parse_id(text: str) -> int | None:
    """Return the id that a text has; None if it has none."""
    is_number = text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS
    return int(text) if is_number and int(text) <= MAX_ID else None
