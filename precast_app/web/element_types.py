"""The pages of element types: the list with search, filters and sorting, and one element type."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, render_template, request, url_for

from precast_app.auth.permissions import Permission
from precast_app.auth.route_permissions import requires
from precast_app.enums import PieceStatus
from precast_app.importing.element_type_edit import EDITABLE_FIELDS
from precast_app.importing.schema import BASE_COLUMNS, GROUP_SPECS, ColumnGroup, GroupSpec
from precast_app.queries import element_types, reference_data
from precast_app.queries.element_types import SORTS, ElementTypeFilter
from precast_app.queries.paging import MAX_ID
from precast_app.web import paging, project_context
from precast_app.web.template_filters import in_order

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
    status_counts = element_types.status_counts(element_type_id)
    totals = {status: sum(counts[status] for counts in status_counts.values()) for status in PieceStatus}
    return render_template(
        "types/show.html",
        **project_context.for_project(project_id, "Element types"),
        element_type=element_type,
        is_deletable=not any(count for status, count in totals.items() if status != PieceStatus.PLANNED),
        totals=totals,
        piece_count=sum(line["quantity"] for line in element_type[ColumnGroup.NODES]),
        status_counts=status_counts,
        group_specs=GROUP_SPECS.values(),
    )


@blueprint.get(f"{_PATH}/<int(max=2147483647):element_type_id>/edit")
@requires(Permission.IMPORT)
def edit(project_id: int, element_type_id: int) -> str:
    """Show the form that changes an element type."""
    return render_template(
        "types/edit.html",
        **project_context.for_project(project_id, "Element types"),
        element_type=element_types.get_element_type(project_id, element_type_id),
        base_columns=[column for column in BASE_COLUMNS if column.field in EDITABLE_FIELDS],
        groups=[_editable_group(project_id, element_type_id, spec) for spec in GROUP_SPECS.values()],
    )


@dataclass(frozen=True, slots=True)
class EditableGroup:
    """The items of a group with the value of the element type for each; None or False for those without one.

    `places` are the names of nodes by id.
    """

    spec: GroupSpec
    items: Sequence[Any]
    values: Mapping[int, Any]
    places: Mapping[int, str]

    @property
    def is_used(self) -> bool:
        """Whether the element type has a value of the group."""
        return any(self.values.values())


def _editable_group(project_id: int, element_type_id: int, spec: GroupSpec) -> EditableGroup:
    items = reference_data.list_all(project_id, spec.reference.job_type)
    values = element_types.group_values(spec, element_type_id)
    places = element_types.place_names(project_id) if spec.reference.is_hierarchy else {}
    return EditableGroup(spec, in_order(items, "path") if places else items, values, places)


def _id_argument(name: str) -> int | None:
    number = request.args.get(name, type=int)
    return number if number is not None and 0 <= number <= MAX_ID else None
