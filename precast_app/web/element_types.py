"""The pages of element types: the list with search, filters and sorting, and one element type."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, render_template, request, url_for

from precast_app.auth.permissions import Permission
from precast_app.auth.route_permissions import requires
from precast_app.enums import PIECE_STEPS
from precast_app.importing.schema import GROUP_SPECS, ColumnGroup
from precast_app.queries import element_types, reference_data
from precast_app.queries.element_types import SORTS, ElementTypeFilter
from precast_app.queries.paging import LARGEST_ID
from precast_app.web import paging, project_context

blueprint = Blueprint("element_type_pages", __name__)

_PAGE_SIZE = 100
_FILTERS = ("search", "type", "node", "stage", "without_drawing")
_PATH = "/projects/<int(max=2147483647):project_id>/element-types"
# The optional columns with the unit of each; the version has none.
COLUMN_UNITS = {
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
_DEFAULT_COLUMNS = ("height", "length", "width", "thickness", "mass", "volume")


@blueprint.get(_PATH)
@requires(Permission.READ)
def index(project_id: int) -> str:
    """Show the element types that match the filters of the URL, sorted, in the requested columns."""
    filters = ElementTypeFilter(
        search=request.args.get("search") or None,
        element_type=request.args.get("type") or None,
        node_id=_id_argument("node"),
        stage_id=_id_argument("stage"),
        without_drawing=_id_argument("without_drawing"),
    )
    sort = request.args.get("sort") if request.args.get("sort") in SORTS else None
    columns = [name for name in COLUMN_UNITS if name in request.args.getlist("column")]
    page = paging.requested_page(_PAGE_SIZE)
    found, count = element_types.list_element_types(project_id, filters, page, sort)
    current_filters: dict[str, Any] = {name: text for name, text in request.args.items() if name in _FILTERS and text}
    arguments = {**current_filters, "sort": sort, "column": columns}
    return render_template(
        "types/list.html",
        **project_context.for_project(project_id, "Element types"),
        element_types=found,
        piece_counts=element_types.piece_counts([element_type.id for element_type in found], filters.node_id),
        count=count,
        page=page,
        filters=filters,
        current_filters=current_filters,
        sort=sort,
        columns=columns or _DEFAULT_COLUMNS,
        units=COLUMN_UNITS,
        type_names=element_types.type_names(project_id),
        places=element_types.place_names(project_id),
        stages=reference_data.list_all(project_id, "stage_import"),
        drawing_types=reference_data.list_all(project_id, "drawing_type_import"),
        link=lambda **changed: url_for(".index", project_id=project_id, **{**arguments, **changed}),
    )


@blueprint.get(f"{_PATH}/<int(max=2147483647):element_type_id>")
@requires(Permission.READ)
def show(project_id: int, element_type_id: int) -> str:
    """Show an element type with its values, its pieces and the imports that changed it."""
    element_type = element_types.get_element_type(project_id, element_type_id)
    return render_template(
        "types/show.html",
        **project_context.for_project(project_id, "Element types"),
        element_type=element_type,
        piece_count=sum(line["quantity"] for line in element_type[ColumnGroup.NODES]),
        status_counts=element_types.status_counts(element_type_id),
        statuses=PIECE_STEPS,
        group_specs=GROUP_SPECS.values(),
    )


def _id_argument(name: str) -> int | None:
    number = request.args.get(name, type=int)
    return number if number is not None and 0 <= number <= LARGEST_ID else None
