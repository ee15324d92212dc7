"""What is stored of the element types in a file, as it was before the job began: one read of the project.

A job that starts again after a crash finds batches of its own; what they did is taken back here, in memory, so that it
plans the same as the first time and gives the same piece numbers.
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
from precast_app.importing.schema import ColumnGroup
from precast_app.models.element_type import MEASURES

ElementTypeKey = tuple[str, str]
NodeKey = tuple[int, int]

_TYPES = text(f"""
    SELECT t.type_key, t.name_key, t.id, t.element_type, t.version, {", ".join(f"t.{name}" for name in MEASURES)}
    FROM unnest(CAST(:type_keys AS text[]), CAST(:name_keys AS text[])) AS wanted(type_key, name_key)
    JOIN element_types t
      ON t.project_id = :project_id AND t.type_key = wanted.type_key AND t.name_key = wanted.name_key
""")

# The columns of each group's table: target, value.
_CHILDREN = {
    ColumnGroup.DRAWINGS: ("element_type_drawings", "drawing_type_id", "file_name"),
    ColumnGroup.NODES: ("element_type_quantities", "node_id", "quantity"),
    ColumnGroup.STAGES: ("element_type_stages", "stage_id", "true"),
    ColumnGroup.BOM: ("element_type_bom", "product_id", "quantity"),
}

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
    """Of element types by id: for each group the values by the id of what they are about (of a stage: true)."""
    groups: dict[ColumnGroup, dict[int, dict[int, Any]]] = {}
    # Arrays of thousands of element types outgrow what PostgreSQL gives an aggregate, and would go by way of the disk.
    session.execute(text("SET LOCAL work_mem = '32MB'"))
    wanted = pg_array(ids)
    for group, (table, target, value) in _CHILDREN.items():
        found = session.execute(
            text(f"""
                SELECT element_type_id, array_agg({target}), array_agg({value})
                FROM {table} WHERE element_type_id = ANY(CAST(:ids AS int[])) GROUP BY element_type_id
            """),
            {"ids": wanted},
        )
        groups[group] = {id_: dict(zip(targets, values, strict=True)) for id_, targets, values in found.all()}
    return groups


class CurrentState:
    """Answers the plan's questions about one project, for one job, from one transaction."""

    def __init__(self, session: Session, project_id: int, job_id: int) -> None:
        self._session = session
        self._names = {"project_id": project_id, "job_id": job_id}
        changed = session.execute(
            text("SELECT element_type_id, fields FROM element_type_changes WHERE job_id = :job_id"), self._names
        )
        self._own_changes: dict[int, dict[str, Any] | None] = {row[0]: row[1] for row in changed}

    def element_types(self, keys: Sequence[ElementTypeKey]) -> dict[ElementTypeKey, StoredElementType]:
        """The element types with these keys, those that are there."""
        if not keys:
            return {}
        type_keys, name_keys = pg_columns(keys)
        found = self._session.execute(_TYPES, {**self._names, "type_keys": type_keys, "name_keys": name_keys}).all()
        types: dict[ElementTypeKey, StoredElementType] = {}
        by_id: dict[int, StoredElementType] = {}
        for type_key, name_key, id_, element_type, version, *measures in found:
            if self._own_changes.get(id_, {}) is None:
                continue  # made by this job
            base = dict(zip(MEASURES, measures, strict=True))
            base["version"] = version
            one = StoredElementType(id_, element_type, base, {group: {} for group in diff.GROUPS})
            types[type_key, name_key] = by_id[id_] = one
        if by_id:
            found_groups = load_groups(self._session, list(by_id))
            for id_, one in by_id.items():
                one.groups = {group: found_groups[group].get(id_, {}) for group in diff.GROUPS}
                image = self._own_changes.get(id_)
                if image:
                    diff.restore_before(one, image)
        return types

    def last_piece_numbers(self) -> dict[tuple[str, int], int]:
        """The highest piece number by type key and node."""
        last = {(key, node): number for key, node, number in self._session.execute(_NUMBERS, self._names)}
        removed = self._own_removed_numbers()
        if removed:
            keys = self._session.execute(
                text("SELECT id, type_key FROM element_types WHERE id = ANY(CAST(:ids AS int[]))"),
                {"ids": pg_array(id_ for id_, _ in removed)},
            )
            by_id = {row[0]: row[1] for row in keys}
            for (id_, node), numbers in removed.items():
                place = (by_id[id_], node)
                last[place] = max(last.get(place, 0), *numbers)
        return last

    def pieces(self) -> int:
        """The number of pieces in the project."""
        there: int = self._session.execute(_COUNT, self._names).scalar_one()
        return there + sum(map(len, self._own_removed_numbers().values()))

    def planned_piece_counts(self, places: Sequence[NodeKey]) -> dict[NodeKey, int]:
        """How many pieces of an element type (by id) at a node are still planned."""
        counts: dict[NodeKey, int] = defaultdict(int)
        ids, nodes = pg_columns(places)
        found = self._session.execute(_PLANNED, {**self._names, "ids": ids, "nodes": nodes})
        for id_, node, count in found:
            counts[id_, node] = count
        for place, numbers in self._own_removed_numbers().items():
            counts[place] += len(numbers)
        return counts

    def _own_removed_numbers(self) -> dict[NodeKey, list[int]]:
        removed: dict[NodeKey, list[int]] = defaultdict(list)
        for id_, image in self._own_changes.items():
            for node, number, *_ in (image or {}).get("removed_pieces", ()):
                removed[id_, node].append(number)
        return removed
