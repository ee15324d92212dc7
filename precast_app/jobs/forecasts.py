"""What a dry run plans: kept, so that it can be read and carried out; and whether it still holds."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any

from sqlalchemy import delete, insert, select, update

from precast_app.errors import JobFailed
from precast_app.extensions import db
from precast_app.importing import batches, changes, reference_store
from precast_app.importing.plan import Plan, Update
from precast_app.importing.reference import Reference
from precast_app.jobs.work import Work
from precast_app.models import ImportJob, PlannedChange

OUTDATED = "What the dry run planned on has changed since; nothing was changed. Make a new dry run and look at it."


def keep(work: Work, planned: Plan, named: Reference) -> None:
    """Store what the plan would do, in place of what an earlier attempt stored."""
    work.fence(db.session())
    db.session.execute(delete(PlannedChange).where(PlannedChange.job_id == work.job_id))
    rows = [{"job_id": work.job_id, **row} for row in _rows(planned)]
    for start in range(0, len(rows), 1_000):
        db.session.execute(insert(PlannedChange), rows[start : start + 1_000])
    digest = _digest(planned, named)
    db.session.execute(update(ImportJob).where(ImportJob.id == work.job_id).values(plan_digest=digest))
    db.session.commit()


def check(work: Work, planned: Plan, named: Reference) -> None:
    """Raise `JobFailed` where the job carries out a dry run that planned something else; not once it has begun to."""
    wanted = _wanted(work)
    db.session.rollback()
    if wanted is not None and wanted != _digest(planned, named) and not batches.stored_results(work.job_id):
        raise JobFailed(OUTDATED)


def check_reference(work: Work) -> None:
    """The same for a dry run of an import of reference data: it was planned on what there was of its kind."""
    wanted = _wanted(work)
    if wanted is not None and wanted != reference_store.digest(db.session(), work.project_id, work.job_type):
        raise JobFailed(OUTDATED)


def _wanted(work: Work) -> str | None:
    dry_run = select(ImportJob.applies_job_id).where(ImportJob.id == work.job_id).scalar_subquery()
    wanted: str | None = db.session.scalar(select(ImportJob.plan_digest).where(ImportJob.id == dry_run))
    return wanted


def _rows(planned: Plan) -> Iterator[dict[str, Any]]:
    for operation in planned.doing:
        row = operation.row
        there: dict[str, Any] = {"element_type_id": None, "element_type": row.values[0], "fields": None}
        if isinstance(operation, Update):
            image = changes.to_json(operation.difference)
            there = {"element_type_id": operation.id, "element_type": operation.element_type, "fields": image}
        yield {"row": row.number, "name": row.values[1], "type_key": row.key[0], "name_key": row.key[1], **there}


def _digest(planned: Plan, named: Reference) -> str:
    """The same for two plans that do the same to the same element types.

    What the job makes itself goes by its name: it has no number before it is there.
    """
    digest = hashlib.sha256()
    made = {(each.group, str(each.id)): each.key for each in named.made}
    targets = [
        (column.group, made.get((column.group.value, str(column.target)), column.target))
        for column in planned.columns.columns
    ]
    for operation, row in zip(planned.doing, _rows(planned), strict=True):
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
