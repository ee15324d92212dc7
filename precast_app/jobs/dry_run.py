"""Dry runs: the planned changes that one stores, and whether these still hold when it is applied."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from sqlalchemy import delete, insert, select, text, update

from precast_app.errors import Conflict, JobFailed
from precast_app.extensions import db
from precast_app.importing import batch_runner, current_reference, diff, reference_data, reference_store
from precast_app.importing.plan import Plan, Update
from precast_app.importing.reference_data import ReferenceData
from precast_app.importing.review.findings import Findings
from precast_app.jobs.context import JobContext
from precast_app.models import ImportJob, JobStatus, MissingElementType, OnError, PlannedChange, Renames

_OUTDATED = "The data that the dry run was planned on has changed, so nothing was changed. Start a new dry run."
_ROWS_PER_INSERT = 1_000

# One of: an element type that the dry run would create exists now; one that it would change or leave unchanged was
# changed after it; pieces that it would remove have gone into production.
_HAS_CHANGED = text("""
    SELECT EXISTS (
        SELECT FROM planned_changes p JOIN element_types t USING (type_key, name_key)
        WHERE p.job_id = :job_id AND p.element_type_id IS NULL AND t.project_id = :project_id
    ) OR EXISTS (
        SELECT FROM element_type_changes c JOIN import_jobs later ON later.id = c.job_id
        WHERE later.project_id = :project_id AND later.started_at > :since
          AND c.element_type_id IN (
              SELECT element_type_id FROM planned_changes WHERE job_id = :job_id
              UNION SELECT unnest(unchanged_ids) FROM import_jobs WHERE id = :job_id)
    ) OR EXISTS (
        SELECT FROM planned_changes p, json_each(p.fields -> 'quantities') AS lowered(node_id, pair)
        WHERE p.job_id = :job_id
          AND (pair ->> 0)::int - (pair ->> 1)::int > (
              SELECT count(*) FROM pieces
              WHERE pieces.element_type_id = p.element_type_id AND pieces.node_id = lowered.node_id::int
                AND pieces.status = 'planned')
    )
""")


def store_plan(context: JobContext, planned: Plan, findings: Findings, reference: ReferenceData) -> None:
    """Store what the plan would change, in place of what an earlier attempt stored. The caller commits."""
    context.fence(db.session())
    digest = _digest(planned, reference)
    if context.renames is not Renames.IGNORE:
        planned.rename(rename.update for rename in findings.renames)
    changes = [
        {"job_id": context.job_id, **row, "counterpart": findings.row_counterparts.get(row["row"])}
        for row in _planned_changes(planned)
    ]
    _replace_rows(PlannedChange, context.job_id, changes)
    _replace_rows(MissingElementType, context.job_id, list(_missing_rows(context, findings)))
    db.session.execute(update(ImportJob).where(ImportJob.id == context.job_id).values(plan_digest=digest))


def _replace_rows(model: type[PlannedChange | MissingElementType], job_id: int, rows: list[dict[str, Any]]) -> None:
    """Store a job's rows of a table in place of those that it has."""
    db.session.execute(delete(model).where(model.job_id == job_id))
    for start in range(0, len(rows), _ROWS_PER_INSERT):
        db.session.execute(insert(model), rows[start : start + _ROWS_PER_INSERT])


def _missing_rows(context: JobContext, findings: Findings) -> Iterator[dict[str, Any]]:
    """Yield the rows of `missing_element_types`."""
    accepts = context.renames is not Renames.IGNORE
    rows = {rename.missing.id: rename.update.row.number for rename in findings.renames if accepts}
    for each in findings.missing:
        yield {
            "job_id": context.job_id,
            "element_type_id": each.id,
            "element_type": each.element_type,
            "name": each.name,
            "renamed_row": rows.get(each.id),
            "counterpart": findings.type_counterparts.get(each.id),
        }


def check_applicable(dry: ImportJob, has_changed: Callable[[ImportJob], bool]) -> None:
    """Raise `Conflict` if the job is not a dry run that can be applied, or the data it was planned on has changed.

    `has_changed` finds out the latter for its job type.
    """
    if not dry.dry_run or dry.status != JobStatus.COMPLETED:
        raise Conflict(f"Job {dry.id} is not a completed dry run, so it can't be applied.")
    if dry.corrections_version != dry.checked_corrections_version:
        raise Conflict("The corrections have changed since the dry run. Preview it again, then import it.")
    if dry.rejected_count and dry.on_error == OnError.ABORT:
        raise Conflict("The file has rows with errors, and on_error=abort imports none then. Correct these rows first.")
    if has_changed(dry):
        raise Conflict(_OUTDATED)


def check_still_valid(context: JobContext, planned: Plan, reference: ReferenceData) -> None:
    """Raise `JobFailed` if the job applies a dry run with another plan; not if it has committed a batch of it already.

    A job that applies no dry run is valid.
    """
    expected = _expected_digest(context)
    if expected is None or batch_runner.stored_results(context.job_id):
        return
    if expected != _digest(planned, reference):
        raise JobFailed(_OUTDATED)


def check_digest(context: JobContext, digest: str) -> None:
    """Raise `JobFailed` if the job applies a dry run whose plan had another digest."""
    if (_expected_digest(context) or digest) != digest:
        raise JobFailed(_OUTDATED)


def check_reference_still_valid(context: JobContext) -> None:
    """Raise `JobFailed` if the job applies a dry run and the reference data of its kind has changed since."""
    expected = _expected_digest(context)
    if expected is not None and expected != reference_store.digest(db.session(), context.project_id, context.job_type):
        raise JobFailed(_OUTDATED)


def is_outdated(dry: ImportJob) -> bool:
    """Return whether the data that the dry run was planned on has changed, so that it can't be applied any more."""
    if dry.reference is not None:
        planned_on = reference_data.from_json(dry.project_id, dry.reference)
        if not current_reference.is_current(db.session(), planned_on):
            return True
    if dry.job_type in reference_store.MODELS:
        return dry.plan_digest != reference_store.digest(db.session(), dry.project_id, dry.job_type)
    names = {"job_id": dry.id, "project_id": dry.project_id, "since": dry.started_at}
    return bool(db.session.execute(_HAS_CHANGED, names).scalar_one())


def _expected_digest(context: JobContext) -> str | None:
    """Return the digest of the plan of the dry run that the job applies; None if it applies none."""
    dry_run_id = select(ImportJob.applies_job_id).where(ImportJob.id == context.job_id).scalar_subquery()
    expected: str | None = db.session.scalar(select(ImportJob.plan_digest).where(ImportJob.id == dry_run_id))
    return expected


def _planned_changes(planned: Plan) -> Iterator[dict[str, Any]]:
    """Yield the active operations as rows of `planned_changes`, without the job's id."""
    for operation in planned.active_operations:
        row = operation.row
        element_type_id, element_type, fields = None, row.values[0], None
        if isinstance(operation, Update):
            element_type_id, element_type = operation.id, operation.element_type
            fields = diff.to_json(operation.difference)
        yield {
            "row": row.number,
            "name": row.values[1],
            "type_key": row.key[0],
            "name_key": row.key[1],
            "element_type_id": element_type_id,
            "element_type": element_type,
            "fields": fields,
        }


def _digest(planned: Plan, reference: ReferenceData) -> str:
    """Return a hash that is the same for plans which make the same changes to the same element types.

    Reference data that the job creates counts with its key: in a dry run it has no id of the database.
    """
    created_keys = {(item.group, str(item.id)): item.key for item in reference.created}
    digest = hashlib.sha256()
    for operation, row in zip(planned.active_operations, _planned_changes(planned), strict=True):
        # A new element type consists of all its cells, a changed one of its differences.
        cells = None if isinstance(operation, Update) else [str(value) for value in operation.row.values]
        fields = _with_keys(row["fields"] or {}, created_keys)
        digest.update(_sorted_json([{**row, "fields": fields}, cells]))
    columns = [
        (column.group, created_keys.get((column.group.value, str(column.target)), column.target))
        for column in planned.columns.columns
    ]
    digest.update(_sorted_json([columns, sorted(planned.unchanged_ids)]))
    return digest.hexdigest()


def _with_keys(fields: Mapping[str, Any], created_keys: Mapping[tuple[str, str], Any]) -> dict[str, Any]:
    """Return the differences of an element type with the keys of created reference data in place of ids."""
    return {
        name: {created_keys.get((name, id_), id_): pair for id_, pair in value.items()}
        if isinstance(value, dict)
        else value
        for name, value in fields.items()
    }


def _sorted_json(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True).encode()
