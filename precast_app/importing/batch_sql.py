"""The statements of one batch: COPY, or one statement over arrays, so that their number doesn't grow with the rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from precast_app.importing import diff
from precast_app.importing.counts import Counts
from precast_app.importing.diff import RemovedPiece
from precast_app.importing.pg_arrays import pg_columns
from precast_app.importing.pg_copy import copy_field, copy_lines, copy_rows
from precast_app.importing.plan import Create, PieceRange, Remove, Step, Update
from precast_app.importing.schema import GROUP_SPECS, MEASURES, ColumnGroup, ColumnMap, GroupSpec


@dataclass(frozen=True, slots=True)
class _GroupTable:
    """The statements for the table of a group."""

    spec: GroupSpec

    @property
    def has_value(self) -> bool:
        return self.spec.value_column is not None

    @property
    def columns(self) -> str:
        return ", ".join(filter(None, ("element_type_id", self.spec.target_column, self.spec.value_column)))

    @property
    def delete(self) -> str:
        # `set_to_zero` has left these.
        condition = "AND quantity > 0" if self.spec.group is ColumnGroup.NODES else ""
        return f"""
            DELETE FROM {self.spec.table} USING unnest(%s::int[], %s::int[]) AS deleted(id, target)
            WHERE element_type_id = deleted.id AND {self.spec.target_column} = deleted.target {condition}
        """

    @property
    def set_to_zero(self) -> str:
        """Set to 0 the quantities that can't be deleted, since scrapped pieces are left there and no others."""
        return f"""
            UPDATE {self.spec.table} q SET {self.spec.value_column} = 0
            FROM unnest(%s::int[], %s::int[]) AS deleted(id, target)
            WHERE q.element_type_id = deleted.id AND q.{self.spec.target_column} = deleted.target
              AND EXISTS (SELECT FROM pieces p WHERE p.element_type_id = deleted.id AND p.node_id = deleted.target)
              AND NOT EXISTS (
                  SELECT FROM pieces p
                  WHERE p.element_type_id = deleted.id AND p.node_id = deleted.target AND p.status <> 'scrapped')
        """

    @property
    def upsert(self) -> str:
        value = self.spec.value_column
        values = f", %s::{self.spec.value_type.sql_type}[]" if value else ""
        change = f"UPDATE SET {value} = excluded.{value}" if value else "NOTHING"
        return f"""
            INSERT INTO {self.spec.table} ({self.columns}) SELECT * FROM unnest(%s::int[], %s::int[]{values})
            ON CONFLICT (element_type_id, {self.spec.target_column}) DO {change}
        """


_TABLES = {group: _GroupTable(spec) for group, spec in GROUP_SPECS.items()}

# The status is checked twice, since another transaction may change it between the choice and the deletion.
_REMOVE_PIECES = """
    WITH chosen AS (
        SELECT p.id, removal.count, row_number() OVER (
            PARTITION BY p.element_type_id, p.node_id ORDER BY p.number DESC) AS rank
        FROM unnest(%s::int[], %s::int[], %s::int[]) AS removal(element_type_id, node_id, count)
        JOIN pieces p USING (element_type_id, node_id)
        WHERE p.status = 'planned'
    )
    DELETE FROM pieces p USING chosen
    WHERE p.id = chosen.id AND chosen.rank <= chosen.count AND p.status = 'planned'
    RETURNING p.element_type_id, p.node_id, p.number, p.code, p.job_id, p.id, p.status_since, p.replaces_id
"""


_REMOVE_ALL_PIECES = """
    DELETE FROM pieces WHERE element_type_id = ANY(%s::int[]) AND status = 'planned'
    RETURNING element_type_id, node_id, number, code, job_id, id, status_since, replaces_id
"""
_HAVE_PIECES = "SELECT FROM pieces WHERE element_type_id = ANY(%s::int[]) LIMIT 1"
_REMOVE_TYPES = "DELETE FROM element_types WHERE id = ANY(%s::int[])"
_RENAME = """
    UPDATE element_types t SET name = v.name, name_key = v.name_key
    FROM unnest(%s::int[], %s::text[], %s::text[]) AS v(id, name, name_key) WHERE t.id = v.id
"""


class PiecesInProduction(Exception):
    """Pieces that a row or a removal deletes have gone into production since the plan was built."""


@dataclass(frozen=True, slots=True)
class BatchTarget:
    """What all batches of a job share: the project, the job, the columns, and the nodes' naming conventions by id."""

    project_id: int
    job_id: int
    columns: ColumnMap
    naming_conventions: Mapping[int, str]


def count_steps(steps: Sequence[Step]) -> Counts:
    """Return the counts of what `write_batch` writes."""
    updates = [step.operation for step in steps if isinstance(step.operation, Update)]
    renamed = sum(update.former_name is not None for update in updates)
    return Counts(
        created=len(steps) - len(updates),
        updated=len(updates) - renamed,
        renamed=renamed,
        pieces_added=sum(pieces.count for step in steps for pieces in step.pieces),
        pieces_removed=sum(count for update in updates for _, count in update.removals),
    )


def write_batch(cursor: Any, steps: Sequence[Step], target: BatchTarget) -> None:
    """Execute the steps with a psycopg2 cursor in the caller's transaction.

    Raise `PiecesInProduction` if pieces that a step removes are no longer planned.
    """
    creates = [step for step in steps if isinstance(step.operation, Create)]
    updates = [(step.operation, step.pieces) for step in steps if isinstance(step.operation, Update)]
    changed = [update for update, _ in updates]
    ids = _new_ids(cursor, len(creates))
    _create(cursor, creates, ids, target)
    removed = _remove_pieces(cursor, changed)
    _update(cursor, changed, target)
    ranges = [
        (id_, str(step.operation.row.values[0]), pieces)
        for id_, step in zip(ids, creates, strict=True)
        for pieces in step.pieces
    ]
    ranges += [(update.id, update.element_type, each) for update, pieces in updates for each in pieces]
    _insert_pieces(cursor, ranges, target)
    _record_changes(cursor, creates, ids, changed, removed, target)


def write_removals(cursor: Any, removals: Sequence[Remove], target: BatchTarget) -> Counts:
    """Remove element types with a psycopg2 cursor in the caller's transaction, and return the counts.

    Raise `PiecesInProduction` if one of them has pieces that are no longer planned.
    """
    ids = [removal.missing.id for removal in removals]
    cursor.execute(_REMOVE_ALL_PIECES, (ids,))
    removed = _by_element_type(cursor.fetchall())
    cursor.execute(_HAVE_PIECES, (ids,))
    if cursor.fetchone() is not None:
        raise PiecesInProduction
    cursor.execute(_REMOVE_TYPES, (ids,))
    changes = [
        (
            target.job_id,
            id_,
            None,
            diff.removal_json_text(
                removal.missing.element_type, removal.missing.name, removal.stored, removed.get(id_, [])
            ),
        )
        for id_, removal in zip(ids, removals, strict=True)
    ]
    copy_rows(cursor, "element_type_changes (job_id, element_type_id, row, fields)", changes)
    return Counts(removed=len(ids), pieces_removed=sum(map(len, removed.values())))


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
    base = [(index, str(name)) for index, name in target.columns.positions(ColumnGroup.BASE)]
    rows = []
    for id_, step in zip(ids, creates, strict=True):
        row = step.operation.row
        rows.append((id_, target.project_id, *row.key, *(row.values[index] for index, _ in base)))
    names = ", ".join(name for _, name in base)
    copy_rows(cursor, f"element_types (id, project_id, type_key, name_key, {names})", rows)
    values = [(id_, step.operation.row.values) for id_, step in zip(ids, creates, strict=True)]
    for group, table in _TABLES.items():
        positions = [(index, f"\t{each}") for index, each in target.columns.positions(group)]
        if not table.has_value:
            lines = [f"{id_}{each}" for id_, cells in values for index, each in positions if cells[index]]
        elif group is ColumnGroup.DRAWINGS:
            lines = [
                f"{id_}{each}\t{copy_field(value)}"
                for id_, cells in values
                for index, each in positions
                if (value := cells[index])
            ]
        else:
            # Numbers need no escapes.
            lines = [
                f"{id_}{each}\t{value}" for id_, cells in values for index, each in positions if (value := cells[index])
            ]
        copy_lines(cursor, f"{table.spec.table} ({table.columns})", lines)


def _update(cursor: Any, updates: list[Update], target: BatchTarget) -> None:
    changed = [update for update in updates if update.difference.base]
    if changed:
        # The two names, which never change, come first.
        base = [(index, str(name)) for index, name in target.columns.positions(ColumnGroup.BASE)][2:]
        rows = [(update.id, *(update.row.values[index] for index, _ in base)) for update in changed]
        if base:
            cursor.execute(_update_statement([name for _, name in base]), pg_columns(rows))
    if renamed := [update for update in updates if update.former_name is not None]:
        rows = [(update.id, update.row.values[1], update.row.key[1]) for update in renamed]
        cursor.execute(_RENAME, pg_columns(rows))
    for group in _TABLES:
        cells = [
            (update.id, each, after)
            for update in updates
            for each, (_, after) in update.difference.groups.get(group, {}).items()
        ]
        write_cells(cursor, group, cells)


def _update_statement(fields: Sequence[str]) -> str:
    """Return the statement that sets base columns of element types."""
    arrays = ", ".join("%s::numeric[]" if name in MEASURES else "%s::text[]" for name in fields)
    return f"""
        UPDATE element_types t SET {", ".join(f"{name} = v.{name}" for name in fields)}
        FROM unnest(%s::int[], {arrays}) AS v(id, {", ".join(fields)})
        WHERE t.id = v.id
    """


def write_cells(cursor: Any, group: ColumnGroup, cells: Sequence[tuple[int, int, Any]]) -> None:
    """Store (element type id, target id, value) of a group; a falsy value deletes the stored row."""
    table = _TABLES[group]
    if deleted := [cell[:2] for cell in cells if not cell[2]]:
        if group is ColumnGroup.NODES:
            cursor.execute(table.set_to_zero, pg_columns(deleted))
        cursor.execute(table.delete, pg_columns(deleted))
    if stored := [cell if table.has_value else cell[:2] for cell in cells if cell[2]]:
        cursor.execute(table.upsert, pg_columns(stored))


def _insert_pieces(cursor: Any, ranges: list[tuple[int, str, PieceRange]], target: BatchTarget) -> None:
    """Insert ranges of pieces, each with the id and the name of its element type.

    COPY stores them in less time than a statement that counts the numbers up in the database: 2.8 instead of 3.4 s of
    PostgreSQL for 287 000 pieces.
    """
    prefixes = {id_: copy_field(f"/{convention}/") for id_, convention in target.naming_conventions.items()}
    lines = []
    for id_, name, pieces in ranges:
        start = f"{target.project_id}\t{target.job_id}\t{id_}\t{pieces.node_id}\t"
        code = f"\t{copy_field(name)}{prefixes[pieces.node_id]}"
        lines += [f"{start}{number}{code}{number:04}" for number in range(pieces.first, pieces.first + pieces.count)]
    copy_lines(cursor, "pieces (project_id, job_id, element_type_id, node_id, number, code)", lines)


def _remove_pieces(cursor: Any, updates: list[Update]) -> dict[int, list[RemovedPiece]]:
    """Delete the highest-numbered planned pieces, and return them by element type id."""
    removals = [(update.id, node, count) for update in updates for node, count in update.removals]
    if not removals:
        return {}
    cursor.execute(_REMOVE_PIECES, pg_columns(removals))
    rows = cursor.fetchall()
    if len(rows) != sum(count for _, _, count in removals):
        raise PiecesInProduction
    return _by_element_type(rows)


def _by_element_type(rows: Iterable[tuple[Any, ...]]) -> dict[int, list[RemovedPiece]]:
    removed: dict[int, list[RemovedPiece]] = {}
    for id_, *piece in rows:
        removed.setdefault(id_, []).append(diff.RemovedPiece(*piece))
    return removed


def _record_changes(
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
        # The row of an edit, which is in no file, has the number 0.
        rows.append((target.job_id, update.id, update.row.number or None, image))
    copy_rows(cursor, "element_type_changes (job_id, element_type_id, row, fields)", rows)
