"""What a dry run plans: kept, so that it can be read and carried out; and whether it still holds."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any

from sqlalchemy import delete, insert, select, update

from precast_app.errors import JobFailed
from precast_app.extensions import db
from precast_app.importing import batch_runner, diff, reference_store
from precast_app.importing.plan import Plan, Update
from precast_app.importing.reference_data import ReferenceData
from precast_app.jobs.context import JobContext
from precast_app.models import ImportJob, PlannedChange

OUTDATED = "What the dry run planned on has changed since; nothing was changed. Make a new dry run and look at it."


def store_plan(context: JobContext, planned: Plan, reference: ReferenceData) -> None:
    """Store what the plan would do, in place of what an earlier attempt stored."""
    context.fence(db.session())
    db.session.execute(delete(PlannedChange).where(PlannedChange.job_id == context.job_id))
    rows = [{"job_id": context.job_id, **row} for row in _rows(planned)]
    for start in range(0, len(rows), 1_000):
        db.session.execute(insert(PlannedChange), rows[start : start + 1_000])
    digest = _digest(planned, reference)
    db.session.execute(update(ImportJob).where(ImportJob.id == context.job_id).values(plan_digest=digest))
    db.session.commit()


def check_still_valid(context: JobContext, planned: Plan, reference: ReferenceData) -> None:
    """Raise `JobFailed` where the job carries out a dry run that planned something else; not once it has begun to."""
    expected = _expected_digest(context)
    db.session.rollback()
    if (
        expected is not None
        and expected != _digest(planned, reference)
        and not batch_runner.stored_results(context.job_id)
    ):
        raise JobFailed(OUTDATED)


def check_reference_still_valid(context: JobContext) -> None:
    """The same for a dry run of an import of reference data: it was planned on what there was of its kind."""
    expected = _expected_digest(context)
    if expected is not None and expected != reference_store.digest(db.session(), context.project_id, context.job_type):
        raise JobFailed(OUTDATED)


def _expected_digest(context: JobContext) -> str | None:
    dry_run = select(ImportJob.applies_job_id).where(ImportJob.id == context.job_id).scalar_subquery()
    expected: str | None = db.session.scalar(select(ImportJob.plan_digest).where(ImportJob.id == dry_run))
    return expected


def _rows(planned: Plan) -> Iterator[dict[str, Any]]:
    for operation in planned.active_operations:
        row = operation.row
        existing: dict[str, Any] = {"element_type_id": None, "element_type": row.values[0], "fields": None}
        if isinstance(operation, Update):
            image = diff.to_json(operation.difference)
            existing = {"element_type_id": operation.id, "element_type": operation.element_type, "fields": image}
        yield {"row": row.number, "name": row.values[1], "type_key": row.key[0], "name_key": row.key[1], **existing}


def _digest(planned: Plan, reference: ReferenceData) -> str:
    """The same for two plans that do the same to the same element types.

    What the job makes itself goes by its name: it has no number before it is there.
    """
    digest = hashlib.sha256()
    made = {(each.group, str(each.id)): each.key for each in reference.created}
    targets = [
        (column.group, made.get((column.group.value, str(column.target)), column.target))
        for column in planned.columns.columns
    ]
    for operation, row in zip(planned.active_operations, _rows(planned), strict=True):
        # What is made is all that its cells say under the headings as they were understood.
        values = None if row["fields"] is not None else [str(value) for value in operation.row.values]
        fields = {
            name: {made.get((name, target), target): pair for target, pair in value.items()}
            if isinstance(value, dict)
            else value
            for name, value in (row["fields"] or {}).items()
        }
        digest.update(json.dumps([{**row, "fields": fields}, values], sort_keys=True).encode())
    digest.update(json.dumps([targets, sorted(planned.unchanged_ids)]).encode())
    return digest.hexdigest()
