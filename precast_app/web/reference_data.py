"""The pages of a project's reference data: items that headings can name, and how often each is used."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from flask import Blueprint, redirect, render_template, url_for
from werkzeug.wrappers import Response

from precast_app.auth.permissions import Permission
from precast_app.auth.route_permissions import requires
from precast_app.errors import NotFound
from precast_app.importing import hierarchy
from precast_app.importing.reference_schema import REFERENCE_SPECS
from precast_app.queries import reference_data
from precast_app.web import project_context

blueprint = Blueprint("reference_pages", __name__)

_PATH = "/projects/<int(max=2147483647):project_id>/reference"
_KINDS = tuple(REFERENCE_SPECS.values())
_BY_PATH = {kind.path: kind for kind in _KINDS}


@blueprint.get(_PATH)
@requires(Permission.READ)
def index(project_id: int) -> Response:
    """Redirect to the page of the first kind."""
    return redirect(url_for(".show_kind", project_id=project_id, path=_KINDS[0].path))


@blueprint.get(f"{_PATH}/<path>")
@requires(Permission.READ)
def show_kind(project_id: int, path: str) -> str:
    """Show the items of a kind, with the number of element types that refer to each."""
    kind = _BY_PATH.get(path)
    if kind is None:
        raise NotFound("There is no such reference data.")
    items = reference_data.list_all(project_id, kind.job_type)
    return render_template(
        # Kinds without a page of their own share one.
        [f"reference/{kind.path}.html", "reference/items.html"],
        **project_context.for_project(project_id, "Reference data"),
        kinds=_KINDS,
        kind=kind,
        items=items,
        children=_children_by_parent(items) if kind.is_hierarchy else {},
        places=hierarchy.place_names(items) if kind.is_hierarchy else {},
        heading_paths=hierarchy.heading_paths(items) if kind.is_hierarchy else {},
        usage_counts=reference_data.usage_counts(project_id, kind.job_type),
    )


def _children_by_parent(nodes: Sequence[Any]) -> dict[int | None, list[Any]]:
    """Return the nodes by the id of their parent, top-level nodes under None."""
    found = defaultdict(list)
    for node in nodes:
        found[node.parent_id].append(node)
    return found
