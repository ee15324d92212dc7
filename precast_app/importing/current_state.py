"""The element types of a project as they were before a job began, read in one transaction.

A job that starts again after a crash finds its own committed batches. Their changes are reverted here, in memory, so
that the job plans the same operations and piece numbers as the first time.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from precast_app.importing import diff
from precast_app.importing.diff import StoredElementType
from precast_app.importing.pg_arrays import pg_array, pg_columns
from precast_app.importing.plan import NodeKey
from precast_app.importing.schema import GROUP_SPECS, MEASURES, ColumnGroup

ElementTypeKey = tuple[str, str]

_TYPES = text(f"""
    SELECT t.type_key, t.name_key, t.id, t.element_type, t.version, {", ".join(f"t.{name}" for name in MEASURES)}
    FROM unnest(CAST(:type_keys AS text[]), CAST(:name_keys AS text[])) AS wanted(type_key, name_key)
    JOIN element_types t
      ON t.project_id = :project_id AND t.type_key = wanted.type_key AND t.name_key = wanted.name_key
""")

_NUMBERS = text("""
    SELECT t.type_key, p.node_id, max(p.number)
    FROM pieces p JOIN element_types t ON t.id = p.element_type_id
    WHERE p.project_id = :project_id AND p.job_id IS DISTINCT FROM :job_id
    GROUP BY t.type_key, p.node_id
""")

_COUNT = text("SELECT count(*) FROM pieces WHERE project_id = :project_id AND job_id IS DISTINCT FROM :job_id")

_PLANNED = text("""
    SELECT p.element_type_id, p.node_id, count(*)
    FROM unnest(CAST(:ids AS int[]), CAST(:nodes AS int[])) AS wanted(element_type_id, node_id)
    JOIN pieces p USING (element_type_id, node_id)
    WHERE p.status = 'planned' AND p.job_id IS DISTINCT FROM :job_id
    GROUP BY p.element_type_id, p.node_id
""")


def load_groups(session: Session, ids: Sequence[int]) -> dict[ColumnGroup, dict[int, dict[int, Any]]]:
    """Return the values of element types: by group, by element type id, by target id."""
    groups: dict[ColumnGroup, dict[int, dict[int, Any]]] = {}
    # With the default, the arrays of thousands of element types would spill to disk.
    session.execute(text("SET LOCAL work_mem = '32MB'"))
    array = pg_array(ids)
    for group, spec in GROUP_SPECS.items():
        # A quantity of 0 is only there for scrapped pieces.
        condition = "AND quantity > 0" if group is ColumnGroup.NODES else ""
        found = session.execute(
            text(f"""
                SELECT element_type_id, array_agg({spec.target_column}), array_agg({spec.value_column or "true"})
                FROM {spec.table} WHERE element_type_id = ANY(CAST(:ids AS int[])) {condition}
                GROUP BY element_type_id
            """),
            {"ids": array},
        )
        groups[group] = {id_: dict(zip(targets, values, strict=True)) for id_, targets, values in found.all()}
    return groups


class CurrentState:
    """The state of a project before a job; `plan.StateReader` on a database session."""

    def __init__(self, session: Session, project_id: int, job_id: int) -> None:
        self._session = session
        self._names = {"project_id": project_id, "job_id": job_id}
        changed = session.execute(
            text("SELECT element_type_id, fields FROM element_type_changes WHERE job_id = :job_id"), self._names
        )
        self._own_changes: dict[int, dict[str, Any] | None] = {row[0]: row[1] for row in changed}

    def element_types(self, keys: Sequence[ElementTypeKey]) -> dict[ElementTypeKey, StoredElementType]:
        """Return the stored element types with these keys."""
        if not keys:
            return {}
        type_keys, name_keys = pg_columns(keys)
        found = self._session.execute(_TYPES, {**self._names, "type_keys": type_keys, "name_keys": name_keys}).all()
        types: dict[ElementTypeKey, StoredElementType] = {}
        by_id: dict[int, StoredElementType] = {}
        for type_key, name_key, id_, element_type, version, *measures in found:
            if self._own_changes.get(id_, {}) is None:
                continue  # created by this job
            base = dict(zip(MEASURES, measures, strict=True))
            base["version"] = version
            stored = StoredElementType(id_, element_type, base, {group: {} for group in GROUP_SPECS})
            types[type_key, name_key] = by_id[id_] = stored
        if by_id:
            groups = load_groups(self._session, list(by_id))
            for id_, stored in by_id.items():
                stored.groups = {group: groups[group].get(id_, {}) for group in GROUP_SPECS}
                if image := self._own_changes.get(id_):
                    diff.restore_before(stored, image)
        return types

    def last_piece_numbers(self) -> dict[tuple[str, int], int]:
        """Return the highest piece number by type key and node."""
        last = {(key, node): number for key, node, number in self._session.execute(_NUMBERS, self._names)}
        removed = self._own_removed_numbers()
        if removed:
            keys = self._session.execute(
                text("SELECT id, type_key FROM element_types WHERE id = ANY(CAST(:ids AS int[]))"),
                {"ids": pg_array(id_ for id_, _ in removed)},
            )
            by_id = {row[0]: row[1] for row in keys}
            for (id_, node), numbers in removed.items():
                key = (by_id[id_], node)
                last[key] = max(last.get(key, 0), *numbers)
        return last

    def piece_count(self) -> int:
        """Return the number of pieces in the project."""
        count: int = self._session.execute(_COUNT, self._names).scalar_one()
        return count + sum(map(len, self._own_removed_numbers().values()))

    def planned_piece_counts(self, node_keys: Sequence[NodeKey]) -> dict[NodeKey, int]:
        """Return how many pieces of an element type at a node are still planned."""
        counts: dict[NodeKey, int] = defaultdict(int)
        ids, nodes = pg_columns(node_keys)
        found = self._session.execute(_PLANNED, {**self._names, "ids": ids, "nodes": nodes})
        for id_, node, count in found:
            counts[id_, node] = count
        for key, numbers in self._own_removed_numbers().items():
            counts[key] += len(numbers)
        return counts

    def _own_removed_numbers(self) -> dict[NodeKey, list[int]]:
        removed: dict[NodeKey, list[int]] = defaultdict(list)
        for id_, image in self._own_changes.items():
            for node, number, *_ in (image or {}).get("removed_pieces", ()):
                removed[id_, node].append(number)
        return removed
