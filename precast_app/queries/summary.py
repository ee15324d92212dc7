"""What a project needs and what is left of it: pieces, volume and mass by node, materials, production over time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import Row, func, select, text

from precast_app.enums import PIECE_STEPS, PieceStatus
from precast_app.extensions import Model, db
from precast_app.importing import hierarchy
from precast_app.importing.schema import GROUP_SPECS
from precast_app.models import ElementType, HierarchyNode
from precast_app.queries.pieces import tower_and_floor

# A piece is done when it has been produced; what happens to it afterwards is not the factory's work.
DONE = (PieceStatus.PRODUCED, PieceStatus.DISPATCHED, PieceStatus.ERECTED)
PERIODS = ("day", "week")
# With more of them, only the ones in which something happens are listed.
_MAX_POINTS = 750

# What belongs to the project's element types is looked up by their ids, one by one (OFFSET 0 keeps PostgreSQL from
# joining otherwise). So an answer takes as long among many projects as alone, and without statistics of the tables.
# Planned pieces, which most are, are not read: they are what is left of the quantities. An index holds the others.
_NEEDED = text("""
    SELECT q.node_id, sum(q.quantity) AS pieces, sum(q.quantity * t.volume) AS volume, sum(q.quantity * t.mass) AS mass
    FROM element_types t CROSS JOIN LATERAL (
        SELECT node_id, quantity FROM element_type_quantities WHERE element_type_id = t.id OFFSET 0
    ) AS q
    WHERE t.project_id = :project_id GROUP BY q.node_id
""")
_MOVED = text("""
    SELECT p.node_id, p.status, count(*) AS pieces, sum(t.volume) AS volume, sum(t.mass) AS mass
    FROM pieces p JOIN element_types t ON t.id = p.element_type_id
    WHERE p.project_id = :project_id AND t.project_id = :project_id AND p.status <> 'planned'
    GROUP BY p.node_id, p.status
""")
_MATERIALS = text("""
    WITH needed AS MATERIALIZED (
        SELECT t.id, (SELECT sum(quantity) FROM element_type_quantities WHERE element_type_id = t.id) AS quantity,
               (SELECT count(*) FROM pieces
                WHERE project_id = :project_id AND element_type_id = t.id AND status <> 'planned'
                  AND status IN ('produced', 'dispatched', 'erected')) AS done
        FROM element_types t WHERE t.project_id = :project_id
    ), used AS (
        SELECT b.product_id, sum(b.quantity * needed.quantity) AS quantity,
               sum(b.quantity * (needed.quantity - needed.done)) AS quantity_to_go
        FROM needed CROSS JOIN LATERAL (
            SELECT product_id, quantity FROM element_type_bom WHERE element_type_id = needed.id OFFSET 0
        ) AS b
        WHERE needed.quantity > 0 GROUP BY b.product_id
    )
    SELECT p.id, p.product_name || '_' || p.product_type AS product, p.unit, p.rate, used.quantity, used.quantity_to_go
    FROM used JOIN bom_products p ON p.id = used.product_id ORDER BY p.id
""")
# A piece counts on the day on which it was produced for good. Both kinds of events have an index of their own.
_PRODUCED = text("""
    WITH reverted AS MATERIALIZED (
        SELECT piece_id, max(id) AS id FROM piece_events
        WHERE project_id = :project_id AND kind = 'status' AND from_value IN ('produced', 'dispatched', 'erected')
          AND to_value NOT IN ('produced', 'dispatched', 'erected')
        GROUP BY piece_id
    )
    SELECT date_trunc(:period, e.happened_at AT TIME ZONE 'UTC')::date AS start, count(*) AS produced
    FROM piece_events e LEFT JOIN reverted ON reverted.piece_id = e.piece_id
    WHERE e.project_id = :project_id AND e.kind = 'status' AND e.to_value IN ('produced', 'dispatched', 'erected')
      AND e.from_value NOT IN ('produced', 'dispatched', 'erected')
      AND (reverted.id IS NULL OR reverted.id < e.id)
    GROUP BY start
""")


def project_summary(project_id: int, period: str = "week") -> dict[str, Any]:
    """Return a project's totals: rows of each kind, pieces by node and status, materials, and production over time.

    Volumes are in m³, masses in kg. Scrapped pieces are counted apart; all other numbers of pieces are without them.
    `period`, one of `PERIODS`, is that of the points of `production`.
    """
    nodes = db.session.scalars(
        select(HierarchyNode).where(HierarchyNode.project_id == project_id).order_by(HierarchyNode.path)
    ).all()
    by_node = _nodes_with_pieces(project_id, nodes)
    totals = {name: sum(node[name] for node in by_node) for name in ("pieces", "done", "to_go", "scrapped")}
    amounts = {name: sum((node[name] for node in by_node), Decimal(0)) for name in ("volume_to_go", "mass_to_go")}
    materials = db.session.execute(_MATERIALS, {"project_id": project_id})
    return {
        **_row_counts(project_id),
        **totals,
        **amounts,
        "by_node": by_node,
        "materials": [dict(row._mapping) for row in materials],
        "production": {"period": period, "points": _production(project_id, period, by_node)},
    }


def _row_counts(project_id: int) -> dict[str, int]:
    of_project = ElementType.project_id == project_id
    counts = {"element_types": db.session.scalar(select(func.count()).select_from(ElementType).where(of_project)) or 0}
    for spec in GROUP_SPECS.values():
        table = Model.metadata.tables[spec.table]
        rows = select(func.count()).where(table.c.element_type_id == ElementType.id).scalar_subquery()
        counts[spec.count_field] = int(db.session.scalar(select(func.sum(rows)).where(of_project)) or 0)
    return counts


def _nodes_with_pieces(project_id: int, nodes: Sequence[HierarchyNode]) -> list[dict[str, Any]]:
    names = {"project_id": project_id}
    needed = {row.node_id: row for row in db.session.execute(_NEEDED, names)}
    moved: dict[int, dict[str, Row[Any]]] = {node.id: {} for node in nodes}
    for row in db.session.execute(_MOVED, names):
        moved[row.node_id][row.status] = row
    places, paths = hierarchy.place_names(nodes), hierarchy.heading_paths(nodes)
    return [
        {
            "node_id": node.id,
            "path": node.path,
            "place": places[node.id],
            **tower_and_floor(paths[node.id]),
            "planned_date": node.planned_date,
            **_piece_numbers(needed.get(node.id), moved[node.id]),
        }
        for node in nodes
    ]


def _piece_numbers(needed: Row[Any] | None, moved: Mapping[str, Row[Any]]) -> dict[str, Any]:
    """Return the numbers of a node from its quantities, and from its pieces of each status except planned."""
    pieces = int(needed.pieces) if needed else 0
    counts: dict[str, int] = {status: moved[status].pieces if status in moved else 0 for status in PieceStatus}
    done = sum(counts[status] for status in DONE)
    counts[PieceStatus.PLANNED] = pieces - sum(counts[status] for status in PIECE_STEPS[1:])
    amounts: dict[str, Decimal] = {}
    for name in ("volume", "mass"):
        total = (getattr(needed, name) if needed else None) or Decimal(0)
        produced = sum((getattr(moved[status], name) or Decimal(0) for status in DONE if status in moved), Decimal(0))
        amounts |= {name: total, f"{name}_to_go": total - produced}
    return {"pieces": pieces, **counts, "done": done, "to_go": pieces - done, **amounts}


def _production(project_id: int, period: str, nodes: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return a point for each day or week from the first to the last one with something produced or planned.

    `planned_total` is the number of pieces whose nodes are planned for that period or an earlier one; None if no node
    has a date.
    """
    rows = db.session.execute(_PRODUCED, {"project_id": project_id, "period": period})
    produced = {row.start: row.produced for row in rows}
    planned: dict[date, int] = {}
    for node in nodes:
        if (day := node["planned_date"]) is not None:
            start = day if period == "day" else day - timedelta(days=day.weekday())
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
