"""The overview of a project: pieces by status, tower and floor, materials, and recent jobs."""

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

_PRODUCED_STATUSES = (PieceStatus.PRODUCED, PieceStatus.DISPATCHED, PieceStatus.ERECTED)
_SHADES = 4
_RECENT = Page(limit=5)


@dataclass(frozen=True, slots=True)
class Floor:
    """A floor in the tower diagram: its pieces, how many of them are produced, and its shade from 0 (none) to 4."""

    node_id: int
    path: str
    name: str
    pieces: int
    produced: int
    shade: int


@blueprint.get("/projects/<int(max=2147483647):project_id>")
@requires(Permission.READ)
def show(project_id: int) -> str:
    """Show the overview; `?shade=made` shades the floors by the share of produced pieces instead of the count.

    A project without nodes and element types has only a place to drop its first list.
    """
    summary = element_types.project_summary(project_id)
    recent, _ = job_queries.list_jobs(project_id, None, None, _RECENT)
    if not summary["by_node"] and not summary["element_types"]:
        return render_template("start.html", **project_context.for_project(project_id, "Overview"), recent=recent)
    by_share = request.args.get("shade") == "made"
    statuses = {status: sum(node[status] for node in summary["by_node"]) for status in PieceStatus}
    return render_template(
        "overview.html",
        **project_context.for_project(project_id, "Overview"),
        summary=summary,
        produced=sum(statuses[status] for status in _PRODUCED_STATUSES),
        towers=_towers(summary["by_node"], by_share=by_share),
        by_share=by_share,
        statuses=statuses,
        recent=recent,
    )


@blueprint.get("/projects/<int(max=2147483647):project_id>/recent")
@requires(Permission.READ)
def recent_jobs(project_id: int) -> Response:
    """Return only the table of recent jobs, for the open page to poll."""
    jobs, _ = job_queries.list_jobs(project_id, None, None, _RECENT)
    return render_partial("jobs/rows.html", jobs=jobs)


def _towers(nodes: list[dict[str, Any]], *, by_share: bool) -> dict[str, list[Floor]]:
    """Return the floors by tower, each from the top down. A node without floors is a tower with one floor."""
    with_floors = {node["tower"] for node in nodes if node["floor"]}
    shown = [node for node in nodes if node["floor"] or node["tower"] not in with_floors or node["pieces"]]
    largest = max((node["pieces"] for node in shown), default=0)
    towers: dict[str, list[Floor]] = {}
    for node in reversed(in_order(sorted(shown, key=itemgetter("node_id")), "path")):
        pieces, produced = node["pieces"], sum(node[status] for status in _PRODUCED_STATUSES)
        share = (produced / pieces if pieces else 0.0) if by_share else (pieces / largest if largest else 0.0)
        floor = Floor(node["node_id"], node["path"], node["floor"] or "–", pieces, produced, _shade(share))
        towers.setdefault(node["tower"], []).append(floor)
    return {name: towers[name] for name in in_order(reversed(towers))}


def _shade(share: float) -> int:
    return 0 if share <= 0 else min(_SHADES, 1 + int(share * _SHADES))
