"""The element types of a project: searched, filtered, sorted, and one of them whole."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, render_template, request, url_for

from precast_app.auth.permissions import Permission
from precast_app.auth.route_permissions import requires
from precast_app.models import PieceStatus
from precast_app.queries import element_types, reference_data
from precast_app.queries.element_types import SORTS, ElementTypeFilter
from precast_app.queries.paging import LARGEST_ID
from precast_app.web import paging, project_context

blueprint = Blueprint("element_type_pages", __name__)

_PAGE_SIZE = 100
_FILTERS = ("search", "type", "node", "stage", "without_drawing")
_PATH = "/projects/<int(max=2147483647):project_id>/element-types"
# The columns that one may choose: the unit of each, if it is a number.
COLUMNS = {
    "height": "mm",
    "length": "mm",
    "width": "mm",
    "thickness": "mm",
    "mass": "kg",
    "volume": "m³",
    "area": "m²",
    "density": "kg/m³",
    "version": "",
}
_USUAL = ("height", "length", "width", "thickness", "mass", "volume")


@blueprint.get(_PATH)
@requires(Permission.READ)
def of_project(project_id: int) -> str:
    """The element types that are wanted."""
    wanted = ElementTypeFilter(
        search=request.args.get("search") or None,
        element_type=request.args.get("type") or None,
        node_id=_number("node"),
        stage_id=_number("stage"),
        without_drawing=_number("without_drawing"),
    )
    sort = request.args.get("sort") if request.args.get("sort") in SORTS else None
    columns = [name for name in COLUMNS if name in request.args.getlist("column")]
    where = paging.requested_page(_PAGE_SIZE)
    found, count = element_types.list_element_types(project_id, wanted, where, sort)
    chosen: dict[str, Any] = {key: text for key, text in request.args.items() if key in _FILTERS and text}
    shown = {**chosen, "sort": sort, "column": columns}
    return render_template(
        "types/list.html",
        **project_context.for_project(project_id, "Element types"),
        found=found,
        pieces=element_types.piece_counts([each.id for each in found]),
        count=count,
        page=where,
        wanted=wanted,
        chosen=chosen,
        sort=sort,
        columns=columns or _USUAL,
        units=COLUMNS,
        kinds=element_types.type_names(project_id),
        nodes=reference_data.list_all(project_id, "hierarchy_import"),
        stages=reference_data.list_all(project_id, "stage_import"),
        drawing_types=reference_data.list_all(project_id, "drawing_type_import"),
        link=lambda **given: url_for(".of_project", project_id=project_id, **{**shown, **given}),
    )


@blueprint.get(f"{_PATH}/<int(max=2147483647):element_type_id>")
@requires(Permission.READ)
def show(project_id: int, element_type_id: int) -> str:
    """One element type with all that belongs to it."""
    return render_template(
        "types/show.html",
        **project_context.for_project(project_id, "Element types"),
        it=element_types.get_element_type(project_id, element_type_id),
        at=element_types.status_counts(element_type_id),
        statuses=[*PieceStatus],
    )


def _number(name: str) -> int | None:
    number = request.args.get(name, type=int)
    return number if number is not None and 0 <= number <= LARGEST_ID else None
