"""What a project needs and what is left of it: pieces, volume and mass by node, materials, production over time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import select

from precast_app.enums import PIECE_STEPS, PieceStatus
from precast_app.extensions import db
from precast_app.importing import hierarchy
from precast_app.importing.schema import GROUP_SPECS
from precast_app.models import BomProduct, HierarchyNode
from precast_app.queries.pieces import tower_and_floor
from precast_app.totals import storage
from precast_app.totals.project_totals import NEEDED, Amount, ProjectTotals

# A piece is done when it has been produced; what happens to it afterwards is not the factory's work.
DONE = (PieceStatus.PRODUCED, PieceStatus.DISPATCHED, PieceStatus.ERECTED)
PERIODS = ("day", "week")
# With more of them, only the ones in which something happens are listed.
_MAX_POINTS = 750


def project_summary(project_id: int, period: str = "week") -> dict[str, Any]:
    """Return a project's totals: rows of each kind, pieces by node and status, materials, and production over time.

    Volumes are in m³, masses in kg. Scrapped pieces are counted apart; all other numbers of pieces are without them.
    `period`, one of `PERIODS`, is that of the points of `production`. While a job changes element types, the totals are
    those from before it, and `counted_at` is their time; else it is None.
    """
    nodes = db.session.scalars(
        select(HierarchyNode).where(HierarchyNode.project_id == project_id).order_by(HierarchyNode.path)
    ).all()
    recent = storage.read_recent(db.session(), project_id)
    totals = recent.totals
    by_node = _by_node(nodes, totals)
    numbers = {name: sum(node[name] for node in by_node) for name in ("pieces", "done", "to_go", "scrapped")}
    amounts = {name: sum((node[name] for node in by_node), Decimal(0)) for name in ("volume_to_go", "mass_to_go")}
    return {
        "counted_at": recent.counted_at,
        # Totals that were stored before there was a group lack its count.
        **dict.fromkeys((spec.count_field for spec in GROUP_SPECS.values()), 0),
        **totals.rows,
        **numbers,
        **amounts,
        "by_node": by_node,
        "materials": _materials(project_id, totals),
        "production": {"period": period, "points": _production(totals, period, by_node)},
    }


def _by_node(nodes: Sequence[HierarchyNode], totals: ProjectTotals) -> list[dict[str, Any]]:
    places, paths = hierarchy.place_names(nodes), hierarchy.heading_paths(nodes)
    return [
        {
            "node_id": node.id,
            "path": node.path,
            "place": places[node.id],
            **tower_and_floor(paths[node.id]),
            "planned_date": node.planned_date,
            **_piece_numbers(node.id, totals),
        }
        for node in nodes
    ]


def _piece_numbers(node_id: int, totals: ProjectTotals) -> dict[str, Any]:
    """Return the numbers of a node from its quantities, and from its pieces of each status except planned."""
    needed = totals.nodes.get((node_id, NEEDED), Amount())
    moved = {status: totals.nodes.get((node_id, status), Amount()) for status in PieceStatus}
    counts: dict[str, int] = {status: amount.pieces for status, amount in moved.items()}
    counts[PieceStatus.PLANNED] = needed.pieces - sum(counts[status] for status in PIECE_STEPS[1:])
    done = sum((moved[status] for status in DONE), Amount())
    return {
        "pieces": needed.pieces,
        **counts,
        "done": done.pieces,
        "to_go": needed.pieces - done.pieces,
        "volume": needed.volume,
        "volume_to_go": needed.volume - done.volume,
        "mass": needed.mass,
        "mass_to_go": needed.mass - done.mass,
    }


def _materials(project_id: int, totals: ProjectTotals) -> list[dict[str, Any]]:
    """Return the products that the pieces need, in the order of their creation."""
    query = select(BomProduct).where(BomProduct.project_id == project_id).order_by(BomProduct.id)
    return [
        {
            "id": product.id,
            "product": product.name_id,
            "unit": product.unit,
            "rate": product.rate,
            "quantity": material.needed,
            "quantity_to_go": material.needed - material.produced,
        }
        for product in db.session.scalars(query)
        if (material := totals.materials.get(product.id)) is not None
    ]


def _production(totals: ProjectTotals, period: str, nodes: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return a point for each day or week from the first to the last one with something produced or planned.

    `planned_total` is the number of pieces whose nodes are planned for that period or an earlier one; None if no node
    has a date.
    """
    produced: dict[date, int] = {}
    for day, count in totals.produced.items():
        start = _start_of(day, period)
        produced[start] = produced.get(start, 0) + count
    planned: dict[date, int] = {}
    for node in nodes:
        if (day := node["planned_date"]) is not None:
            start = _start_of(day, period)
            planned[start] = planned.get(start, 0) + node["pieces"]
    points = []
    produced_total = planned_total = 0
    for start in _starts({*produced, *planned}, 1 if period == "day" else 7):
        produced_total += produced.get(start, 0)
        planned_total += planned.get(start, 0)
        points.append(
            {
                "start": start,
                "produced": produced.get(start, 0),
                "produced_total": produced_total,
                "planned_total": planned_total if planned else None,
            }
        )
    return points


def _start_of(day: date, period: str) -> date:
    return day if period == "day" else day - timedelta(days=day.weekday())


def _starts(found: set[date], days: int) -> Iterator[date]:
    """Yield the starts of all periods of so many days from the first to the last one; only these if there are many."""
    if not found:
        return
    first, last = min(found), max(found)
    count = (last - first).days // days + 1
    if count > _MAX_POINTS:
        yield from sorted(found)
        return
    for number in range(count):
        yield first + timedelta(days=days * number)
