"""Totals of a project as PostgreSQL computes them: from all of its rows, or from what has happened to pieces since."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from precast_app.importing.schema import GROUP_SPECS, ColumnGroup, GroupSpec
from precast_app.totals.project_totals import NEEDED, Amount, Material, ProjectTotals

_PRODUCED = "('produced', 'dispatched', 'erected')"
# The rows of these groups are read by other parts of the statement, too.
_READ_ROWS = {ColumnGroup.NODES: "quantities", ColumnGroup.BOM: "used"}


def _row_count(spec: GroupSpec) -> str:
    """Return a part of the statement that counts the stored values of a group."""
    if rows := _READ_ROWS.get(spec.group):
        return f"SELECT 'rows', NULL, '{spec.count_field}', NULL, count(*), NULL, NULL FROM {rows}"
    return f"""SELECT 'rows', NULL, '{spec.count_field}', NULL, coalesce(sum(
        (SELECT count(*) FROM {spec.table} WHERE element_type_id = types.id)), 0), NULL, NULL FROM types"""


_ROW_COUNTS = "\n    UNION ALL\n    ".join(map(_row_count, GROUP_SPECS.values()))
# One statement sees one snapshot, which it returns with the totals. What belongs to element types is looked up by their
# ids, one by one (OFFSET 0 keeps PostgreSQL from joining otherwise), so it takes as long among many projects as alone,
# and without statistics of the tables. Planned pieces, which most are at first, are not read.
_ALL = text(
    f"""
    WITH types AS MATERIALIZED (
        SELECT id, type_key, volume, mass FROM element_types WHERE project_id = :project_id
    ), quantities AS MATERIALIZED (
        SELECT t.id, t.type_key, t.volume, t.mass, q.node_id, q.quantity
        FROM types t CROSS JOIN LATERAL (
            SELECT node_id, quantity FROM element_type_quantities WHERE element_type_id = t.id OFFSET 0
        ) AS q
    ), moved AS MATERIALIZED (
        SELECT t.id, t.type_key, t.volume, t.mass, p.node_id, p.status
        FROM pieces p JOIN types t ON t.id = p.element_type_id
        WHERE p.project_id = :project_id AND p.status <> 'planned'
    ), needed AS MATERIALIZED (
        SELECT q.id, q.quantity, coalesce(p.produced, 0) AS produced
        FROM (SELECT id, sum(quantity) AS quantity FROM quantities GROUP BY id) AS q
        LEFT JOIN (SELECT id, count(*) AS produced FROM moved WHERE status IN {_PRODUCED} GROUP BY id) AS p USING (id)
    ), used AS MATERIALIZED (
        SELECT t.id, b.product_id, b.quantity FROM types t CROSS JOIN LATERAL (
            SELECT product_id, quantity FROM element_type_bom WHERE element_type_id = t.id OFFSET 0
        ) AS b
    ), reverted AS MATERIALIZED (
        SELECT piece_id, max(id) AS id FROM piece_events
        WHERE project_id = :project_id AND kind = 'status' AND from_value IN {_PRODUCED}
          AND to_value NOT IN {_PRODUCED}
        GROUP BY piece_id
    )
    SELECT 'snapshot' AS part, NULL::int AS id, pg_current_snapshot()::text AS key, NULL AS status, 0::bigint AS number,
           NULL::numeric AS first, NULL::numeric AS second
    UNION ALL
    SELECT 'node', node_id, NULL, '{NEEDED}', sum(quantity), sum(quantity * volume), sum(quantity * mass)
    FROM quantities GROUP BY node_id
    UNION ALL
    SELECT 'node', node_id, NULL, status, count(*), sum(volume), sum(mass) FROM moved GROUP BY node_id, status
    UNION ALL
    SELECT 'type', node_id, type_key, '{NEEDED}', sum(quantity), NULL, NULL FROM quantities GROUP BY node_id, type_key
    UNION ALL
    SELECT 'type', node_id, type_key, status, count(*), NULL, NULL FROM moved GROUP BY node_id, type_key, status
    UNION ALL
    SELECT 'material', product_id, NULL, NULL, 0, sum(used.quantity * needed.quantity),
           sum(used.quantity * needed.produced)
    FROM used JOIN needed USING (id) WHERE needed.quantity > 0 GROUP BY product_id
    UNION ALL
    SELECT 'produced', NULL, to_char(e.happened_at AT TIME ZONE 'UTC', 'YYYY-MM-DD'), NULL, count(*), NULL, NULL
    FROM piece_events e LEFT JOIN reverted ON reverted.piece_id = e.piece_id
    WHERE e.project_id = :project_id AND e.kind = 'status' AND e.to_value IN {_PRODUCED}
      AND e.from_value NOT IN {_PRODUCED} AND (reverted.id IS NULL OR reverted.id < e.id)
    GROUP BY 3
    UNION ALL
    SELECT 'rows', NULL, 'element_types', NULL, count(*), NULL, NULL FROM types
    UNION ALL
    {_ROW_COUNTS}
""".replace("::", "\\:\\:")
)
# The events of transactions that the snapshot does not contain. In a restored database the stored transaction ids mean
# nothing, and differ from those of the rows: none of these events is new.
_SINCE = text(
    f"""
    WITH found AS MATERIALIZED (
        SELECT e.id, e.piece_id, e.from_value, e.to_value, e.happened_at FROM piece_events e
        WHERE e.project_id = :project_id AND e.kind = 'status'
          AND e.transaction_id >= pg_snapshot_xmin(:snapshot::pg_snapshot)::text::bigint
          AND NOT pg_visible_in_snapshot(e.transaction_id::text::xid8, :snapshot::pg_snapshot)
          AND e.xmin::text::bigint = e.transaction_id & 4294967295
    ), moved AS MATERIALIZED (
        SELECT f.*, p.node_id, p.element_type_id, t.type_key, t.volume, t.mass,
               (f.to_value IN {_PRODUCED})::int - (f.from_value IN {_PRODUCED})::int AS produced
        FROM found f
        LEFT JOIN LATERAL (SELECT node_id, element_type_id FROM pieces WHERE id = f.piece_id OFFSET 0) AS p ON true
        LEFT JOIN LATERAL (
            SELECT type_key, volume, mass FROM element_types WHERE id = p.element_type_id OFFSET 0
        ) AS t ON true
    ), steps AS MATERIALIZED (
        SELECT node_id, type_key, volume, mass, from_value AS status, -1 AS step FROM moved
        UNION ALL
        SELECT node_id, type_key, volume, mass, to_value, 1 FROM moved
    ), produced AS MATERIALIZED (
        SELECT element_type_id, sum(produced) AS pieces FROM moved GROUP BY element_type_id
    )
    SELECT 'snapshot' AS part, NULL::int AS id, pg_current_snapshot()::text AS key, NULL AS status,
           (SELECT count(*) FROM moved) AS number, NULL::numeric AS first, NULL::numeric AS second
    UNION ALL
    SELECT 'gone', NULL, NULL, NULL, count(*), NULL, NULL FROM moved WHERE element_type_id IS NULL
    UNION ALL
    SELECT 'node', node_id, NULL, status, sum(step), sum(step * volume), sum(step * mass)
    FROM steps WHERE status <> 'planned' GROUP BY node_id, status
    UNION ALL
    SELECT 'type', node_id, type_key, status, sum(step), NULL, NULL
    FROM steps WHERE status <> 'planned' GROUP BY node_id, type_key, status
    UNION ALL
    SELECT 'material', b.product_id, NULL, NULL, 0, 0, sum(b.quantity * produced.pieces)
    FROM produced CROSS JOIN LATERAL (
        SELECT product_id, quantity FROM element_type_bom WHERE element_type_id = produced.element_type_id OFFSET 0
    ) AS b
    WHERE produced.pieces <> 0 GROUP BY b.product_id
    UNION ALL
    SELECT 'produced', NULL, to_char(day.happened_at AT TIME ZONE 'UTC', 'YYYY-MM-DD'), NULL, sum(moved.produced), NULL,
           NULL
    FROM moved CROSS JOIN LATERAL (
        SELECT moved.happened_at WHERE moved.produced > 0
        UNION ALL
        (SELECT e.happened_at FROM piece_events e
         WHERE moved.produced < 0 AND e.piece_id = moved.piece_id AND e.id < moved.id AND e.kind = 'status'
           AND e.to_value IN {_PRODUCED} AND e.from_value NOT IN {_PRODUCED}
         ORDER BY e.id DESC LIMIT 1)
    ) AS day
    WHERE moved.produced <> 0 GROUP BY 3
""".replace("::", "\\:\\:").replace(":snapshot\\:\\:pg_snapshot", "CAST(:snapshot AS pg_snapshot)")
)


@dataclass(frozen=True, slots=True)
class Computed:
    """Totals, the snapshot of the database that they are of, and of how many changes of a status they were made."""

    totals: ProjectTotals
    snapshot: str
    changes: int = 0


def compute(session: Session, project_id: int) -> Computed:
    """Return the totals of a project from all of its rows."""
    return _collect(session.execute(_ALL, {"project_id": project_id}))


def compute_changes(session: Session, project_id: int, snapshot: str) -> Computed | None:
    """Return what moves of pieces have added to the totals since the snapshot.

    Return None if one of these pieces no longer exists: it is not known then what to subtract.
    """
    rows = session.execute(_SINCE, {"project_id": project_id, "snapshot": snapshot}).all()
    if any(row.part == "gone" and row.number for row in rows):
        return None
    return _collect(rows)


def _collect(rows: Iterable[Row[Any]]) -> Computed:
    totals = ProjectTotals()
    snapshot, changes = "", 0
    for row in rows:
        number, first, second = int(row.number), row.first or Decimal(0), row.second or Decimal(0)
        if row.part == "snapshot":
            snapshot, changes = row.key, number
        elif row.part == "node":
            totals.nodes[row.id, row.status] = Amount(number, first, second)
        elif row.part == "type":
            totals.types[row.id, row.key, row.status] = number
        elif row.part == "material":
            totals.materials[row.id] = Material(first, second)
        elif row.part == "produced":
            totals.produced[date.fromisoformat(row.key)] = number
        elif row.part == "rows":
            totals.rows[row.key] = number
    return Computed(totals, snapshot, changes)
