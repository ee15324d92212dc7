"""The statements of one batch. Their number doesn't grow with the rows: COPY, or one statement over unnested arrays."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from precast_app.importing import diff
from precast_app.importing.diff import RemovedPiece
from precast_app.importing.pg_arrays import pg_columns
from precast_app.importing.plan import Create, Step, Update
from precast_app.importing.schema import ColumnGroup, ColumnMap
from precast_app.models.element_type import MEASURES

_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
_BASE = (*MEASURES, "version")


@dataclass(frozen=True, slots=True)
class _Table:
    """A group's table: its name, the column that names the target, and the value's column with its type, if any."""

    name: str
    target: str
    value: str | None = None
    type: str | None = None

    @property
    def columns(self) -> str:
        return ", ".join(filter(None, ("element_type_id", self.target, self.value)))

    @property
    def delete(self) -> str:
        return f"""
            DELETE FROM {self.name} USING unnest(%s::int[], %s::int[]) AS gone(id, target)
            WHERE element_type_id = gone.id AND {self.target} = gone.target
        """

    @property
    def upsert(self) -> str:
        values = f", %s::{self.type}[]" if self.value else ""
        change = f"UPDATE SET {self.value} = excluded.{self.value}" if self.value else "NOTHING"
        return f"""
            INSERT INTO {self.name} ({self.columns}) SELECT * FROM unnest(%s::int[], %s::int[]{values})
            ON CONFLICT (element_type_id, {self.target}) DO {change}
        """


_TABLES = {
    ColumnGroup.DRAWINGS: _Table("element_type_drawings", "drawing_type_id", "file_name", "text"),
    ColumnGroup.NODES: _Table("element_type_quantities", "node_id", "quantity", "int"),
    ColumnGroup.STAGES: _Table("element_type_stages", "stage_id"),
    ColumnGroup.BOM: _Table("element_type_bom", "product_id", "quantity", "numeric"),
}

_UPDATE = f"""
    UPDATE element_types t SET {", ".join(f"{name} = v.{name}" for name in _BASE)}
    FROM unnest(%s::int[], {", ".join("%s::numeric[]" for _ in MEASURES)}, %s::text[])
      AS v(id, {", ".join(_BASE)})
    WHERE t.id = v.id
"""

_INSERT_PIECES = """
    INSERT INTO pieces (project_id, element_type_id, node_id, number, job_id, code)
    SELECT %s, run.element_type_id, run.node_id, n, %s,
           run.prefix || lpad(n::text, greatest(4, length(n::text)), '0')
    FROM unnest(%s::int[], %s::int[], %s::int[], %s::int[], %s::text[])
             AS run(element_type_id, node_id, first, count, prefix),
         generate_series(run.first, run.first + run.count - 1) AS n
"""

# The status is asked for twice: another transaction may move a piece on between the choice and the deletion.
_REMOVE_PIECES = """
    WITH chosen AS (
        SELECT p.id, wanted.count, row_number() OVER (
            PARTITION BY p.element_type_id, p.node_id ORDER BY p.number DESC) AS place
        FROM unnest(%s::int[], %s::int[], %s::int[]) AS wanted(element_type_id, node_id, count)
        JOIN pieces p USING (element_type_id, node_id)
        WHERE p.status = 'planned'
    )
    DELETE FROM pieces p USING chosen
    WHERE p.id = chosen.id AND chosen.place <= chosen.count AND p.status = 'planned'
    RETURNING p.element_type_id, p.node_id, p.number, p.code, p.job_id
"""


class PiecesInProduction(Exception):
    """Pieces that were to be removed have gone into production since the plan was made."""


@dataclass(frozen=True, slots=True)
class BatchTarget:
    """Where a batch writes: the project, the job, what the columns mean, and the nodes' naming conventions."""

    project_id: int
    job_id: int
    columns: ColumnMap
    naming_conventions: Mapping[int, str]


@dataclass(frozen=True, slots=True)
class WriteCounts:
    """What was written, in element types and in pieces."""

    created: int
    updated: int
    pieces_added: int
    pieces_removed: int


def write_batch(cursor: Any, steps: Sequence[Step], target: BatchTarget) -> WriteCounts:
    """Carry out the steps with a psycopg2 cursor, inside the caller's transaction."""
    creates = [step for step in steps if isinstance(step.operation, Create)]
    updates = [(step.operation, step) for step in steps if isinstance(step.operation, Update)]
    ids = _new_ids(cursor, len(creates))
    _create(cursor, creates, ids, target)
    removed = _remove_pieces(cursor, [update for update, _ in updates])
    _update(cursor, [update for update, _ in updates], target)
    runs = [
        (id_, str(step.operation.row.values[0]), run)
        for id_, step in zip(ids, creates, strict=True)
        for run in step.pieces
    ]
    runs += [(update.id, update.element_type, run) for update, step in updates for run in step.pieces]
    _insert_pieces(cursor, runs, target)
    _record(cursor, creates, ids, [update for update, _ in updates], removed, target)
    return WriteCounts(
        len(creates), len(updates), sum(run.count for _, _, run in runs), sum(len(each) for each in removed.values())
    )


def _new_ids(cursor: Any, count: int) -> list[int]:
    if not count:
        return []
    cursor.execute(
        "SELECT nextval(pg_get_serial_sequence('element_types', 'id')) FROM generate_series(1, %s)", (count,)
    )
    return [row[0] for row in cursor.fetchall()]


def _create(cursor: Any, creates: list[Step], ids: list[int], target: BatchTarget) -> None:
    if not creates:
        return
    base = [(place, str(name)) for place, name in target.columns.positions(ColumnGroup.BASE)]
    rows = []
    for id_, step in zip(ids, creates, strict=True):
        row = step.operation.row
        rows.append((id_, target.project_id, *row.key, *(row.values[place] for place, _ in base)))
    names = ", ".join(name for _, name in base)
    _copy(cursor, f"element_types (id, project_id, type_key, name_key, {names})", rows)
    for group, table in _TABLES.items():
        places = target.columns.positions(group)
        lines = [
            (id_, each, cell) if table.value else (id_, each)
            for id_, step in zip(ids, creates, strict=True)
            for place, each in places
            if (cell := step.operation.row.values[place])
        ]
        _copy(cursor, f"{table.name} ({table.columns})", lines)


def _update(cursor: Any, updates: list[Update], target: BatchTarget) -> None:
    changed = [update for update in updates if update.difference.base]
    if changed:
        places = {str(name): place for place, name in target.columns.positions(ColumnGroup.BASE)}
        rows = [(update.id, *(update.row.values[places[name]] for name in _BASE)) for update in changed]
        cursor.execute(_UPDATE, pg_columns(rows))
    for group in _TABLES:
        cells = [
            (update.id, each, after)
            for update in updates
            for each, (_, after) in update.difference.groups.get(group, {}).items()
        ]
        write_cells(cursor, group, cells)


def write_cells(cursor: Any, group: ColumnGroup, cells: Sequence[tuple[int, int, Any]]) -> None:
    """Store (element type, target, value) of a group; a value that is none takes what is stored away."""
    table = _TABLES[group]
    if deleted := [cell[:2] for cell in cells if not cell[2]]:
        cursor.execute(table.delete, pg_columns(deleted))
    if kept := [cell if table.value else cell[:2] for cell in cells if cell[2]]:
        cursor.execute(table.upsert, pg_columns(kept))


def _insert_pieces(cursor: Any, runs: list[tuple[int, str, Any]], target: BatchTarget) -> None:
    if not runs:
        return
    cursor.execute(
        _INSERT_PIECES,
        (
            target.project_id,
            target.job_id,
            *pg_columns(
                [
                    (id_, run.node_id, run.first, run.count, f"{kind}/{target.naming_conventions[run.node_id]}/")
                    for id_, kind, run in runs
                ]
            ),
        ),
    )


def _remove_pieces(cursor: Any, updates: list[Update]) -> dict[int, list[RemovedPiece]]:
    """Remove the highest-numbered planned pieces; those that were, by element type."""
    wanted = [(update.id, node, count) for update in updates for node, count in update.removals]
    if not wanted:
        return {}
    cursor.execute(_REMOVE_PIECES, pg_columns(wanted))
    removed: dict[int, list[RemovedPiece]] = {}
    rows = cursor.fetchall()
    if len(rows) != sum(count for _, _, count in wanted):
        raise PiecesInProduction
    for id_, node, number, code, job_id in rows:
        removed.setdefault(id_, []).append((node, number, code, job_id))
    return removed


def _record(
    cursor: Any,
    creates: list[Step],
    ids: list[int],
    updates: list[Update],
    removed: dict[int, list[RemovedPiece]],
    target: BatchTarget,
) -> None:
    rows: list[tuple[Any, ...]] = [
        (target.job_id, id_, step.operation.row.number, None) for id_, step in zip(ids, creates, strict=True)
    ]
    for update in updates:
        image = diff.to_json_text(update.difference, removed.get(update.id, []))
        rows.append((target.job_id, update.id, update.row.number, image))
    _copy(cursor, "element_type_changes (job_id, element_type_id, row, fields)", rows)


def _copy(cursor: Any, table: str, rows: Iterable[tuple[Any, ...]]) -> None:
    lines = "\n".join(["\t".join([_copy_field(value) for value in row]) for row in rows])
    if lines:
        cursor.copy_expert(f"COPY {table} FROM STDIN", io.StringIO(lines + "\n"))


def _copy_field(value: Any) -> str:
    if type(value) is str:
        return value.translate(_ESCAPES)
    if value is None:
        return "\\N"
    if type(value) is Decimal:
        return f"{value:f}"
    return str(value)
