"""What a job did to each element type, or a dry run would do."""

from __future__ import annotations

from collections import Counter
from typing import Any

from sqlalchemy import text

from precast_app.extensions import db
from precast_app.importing import reference_data
from precast_app.importing.column_mapping import GROUP_TITLES
from precast_app.importing.diff import GROUPS
from precast_app.importing.reference_data import ReferenceData
from precast_app.importing.schema import BASE_COLUMNS, ColumnGroup
from precast_app.models import ImportJob
from precast_app.queries.paging import Page

_FOUND = """
    FROM (
        SELECT CASE WHEN c.fields IS NULL THEN 'created'
                    WHEN c.fields -> 'deleted' IS NOT NULL THEN 'deleted' ELSE 'updated' END AS change,
               c.row, c.element_type_id,
               coalesce(t.element_type, c.fields -> 'deleted' ->> 0) AS element_type,
               coalesce(t.name, c.fields -> 'deleted' ->> 1) AS name, c.fields
        FROM element_type_changes c LEFT JOIN element_types t ON t.id = c.element_type_id
        WHERE c.job_id = :job_id
        UNION ALL
        SELECT CASE WHEN fields IS NULL THEN 'created' ELSE 'updated' END, row, element_type_id,
               element_type, name, fields
        FROM planned_changes WHERE job_id = :job_id
        UNION ALL
        SELECT 'unchanged', NULL, t.id, t.element_type, t.name, NULL
        FROM import_jobs j, unnest(j.unchanged_ids) AS left_alone(id) JOIN element_types t USING (id)
        WHERE j.id = :job_id
    ) AS found
    WHERE CAST(:change AS text) IS NULL OR change = :change
"""
_PAGE = text(f"SELECT * {_FOUND} ORDER BY row NULLS LAST, element_type, name LIMIT :limit OFFSET :offset")
_COUNT = text(f"SELECT count(*) {_FOUND}")

_HEADINGS = {column.field: column.heading for column in BASE_COLUMNS}


def list_changes(job_id: int, change: str | None, where: Page) -> tuple[list[dict[str, Any]], int]:
    """Created, updated and deleted element types by row, then those left; `fields` by heading, before and after."""
    job = db.session.get_one(ImportJob, job_id)
    named = _Names(reference_data.from_json(job.project_id, job.reference or _EMPTY))
    names = {"job_id": job_id, "change": change, "limit": where.limit, "offset": where.offset}
    found = db.session.execute(_PAGE, names).mappings()
    count: int = db.session.execute(_COUNT, names).scalar_one()
    return [{**row, "fields": named.fields(row["fields"] or {})} for row in found], count


_EMPTY: dict[str, Any] = {"drawing_types": [], "nodes": [], "stages": [], "products": [], "naming_conventions": []}


class _Names:
    """What the ids of an image are called, as the job read its headings."""

    def __init__(self, known: ReferenceData) -> None:
        groups = {
            ColumnGroup.DRAWINGS: known.drawing_types,
            ColumnGroup.NODES: known.nodes,
            ColumnGroup.STAGES: known.stages,
            ColumnGroup.BOM: known.products,
        }
        self._names = {group: {str(each.id): each.name for each in members} for group, members in groups.items()}
        self._times = Counter(name for names in self._names.values() for name in names.values())
        self._times.update(_HEADINGS.values())

    def fields(self, image: dict[str, Any]) -> dict[str, dict[str, Any]]:
        changed = {
            heading: {"before": image[field][0], "after": image[field][1]}
            for field, heading in _HEADINGS.items()
            if field in image
        }
        for group in GROUPS:
            for target, (before, after) in image.get(group.value, {}).items():
                changed[self._name(group, target)] = {"before": before, "after": after}
        return changed

    def _name(self, group: ColumnGroup, target: str) -> str:
        """As a flat file heads it: with its group before it where something else has the same name."""
        name = self._names[group].get(target, target)
        return name if self._times[name] < 2 else f"{GROUP_TITLES[group]}_{name}"
