"""What a job did to each element type, or a dry run would do."""

from __future__ import annotations

from collections import Counter
from typing import Any

from sqlalchemy import text

from precast_app.extensions import db
from precast_app.importing import reference_data
from precast_app.importing.reference_data import ReferenceData
from precast_app.importing.schema import BASE_COLUMNS, GROUP_SPECS, ColumnGroup
from precast_app.models import ImportJob
from precast_app.queries.paging import LARGEST_ID, Page

_FOUND = """
    FROM (
        SELECT CASE WHEN c.fields IS NULL THEN 'created'
                    WHEN c.fields -> 'deleted' IS NOT NULL THEN 'deleted' ELSE 'updated' END AS change,
               c.row AS id, c.row, c.element_type_id,
               coalesce(t.element_type, c.fields -> 'deleted' ->> 0) AS element_type,
               coalesce(t.name, c.fields -> 'deleted' ->> 1) AS name, c.fields
        FROM element_type_changes c LEFT JOIN element_types t ON t.id = c.element_type_id
        WHERE c.job_id = :job_id
        UNION ALL
        SELECT CASE WHEN fields IS NULL THEN 'created' ELSE 'updated' END, row, row, element_type_id,
               element_type, name, fields
        FROM planned_changes WHERE job_id = :job_id
        UNION ALL
        SELECT 'unchanged', CAST(:largest_row AS bigint) + position, NULL, t.id, t.element_type, t.name, NULL
        FROM import_jobs j, unnest(j.unchanged_ids) WITH ORDINALITY AS left_alone(id, position)
        JOIN element_types t USING (id)
        WHERE j.id = :job_id
    ) AS found
    WHERE (CAST(:change AS text) IS NULL OR change = :change)
"""
# The ids are positions, which don't move while the job goes on: rows of the file, and the order of `unchanged_ids`.
_PAGE = text(
    f"SELECT * {_FOUND} AND id > CAST(:after AS bigint) ORDER BY id, element_type_id LIMIT :limit OFFSET :offset"
)
_COUNT = text(f"SELECT count(*) {_FOUND}")

_HEADINGS = {column.field: column.heading for column in BASE_COLUMNS}


def list_changes(job_id: int, change: str | None, page: Page) -> tuple[list[dict[str, Any]], int]:
    """Return created, updated and deleted element types by row, then unchanged ones in the order of the file.

    The second value is how many there are in all. `fields` has the value before and after by heading.
    """
    job = db.session.get_one(ImportJob, job_id)
    headings = _ChangeHeadings(reference_data.from_json(job.project_id, job.reference or {}))
    parameters = {"job_id": job_id, "change": change, "largest_row": LARGEST_ID}
    window = {"limit": page.limit, "offset": page.offset, "after": page.after or 0}
    found = db.session.execute(_PAGE, {**parameters, **window}).mappings()
    count: int = db.session.execute(_COUNT, parameters).scalar_one()
    return [{**row, "fields": headings.label_fields(row["fields"] or {})} for row in found], count


class _ChangeHeadings:
    """The headings for the ids in a before-image, as the job matched them."""

    def __init__(self, reference: ReferenceData) -> None:
        self._names = {group: {str(item.id): item.name for item in reference.of(group)} for group in GROUP_SPECS}
        self._occurrences = Counter(name for names in self._names.values() for name in names.values())
        self._occurrences.update(_HEADINGS.values())

    def label_fields(self, image: dict[str, Any]) -> dict[str, dict[str, Any]]:
        """Return before and after of each changed field by its heading."""
        changed = {
            heading: {"before": image[field][0], "after": image[field][1]}
            for field, heading in _HEADINGS.items()
            if field in image
        }
        for group in GROUP_SPECS:
            for target, (before, after) in image.get(group.value, {}).items():
                changed[self._heading(group, target)] = {"before": before, "after": after}
        return changed

    def _heading(self, group: ColumnGroup, target: str) -> str:
        """Return the heading of a flat file: the name, with the title of its group if the name occurs twice."""
        name = self._names[group].get(target, target)
        return name if self._occurrences[name] < 2 else GROUP_SPECS[group].full_name(name)
