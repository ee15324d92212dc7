"""What a job did to each element type, or a dry run would do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text

from precast_app.enums import PieceStatus
from precast_app.extensions import db
from precast_app.importing import reference_data
from precast_app.importing.pg_arrays import pg_array
from precast_app.importing.reference_data import ReferenceData
from precast_app.importing.schema import BASE_COLUMNS, GROUP_SPECS, MEASURES, ColumnGroup
from precast_app.models import ImportJob
from precast_app.queries.paging import MAX_ID, PageRequest

KINDS = ("created", "updated", "renamed", "missing", "deleted", "unchanged")

# The ids are positions that don't move while the job goes on: rows of the file, then element types that the file lacks,
# then the order of `unchanged_ids`.
_FOUND = """
    FROM (
        SELECT CASE WHEN c.fields IS NULL THEN 'created'
                    WHEN c.fields -> 'deleted' IS NOT NULL THEN 'deleted'
                    WHEN c.fields -> 'name' IS NOT NULL THEN 'renamed' ELSE 'updated' END AS change,
               coalesce(c.row, CAST(:largest_row AS bigint) + c.element_type_id) AS id, c.row, c.element_type_id,
               coalesce(t.element_type, c.fields -> 'deleted' ->> 0) AS element_type,
               coalesce(t.name, c.fields -> 'deleted' ->> 1) AS name, c.fields,
               CAST(NULL AS json) AS new_values, NULL AS counterpart
        FROM element_type_changes c LEFT JOIN element_types t ON t.id = c.element_type_id
        WHERE c.job_id = :job_id
        UNION ALL
        SELECT CASE WHEN fields IS NULL THEN 'created'
                    WHEN fields -> 'name' IS NOT NULL THEN 'renamed' ELSE 'updated' END,
               row, row, element_type_id, element_type, name, fields, new_values, counterpart
        FROM planned_changes WHERE job_id = :job_id
        UNION ALL
        SELECT 'missing', CAST(:largest_row AS bigint) + m.element_type_id, NULL, m.element_type_id, m.element_type,
               m.name, NULL, NULL, m.counterpart
        FROM missing_element_types m
        WHERE m.job_id = :job_id AND m.renamed_row IS NULL AND NOT EXISTS (
            SELECT FROM element_type_changes c WHERE c.job_id = m.job_id AND c.element_type_id = m.element_type_id)
        UNION ALL
        SELECT 'unchanged', 2 * CAST(:largest_row AS bigint) + position, NULL, t.id, t.element_type, t.name, NULL,
               NULL, NULL
        FROM import_jobs j, unnest(j.unchanged_ids) WITH ORDINALITY AS left_alone(id, position)
        JOIN element_types t USING (id)
        WHERE j.id = :job_id
    ) AS found
    WHERE (CAST(:change AS text) IS NULL OR change = :change)
      AND (NOT CAST(:without_unchanged AS boolean) OR change <> 'unchanged')
      AND (CAST(:key AS text) IS NULL OR fields -> :key IS NOT NULL AND change <> 'deleted')
      AND (CAST(:target AS text) IS NULL OR fields -> :key -> :target IS NOT NULL)
      AND (NOT CAST(:in_production AS boolean) OR EXISTS (
          SELECT FROM pieces p
          WHERE p.project_id = :project_id AND p.element_type_id = found.element_type_id AND p.status <> 'planned'
            AND p.status <> 'scrapped'))
"""
_PAGE = text(
    f"SELECT * {_FOUND} AND id > CAST(:after AS bigint) ORDER BY id, element_type_id LIMIT :limit OFFSET :offset"
)
_COUNT = text(f"SELECT count(*) {_FOUND}")
_KINDS = text(f"SELECT change, count(*) {_FOUND} GROUP BY change")
_FIELDS = text(f"""
    SELECT field.key, target.key, count(*)
    FROM (SELECT fields {_FOUND} AND change IN ('updated', 'renamed')) AS changed
    CROSS JOIN LATERAL json_each(fields) AS field
    LEFT JOIN LATERAL json_object_keys(
        CASE WHEN json_typeof(field.value) = 'object' THEN field.value END) AS target(key) ON true
    WHERE field.key <> 'removed_pieces'
    GROUP BY field.key, target.key ORDER BY count(*) DESC, field.key, target.key
""")
_PIECES = text("""
    SELECT element_type_id, status, count(*) FROM pieces WHERE element_type_id = ANY(CAST(:ids AS int[]))
    GROUP BY element_type_id, status
""")

_HEADINGS = {column.field: column.heading for column in BASE_COLUMNS}


@dataclass(frozen=True, slots=True)
class ChangeFilter:
    """Filter of changes: `change` is one of `KINDS`, `field` the heading of a changed field; None stands for any.

    With `in_production`, only element types that have pieces in production or further, now. With `without_unchanged`,
    element types that stay as they are are left out.
    """

    change: str | None = None
    field: str | None = None
    in_production: bool = False
    without_unchanged: bool = False


NO_FILTER = ChangeFilter()


def list_changes(job_id: int, filters: ChangeFilter, page: PageRequest) -> tuple[list[dict[str, Any]], int]:
    """Return changed element types by row, then missing ones, then unchanged ones in the order of the file.

    The second value is how many there are in all. `fields` has the value before and after by heading; the measures of
    an element type that a dry run would create are there, too. `pieces` has the number of stored pieces by status, as
    they are now.
    """
    job = db.session.get_one(ImportJob, job_id)
    headings = _ChangeHeadings(reference_data.from_json(job.project_id, job.reference or {}))
    parameters = _parameters(job, filters, headings)
    window = {"limit": page.limit, "offset": page.offset, "after": page.after or 0}
    if filters.field is not None and parameters["key"] is None:
        return [], 0
    found = db.session.execute(_PAGE, {**parameters, **window}).mappings().all()
    count: int = db.session.execute(_COUNT, parameters).scalar_one()
    pieces = _pieces_by_status([row["element_type_id"] for row in found if row["element_type_id"]])
    changes = [
        {
            **row,
            "old_name": (row["fields"] or {}).get("name", [None])[0],
            "fields": headings.label_fields(row["fields"] or row["new_values"] or {}),
            "pieces": pieces.get(row["element_type_id"], {}),
        }
        for row in found
    ]
    return changes, count


def iterate_changes(job_id: int) -> Iterator[dict[str, Any]]:
    """Yield all changes of a job but unchanged element types; they are read in portions."""
    last = None
    while True:
        found, _ = list_changes(job_id, NO_FILTER, PageRequest(after=last))
        for change in found:
            if change["change"] == "unchanged":
                return
            yield change
        if not found:
            return
        last = found[-1]["id"]


def summarize(job_id: int) -> dict[str, Any]:
    """Return the number of changes of each kind, of each field by its heading, and of those with pieces in production.

    Fields of renamed and updated element types count. Unchanged element types are not counted as in production.
    """
    job = db.session.get_one(ImportJob, job_id)
    headings = _ChangeHeadings(reference_data.from_json(job.project_id, job.reference or {}))
    parameters = _parameters(job, NO_FILTER, headings)
    kinds = dict.fromkeys(KINDS, 0)
    for kind, count in db.session.execute(_KINDS, parameters):
        kinds[kind] = count
    fields = [
        {"field": headings.of(key, target), "count": count}
        for key, target, count in db.session.execute(_FIELDS, parameters)
    ]
    produced = db.session.execute(_KINDS, {**parameters, "in_production": True})
    return {
        "kinds": kinds,
        "fields": fields,
        "in_production": sum(count for kind, count in produced if kind != "unchanged"),
    }


def text_headings(job: ImportJob) -> frozenset[str]:
    """Return the headings of the job's changes whose values are texts, even where these look like numbers."""
    return _ChangeHeadings(reference_data.from_json(job.project_id, job.reference or {})).of_texts()


def _parameters(job: ImportJob, filters: ChangeFilter, headings: _ChangeHeadings) -> dict[str, Any]:
    key, target = headings.find(filters.field) if filters.field is not None else (None, None)
    return {
        "job_id": job.id, "project_id": job.project_id, "change": filters.change, "largest_row": MAX_ID, "key": key,
        "target": target, "in_production": filters.in_production, "without_unchanged": filters.without_unchanged,
    }  # fmt: skip


def _pieces_by_status(ids: list[int]) -> dict[int, dict[str, int]]:
    """Return the numbers of pieces of element types by status, in its order; a status without pieces is left out."""
    counts: dict[int, dict[str, int]] = {}
    for id_, status, count in db.session.execute(_PIECES, {"ids": pg_array(ids)}):
        counts.setdefault(id_, {})[status] = count
    return {id_: {each: found[each] for each in PieceStatus if each in found} for id_, found in counts.items()}


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

    def of_texts(self) -> frozenset[str]:
        """Return the headings of texts: of base fields that are no measures, and of drawings."""
        base = {heading for field, heading in _HEADINGS.items() if field not in MEASURES}
        drawings = {self._heading(ColumnGroup.DRAWINGS, target) for target in self._names[ColumnGroup.DRAWINGS]}
        return frozenset(base | drawings)

    def of(self, key: str, target: str | None) -> str:
        """Return the heading of a base field, or of the item of a group."""
        return _HEADINGS.get(key, key) if target is None else self._heading(ColumnGroup(key), target)

    def find(self, heading: str) -> tuple[str | None, str | None]:
        """Return the keys under which an image has the field of a heading; None twice if there is no such field."""
        for field, base_heading in _HEADINGS.items():
            if base_heading == heading:
                return field, None
        for group, names in self._names.items():
            for target in names:
                if self._heading(group, target) == heading:
                    return group.value, target
        return None, None

    def _heading(self, group: ColumnGroup, target: str) -> str:
        """Return the heading of a flat file: the name, with the title of its group if the name occurs twice."""
        name = self._names[group].get(target, target)
        return name if self._occurrences[name] < 2 else GROUP_SPECS[group].full_name(name)
