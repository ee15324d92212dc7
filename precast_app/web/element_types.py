"""The element types of a project: searched, filtered, and one of them whole."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, render_template, request, url_for

from precast_app.accounts.guard import takes
from precast_app.accounts.permissions import Act
from precast_app.reading import catalogue, reference
from precast_app.reading.catalogue import Filter
from precast_app.reading.paging import LARGEST_ID, Page
from precast_app.web import context

blueprint = Blueprint("element_type_pages", __name__)

_LINES = 100
_FILTERS = ("search", "type", "node", "stage")
_PATH = "/projects/<int(max=2147483647):project_id>/element-types"


@blueprint.get(_PATH)
@takes(Act.READ)
def of_project(project_id: int) -> str:
    """The element types that are wanted."""
    wanted = Filter(
        search=request.args.get("search") or None,
        element_type=request.args.get("type") or None,
        node_id=_number("node"),
        stage_id=_number("stage"),
    )
    where = Page(_LINES, _number("offset") or 0)
    found, count = catalogue.element_types(project_id, wanted, where)
    everything = Page()
    chosen: dict[str, Any] = {key: text for key, text in request.args.items() if key in _FILTERS and text}
    return render_template(
        "types/list.html",
        **context.of_project(project_id, "Element types"),
        found=found,
        count=count,
        page=where,
        wanted=wanted,
        chosen=chosen,
        kinds=catalogue.kinds(project_id),
        nodes=reference.listed(project_id, "hierarchy_import", everything)[0],
        stages=reference.listed(project_id, "stage_import", everything)[0],
        link=lambda offset: url_for(".of_project", project_id=project_id, **{**chosen, "offset": offset}),
    )


@blueprint.get(f"{_PATH}/<int(max=2147483647):element_type_id>")
@takes(Act.READ)
def show(project_id: int, element_type_id: int) -> str:
    """One element type with all that belongs to it."""
    return render_template(
        "types/show.html",
        **context.of_project(project_id, "Element types"),
        it=catalogue.element_type(project_id, element_type_id),
    )


def _number(name: str) -> int | None:
    number = request.args.get(name, type=int)
    return number if number is not None and 0 <= number <= LARGEST_ID else None
