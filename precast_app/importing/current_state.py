"""The element types of a project as they were before a job began, read in one transaction.

A job that starts again after a crash finds its own committed batches. Their changes are reverted here, in memory, so
that the job plans the same operations and piece numbers as the first time.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from precast_app.importing import diff
from precast_app.importing.diff import StoredElementType
from precast_app.importing.pg_arrays import pg_array, pg_columns
from precast_app.importing.plan import NodeKey
from precast_app.importing.review.missing import ElementTypeKey, MissingElementType
from precast_app.importing.schema import GROUP_SPECS, MEASURES, ColumnGroup
from precast_app.text import identity_key

_FIELDS = f"t.type_key, t.name_key, t.id, t.element_type, t.version, {', '.join(f't.{name}' for name in MEASURES)}"
_TYPES = text(f"""
    SELECT {_FIELDS}
    FROM unnest(CAST(:type_keys AS text[]), CAST(:name_keys AS text[])) AS wanted(type_key, name_key)
    JOIN element_types t
      ON t.project_id = :project_id AND t.type_key = wanted.type_key AND t.name_key = wanted.name_key
""")

_TYPES_BY_ID = text(f"SELECT {_FIELDS} FROM element_types t WHERE t.id = ANY(CAST(:ids AS int[]))")

_NOT_NAMED = text("""
    SELECT t.id, t.element_type, t.name, t.type_key, t.name_key FROM element_types t
    WHERE t.project_id = :project_id AND t.type_key = ANY(CAST(:types AS text[]))
      AND NOT EXISTS (
          SELECT FROM unnest(CAST(:type_keys AS text[]), CAST(:name_keys AS text[])) AS named(type_key, name_key)
          WHERE named.type_key = t.type_key AND named.name_key = t.name_key)
    ORDER BY t.id
""")

_IN_PRODUCTION = text("""
    SELECT wanted.id FROM unnest(CAST(:ids AS int[])) AS wanted(id)
    CROSS JOIN LATERAL (
        SELECT FROM pieces p WHERE p.element_type_id = wanted.id AND p.status <> 'planned' LIMIT 1
    ) AS found
""")

# Of these element types, the ones with a quantity in a tower of which the file names no node. LATERAL with LIMIT finds
# the quantities of each by its id, also if the planner believes that reading all quantities was faster.
_ELSEWHERE = text("""
    WITH RECURSIVE below(id, root) AS (
        SELECT id, id FROM hierarchy_nodes WHERE project_id = :project_id AND parent_id IS NULL
        UNION ALL SELECT n.id, below.root FROM hierarchy_nodes n JOIN below ON n.parent_id = below.id
    ), outside AS MATERIALIZED (
        SELECT id FROM below
        WHERE root NOT IN (SELECT root FROM below WHERE id = ANY(CAST(:node_ids AS int[])))
    )
    SELECT wanted.id FROM unnest(CAST(:ids AS int[])) AS wanted(id)
    CROSS JOIN LATERAL (
        SELECT FROM element_type_quantities q
        WHERE q.element_type_id = wanted.id AND q.node_id IN (SELECT id FROM outside) LIMIT 1
    ) AS found
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
    # With the default memory, the arrays of thousands of element types would spill to disk. With statistics from when
    # the table had a few of them, PostgreSQL would read all of it for each.
    session.execute(text("SET LOCAL work_mem = '32MB'; SET LOCAL enable_seqscan = off"))
    array = pg_array(ids)
    for group, spec in GROUP_SPECS.items():
        # A quantity of 0 is only there for scrapped pieces.
        condition = "AND quantity > 0" if group is ColumnGroup.NODES else ""
        # LATERAL finds the values of each by its id. Without statistics, GROUP BY would read those of all projects.
        found = session.execute(
            text(f"""
                SELECT wanted.id, found.targets, found.values FROM unnest(CAST(:ids AS int[])) AS wanted(id)
                CROSS JOIN LATERAL (
                    SELECT array_agg({spec.target_column}) AS targets,
                           array_agg({spec.value_column or "true"}) AS values
                    FROM {spec.table} WHERE element_type_id = wanted.id {condition}
                ) AS found
                WHERE found.targets IS NOT NULL
            """),
            {"ids": array},
        )
        groups[group] = {id_: dict(zip(targets, values, strict=True)) for id_, targets, values in found.all()}
    session.execute(text("SET LOCAL enable_seqscan = on"))
    return groups


class CurrentState:
    """The state of a project before a job; `plan.StateReader` on a database session."""

    def __init__(self, session: Session, project_id: int, job_id: int) -> None:
        self._session = session
        self._parameters = {"project_id": project_id, "job_id": job_id}
        changed = session.execute(
            text("SELECT element_type_id, fields FROM element_type_changes WHERE job_id = :job_id"), self._parameters
        )
        self._own_changes: dict[int, dict[str, Any] | None] = {row[0]: row[1] for row in changed}

    def element_types(self, keys: Sequence[ElementTypeKey]) -> dict[ElementTypeKey, StoredElementType]:
        """Return the stored element types with these keys."""
        if not keys:
            return {}
        type_keys, name_keys = pg_columns(keys)
        parameters = {**self._parameters, "type_keys": type_keys, "name_keys": name_keys}
        found = self._session.execute(_TYPES, parameters).all()
        return self._with_values([row for row in found if not self._is_own_name(row.id)])

    def element_types_by_id(self, ids: Sequence[int]) -> dict[int, StoredElementType]:
        """Return the stored element types with these ids."""
        found = self._session.execute(_TYPES_BY_ID, {"ids": pg_array(ids)}).all()
        return {stored.id: stored for stored in self._with_values(found).values()}

    def ids_in_production(self, ids: Sequence[int]) -> set[int]:
        """Return which of these element types have pieces that are no longer planned."""
        return set(self._session.scalars(_IN_PRODUCTION, {"ids": pg_array(ids)}))

    def _is_own_name(self, id_: int) -> bool:
        """Return whether this job has created the element type or given it its name, so that it had none before."""
        image = self._own_changes.get(id_, {})
        return image is None or "name" in image

    def _with_values(self, found: Sequence[Row[Any]]) -> dict[ElementTypeKey, StoredElementType]:
        """Return element types by key, with their values as they were before the job."""
        types: dict[ElementTypeKey, StoredElementType] = {}
        for row in found:
            type_key, name_key, id_, element_type, version, *measures = tuple(row)
            base = {**dict(zip(MEASURES, measures, strict=True)), "version": version}
            types[type_key, name_key] = StoredElementType(id_, element_type, base, {})
        if types:
            groups = load_groups(self._session, [stored.id for stored in types.values()])
            for stored in types.values():
                stored.groups = {group: groups[group].get(stored.id, {}) for group in GROUP_SPECS}
                if image := self._own_changes.get(stored.id):
                    diff.restore_before(stored, image)
        return types

    def missing_element_types(
        self, types: Collection[str], keys: Collection[ElementTypeKey], node_ids: Sequence[int]
    ) -> list[MissingElementType]:
        """Return the element types of these types whose keys are not among `keys`, by id.

        Those with a quantity in a tower to which none of the nodes belongs are left out.
        """
        if not types:
            return []
        type_keys, name_keys = pg_columns(list(keys)) if keys else ("{}", "{}")
        parameters = {**self._parameters, "types": pg_array(types), "type_keys": type_keys, "name_keys": name_keys}
        found = [MissingElementType(*row) for row in self._session.execute(_NOT_NAMED, parameters)]
        if not found:
            return []
        ids = {**self._parameters, "ids": pg_array(each.id for each in found), "node_ids": pg_array(node_ids)}
        elsewhere = set(self._session.scalars(_ELSEWHERE, ids))
        return [each for each in found if each.id not in elsewhere]

    def last_piece_numbers(self) -> dict[tuple[str, int], int]:
        """Return the highest piece number by type key and node."""
        last = {(key, node): number for key, node, number in self._session.execute(_NUMBERS, self._parameters)}
        removed = self._own_removed_numbers()
        if removed:
            keys = self._session.execute(
                text("SELECT id, type_key FROM element_types WHERE id = ANY(CAST(:ids AS int[]))"),
                {"ids": pg_array(id_ for id_, _ in removed)},
            )
            by_id = {row[0]: row[1] for row in keys}
            by_id |= {
                id_: identity_key(image[diff.DELETED][0])
                for id_, image in self._own_changes.items()
                if image and diff.DELETED in image
            }
            for (id_, node), numbers in removed.items():
                key = (by_id[id_], node)
                last[key] = max(last.get(key, 0), *numbers)
        return last

    def piece_count(self) -> int:
        """Return the number of pieces in the project."""
        count: int = self._session.execute(_COUNT, self._parameters).scalar_one()
        return count + sum(map(len, self._own_removed_numbers().values()))

    def planned_piece_counts(self, node_keys: Sequence[NodeKey]) -> dict[NodeKey, int]:
        """Return how many pieces of an element type at a node are still planned."""
        counts: dict[NodeKey, int] = defaultdict(int)
        ids, nodes = pg_columns(node_keys)
        found = self._session.execute(_PLANNED, {**self._parameters, "ids": ids, "nodes": nodes})
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
