"""The overview of a project: pieces by status, tower and floor, materials, and recent jobs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from operator import itemgetter
from typing import Any

from flask import Blueprint, render_template, request
from flask_babel import gettext
from werkzeug.wrappers import Response

from precast_app.auth.permissions import Permission
from precast_app.auth.route_permissions import requires
from precast_app.enums import PIECE_STEPS
from precast_app.models import PieceStatus
from precast_app.queries import jobs as job_queries
from precast_app.queries import summary as summaries
from precast_app.queries.paging import PageRequest
from precast_app.web import production_chart, project_context
from precast_app.web.partials import render_partial
from precast_app.web.template_filters import in_order, natural_key

blueprint = Blueprint("overview", __name__)

_PRODUCED_STATUSES = (PieceStatus.PRODUCED, PieceStatus.DISPATCHED, PieceStatus.ERECTED)
_RECENT = PageRequest(limit=5)


@dataclass(frozen=True, slots=True)
class Floor:
    """A floor of a tower: its pieces by status, how many are produced or further, and how many are to go.

    Of the latter, the volume is in m³ and the mass in kg. `planned_date` is until when they should be produced.
    """

    node_id: int
    name: str
    pieces: int
    produced: int
    to_go: int
    statuses: dict[str, int]
    volume_to_go: Decimal
    mass_to_go: Decimal
    planned_date: date | None


@dataclass(frozen=True, slots=True)
class Tower:
    """A tower with its floors, from the top down."""

    name: str
    floors: list[Floor]

    @property
    def pieces(self) -> int:
        """The number of pieces on all floors."""
        return sum(floor.pieces for floor in self.floors)

    @property
    def to_go(self) -> int:
        """The number of pieces on all floors that are not produced yet."""
        return sum(floor.to_go for floor in self.floors)


@blueprint.get("/projects/<int(max=2147483647):project_id>")
@requires(Permission.READ)
def show(project_id: int) -> str:
    """Show the overview: what is produced and what is left, by tower and floor, materials and recent jobs.

    `?period=day` shows the production by day instead of by week.
    A project without nodes and element types has only a place to drop its first list.
    """
    period = "day" if request.args.get("period") == "day" else "week"
    summary = summaries.project_summary(project_id, period)
    recent, _ = job_queries.list_jobs(project_id, None, None, _RECENT, include_applied_dry_runs=False)
    if not summary["by_node"] and not summary["element_types"]:
        return render_template("start.html", **project_context.for_project(project_id, "Overview"), recent=recent)
    statuses = {status: sum(node[status] for node in summary["by_node"]) for status in PIECE_STEPS}
    return render_template(
        "overview.html",
        **project_context.for_project(project_id, "Overview"),
        summary=summary,
        period=period,
        chart=production_chart.draw(summary["production"]["points"], summary["pieces"], datetime.now(UTC).date()),
        produced=sum(statuses[status] for status in _PRODUCED_STATUSES),
        towers=_towers(summary["by_node"]),
        statuses=statuses,
        recent=recent,
    )


@blueprint.get("/projects/<int(max=2147483647):project_id>/recent")
@requires(Permission.READ)
def recent_jobs(project_id: int) -> Response:
    """Return only the table of recent jobs, for the open page to poll."""
    jobs, _ = job_queries.list_jobs(project_id, None, None, _RECENT, include_applied_dry_runs=False)
    return render_partial("jobs/rows.html", jobs=jobs)


def _towers(nodes: list[dict[str, Any]]) -> list[Tower]:
    """Return the towers in the order of their names, with their floors.

    A node without floors is a tower with one floor.
    """
    with_floors = {node["tower"] for node in nodes if node["floor"]}
    shown = [node for node in nodes if node["floor"] or node["tower"] not in with_floors or node["pieces"]]
    towers: dict[str, list[Floor]] = {}
    for node in reversed(in_order(sorted(shown, key=itemgetter("node_id")), "path")):
        statuses = {str(status): node[status] for status in PIECE_STEPS}
        produced = sum(node[status] for status in _PRODUCED_STATUSES)
        pieces = node["pieces"]
        floor = Floor(
            node_id=node["node_id"],
            name=node["floor"] or gettext("Whole"),
            pieces=pieces,
            produced=produced,
            to_go=pieces - produced,
            statuses=statuses,
            volume_to_go=node["volume_to_go"],
            mass_to_go=node["mass_to_go"],
            planned_date=node["planned_date"],
        )
        towers.setdefault(node["tower"], []).append(floor)
    # What has floors comes first, then podiums and the like.
    names = sorted(sorted(towers, key=natural_key), key=lambda name: len(towers[name]) == 1)
    return [Tower(name, towers[name]) for name in names]
