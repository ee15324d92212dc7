"""A project at a glance: what goes to which floor, how far it is, what it takes, and what was imported lately."""

from __future__ import annotations

from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from flask import Blueprint, render_template, request
from werkzeug.wrappers import Response

from precast_app.auth.permissions import Permission
from precast_app.auth.route_permissions import requires
from precast_app.models import PieceStatus
from precast_app.queries import element_types
from precast_app.queries import jobs as job_queries
from precast_app.queries.paging import Page
from precast_app.web import project_context
from precast_app.web.partials import render_partial
from precast_app.web.template_filters import in_order

blueprint = Blueprint("overview", __name__)

_DONE = (PieceStatus.PRODUCED, PieceStatus.DISPATCHED, PieceStatus.ERECTED)
_SHADES = 4
_RECENT = Page(limit=5)


@dataclass(frozen=True, slots=True)
class Floor:
    """A place in the picture: its pieces, how many of them are made, and its shade from 0 (none) to 4."""

    node_id: int
    path: str
    name: str
    pieces: int
    made: int
    shade: int


@blueprint.get("/projects/<int(max=2147483647):project_id>")
@requires(Permission.READ)
def show(project_id: int) -> str:
    """The overview."""
    found = element_types.project_summary(project_id)
    by_made = request.args.get("shade") == "made"
    recent, _ = job_queries.list_jobs(project_id, None, None, _RECENT)
    statuses = {status: sum(node[status] for node in found["by_node"]) for status in PieceStatus}
    return render_template(
        "overview.html",
        **project_context.for_project(project_id, "Overview"),
        summary=found,
        made=sum(statuses[status] for status in _DONE),
        towers=_towers(found["by_node"], by_made=by_made),
        by_made=by_made,
        statuses=statuses,
        recent=recent,
    )


@blueprint.get("/projects/<int(max=2147483647):project_id>/recent")
@requires(Permission.READ)
def recent(project_id: int) -> Response:
    """The newest jobs alone, for a page that is open."""
    found, _ = job_queries.list_jobs(project_id, None, None, _RECENT)
    return render_partial("jobs/rows.html", jobs=found)


def _towers(nodes: list[dict[str, Any]], *, by_made: bool) -> dict[str, list[Floor]]:
    """The floors of each tower, the top one first; a tower of its own for a node that has no floors below it."""
    with_floors = {node["tower"] for node in nodes if node["floor"]}
    shown = [node for node in nodes if node["floor"] or node["tower"] not in with_floors or node["pieces"]]
    most = max((node["pieces"] for node in shown), default=0)
    towers: dict[str, list[Floor]] = {}
    for node in reversed(in_order(sorted(shown, key=itemgetter("node_id")), "path")):
        pieces, made = node["pieces"], sum(node[status] for status in _DONE)
        share = (made / pieces if pieces else 0.0) if by_made else (pieces / most if most else 0.0)
        floor = Floor(node["node_id"], node["path"], node["floor"] or "–", pieces, made, _shade(share))
        towers.setdefault(node["tower"], []).append(floor)
    return {name: towers[name] for name in in_order(reversed(towers))}


def _shade(share: float) -> int:
    return 0 if share <= 0 else min(_SHADES, 1 + int(share * _SHADES))
