"""The element types of a project: searched, filtered, sorted, and one of them whole."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, render_template, request, url_for

from precast_app.accounts.guard import takes
from precast_app.accounts.permissions import Act
from precast_app.models import PieceStatus
from precast_app.reading import catalogue, reference
from precast_app.reading.catalogue import SORTS, Filter
from precast_app.reading.paging import LARGEST_ID
from precast_app.web import context, paging

blueprint = Blueprint("element_type_pages", __name__)

_LINES = 100
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
@takes(Act.READ)
def of_project(project_id: int) -> str:
    """The element types that are wanted."""
    wanted = Filter(
        search=request.args.get("search") or None,
        element_type=request.args.get("type") or None,
        node_id=_number("node"),
        stage_id=_number("stage"),
        without_drawing=_number("without_drawing"),
    )
    sort = request.args.get("sort") if request.args.get("sort") in SORTS else None
    columns = [name for name in COLUMNS if name in request.args.getlist("column")]
    where = paging.asked(_LINES)
    found, count = catalogue.element_types(project_id, wanted, where, sort)
    chosen: dict[str, Any] = {key: text for key, text in request.args.items() if key in _FILTERS and text}
    shown = {**chosen, "sort": sort, "column": columns}
    return render_template(
        "types/list.html",
        **context.of_project(project_id, "Element types"),
        found=found,
        pieces=catalogue.piece_counts([each.id for each in found]),
        count=count,
        page=where,
        wanted=wanted,
        chosen=chosen,
        sort=sort,
        columns=columns or _USUAL,
        units=COLUMNS,
        kinds=catalogue.kinds(project_id),
        nodes=reference.everything(project_id, "hierarchy_import"),
        stages=reference.everything(project_id, "stage_import"),
        drawing_types=reference.everything(project_id, "drawing_type_import"),
        link=lambda **given: url_for(".of_project", project_id=project_id, **{**shown, **given}),
    )


@blueprint.get(f"{_PATH}/<int(max=2147483647):element_type_id>")
@takes(Act.READ)
def show(project_id: int, element_type_id: int) -> str:
    """One element type with all that belongs to it."""
    return render_template(
        "types/show.html",
        **context.of_project(project_id, "Element types"),
        it=catalogue.element_type(project_id, element_type_id),
        at=catalogue.statuses(element_type_id),
        statuses=[*PieceStatus],
    )


def _number(name: str) -> int | None:
    number = request.args.get(name, type=int)
    return number if number is not None and 0 <= number <= LARGEST_ID else None
