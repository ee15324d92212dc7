"""A project's reference data: what the headings of its workbooks can name, and who uses it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, redirect, render_template, url_for
from werkzeug.wrappers import Response

from precast_app.auth.permissions import Permission
from precast_app.auth.route_permissions import requires
from precast_app.errors import NotFound
from precast_app.queries import reference_data
from precast_app.web import project_context

blueprint = Blueprint("reference_pages", __name__)

_PATH = "/projects/<int(max=2147483647):project_id>/reference"


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of reference data: its place in addresses, the type of its imports, what it and one of it is called."""

    path: str
    job_type: str
    title: str
    one: str


KINDS = (
    Kind("hierarchy", "hierarchy_import", "Hierarchy", "place"),
    Kind("stages", "stage_import", "Stages", "stage"),
    Kind("drawing-types", "drawing_type_import", "Drawing types", "drawing type"),
    Kind("bom-products", "bom_product_import", "Products", "product"),
)
_BY_PATH = {kind.path: kind for kind in KINDS}


@blueprint.get(_PATH)
@requires(Permission.READ)
def first(project_id: int) -> Response:
    """The first kind."""
    return redirect(url_for(".of_kind", project_id=project_id, path=KINDS[0].path))


@blueprint.get(f"{_PATH}/<path>")
@requires(Permission.READ)
def of_kind(project_id: int, path: str) -> str:
    """All things of a kind, with what refers to them."""
    kind = _BY_PATH.get(path)
    if kind is None:
        raise NotFound("There is no such reference data.")
    known = project_context.for_project(project_id, "Reference data")
    things = reference_data.list_all(project_id, kind.job_type)
    return render_template(
        f"reference/{kind.path}.html",
        **known,
        kinds=KINDS,
        kind=kind,
        things=things,
        below=_below(things) if kind.path == "hierarchy" else {},
        uses=reference_data.usage_counts(project_id, kind.job_type),
        may_change=known["may"] >= Permission.MANAGE,
    )


def _below(nodes: Sequence[Any]) -> dict[int | None, list[Any]]:
    """The nodes by what they are below; the topmost below None."""
    found = defaultdict(list)
    for node in nodes:
        found[node.parent_id].append(node)
    return found
