"""Dry runs: the planned changes that one stores, and whether these still hold when it is applied."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import delete, insert, select, text, update

from precast_app import database
from precast_app.errors import Conflict, JobFailed, RequestError, invalid_field
from precast_app.extensions import db
from precast_app.importing import batch_runner, current_reference, diff, pg_copy, reference_data, reference_store
from precast_app.importing.diff import Difference
from precast_app.importing.plan import Plan, Update
from precast_app.importing.reference_data import ReferenceData
from precast_app.importing.review import digests
from precast_app.importing.review.choice import ReviewRequest
from precast_app.importing.review.digests import CreatedKeys
from precast_app.importing.review.missing_and_renamed import MissingAndRenamed
from precast_app.importing.review.plan_review import PlanReview
from precast_app.importing.schema import ColumnGroup, ColumnMap
from precast_app.jobs.context import JobContext
from precast_app.messages import Message
from precast_app.models import ImportJob, JobStatus, MissingElementType, OnError, PlannedChange, Renames

_OUTDATED = Message(
    "The data that the dry run was planned on has changed, so nothing was changed. Start a new dry run."
)
_ROWS_PER_INSERT = 1_000
_COLUMNS = (
    "job_id", "row", "name", "type_key", "name_key", "element_type_id", "element_type", "fields", "new_values",
    "digest", "counterpart",
)  # fmt: skip
# The job type of which parts can be chosen.
_REVIEWED = "element_type_import"

# Rows that would be refused: the element type that one would create exists now, the one that it would change was
# changed after the dry run, or pieces that it would remove have gone into production.
_OUTDATED_ROWS = text("""
    SELECT count(*) AS rows, count(*) FILTER (WHERE (
        p.element_type_id IS NULL AND EXISTS (
            SELECT FROM element_types t
            WHERE t.project_id = :project_id AND t.type_key = p.type_key AND t.name_key = p.name_key)
    ) OR EXISTS (
        SELECT FROM element_type_changes c JOIN import_jobs later ON later.id = c.job_id
        WHERE c.element_type_id = p.element_type_id AND later.project_id = :project_id AND later.started_at > :since
    ) OR EXISTS (
        SELECT FROM json_each(p.fields -> 'quantities') AS lowered(node_id, pair)
        WHERE (pair ->> 0)::int - (pair ->> 1)::int > (
            SELECT count(*) FROM pieces
            WHERE pieces.element_type_id = p.element_type_id AND pieces.node_id = lowered.node_id::int
              AND pieces.status = 'planned')
    )) AS outdated
    FROM planned_changes p WHERE p.job_id = :job_id
""")


def store_plan(context: JobContext, planned: Plan, review: PlanReview, reference: ReferenceData) -> None:
    """Store what the plan would change, in place of what an earlier attempt stored. The caller commits."""
    context.fence(db.session())
    found = review.findings
    db.session.execute(delete(PlannedChange).where(PlannedChange.job_id == context.job_id))
    cursor = database.driver_cursor()
    changes = _planned_changes(context.job_id, planned, digests.created_keys(reference), found.row_counterparts)
    pg_copy.copy_stream(cursor, f"planned_changes ({', '.join(_COLUMNS)})", changes)
    store_missing(context, found, [each.id for each in found.missing])
    digest = digests.digest_columns(planned.columns, reference)
    db.session.execute(update(ImportJob).where(ImportJob.id == context.job_id).values(plan_digest=digest))


def store_missing(context: JobContext, found: MissingAndRenamed, ids: Collection[int]) -> None:
    """Store which missing element types a dry run shows, or a job removes and renames. The caller commits."""
    rows = {rename.missing.id: rename.update.row.number for rename in found.renames}
    values = [
        {
            "job_id": context.job_id,
            "element_type_id": each.id,
            "element_type": each.element_type,
            "name": each.name,
            "renamed_row": rows.get(each.id),
            "digest": found.digests.get(each.id),
            "counterpart": found.type_counterparts.get(each.id),
        }
        for each in found.missing
        if each.id in ids
    ]
    db.session.execute(delete(MissingElementType).where(MissingElementType.job_id == context.job_id))
    for start in range(0, len(values), _ROWS_PER_INSERT):
        db.session.execute(insert(MissingElementType), values[start : start + _ROWS_PER_INSERT])


def check_applicable(dry: ImportJob, has_changed: Callable[[ImportJob], bool]) -> None:
    """Raise `Conflict` if the job is no dry run that can be applied, was applied, or its data has changed since.

    `has_changed` finds out the latter for its job type.
    """
    if not dry.dry_run or dry.status != JobStatus.COMPLETED:
        raise Conflict(Message("Job %(job)s is not a completed dry run, so it can't be applied.", job=dry.id))
    if dry.corrections_version != dry.checked_corrections_version:
        raise Conflict("The corrections have changed since the dry run. Preview it again, then import it.")
    if (applied := find_applying_job_id(dry.id)) is not None:
        raise Conflict(Message("Job %(job)s has already been applied as job %(applied)s.", job=dry.id, applied=applied))
    if dry.rejected_count and dry.on_error == OnError.ABORT:
        raise Conflict("The file has rows with errors, and on_error=abort imports none then. Correct these rows first.")
    if has_changed(dry):
        raise Conflict(_OUTDATED)


def find_applying_job_id(dry_run_id: int) -> int | None:
    """Return the job that applies a dry run; None if there is none, or if it has failed or was undone."""
    return db.session.scalar(
        select(ImportJob.id).where(
            ImportJob.applies_job_id == dry_run_id,
            ImportJob.status != JobStatus.FAILED,
            ImportJob.undone_by_job_id.is_(None),
        )
    )


def choose(dry: ImportJob, request: ReviewRequest) -> dict[str, Any] | None:
    """Return what the user chose of a dry run as JSON; None if it is not one of element types.

    Raise `RequestError` if something is left out that the dry run does not show, or if the renames are accepted of one
    that has ignored them.
    """
    if dry.job_type != _REVIEWED:
        if request != ReviewRequest():
            raise RequestError("Only rows of element types can be left out. Apply this dry run without options.")
        return None
    _check_left_out(dry, request.leave_out)
    if request.renames is Renames.ACCEPT and dry.renames == Renames.IGNORE:
        message = Message("The dry run has ignored renames, so it shows none. Start one without renames=ignore.")
        raise invalid_field("renames", message)
    return request.to_json(dry.missing, dry.renames)


def _check_left_out(dry: ImportJob, leave_out: Sequence[Mapping[str, int]]) -> None:
    if not leave_out:
        return
    changes = select(PlannedChange.row, PlannedChange.element_type_id).where(PlannedChange.job_id == dry.id)
    lacking = select(MissingElementType.element_type_id).where(MissingElementType.job_id == dry.id)
    planned = db.session.execute(changes).all()
    known = {
        "row": {row for row, _ in planned},
        "element_type_id": {*db.session.scalars(lacking), *(element_type_id for _, element_type_id in planned)},
    }
    for name, number in (item for each in leave_out for item in each.items()):
        if number not in known[name]:
            message = Message(
                "The dry run changes nothing in %(field)s %(number)s. Leave out only what it lists as a change.",
                field=name,
                number=number,
            )
            raise invalid_field("leave_out", message)


def check_still_valid(context: JobContext, columns: ColumnMap, review: PlanReview, reference: ReferenceData) -> None:
    """Raise `JobFailed` if the job applies a dry run of which nothing holds any more, or which read other columns.

    A job that applies no dry run is valid, and so is one that has committed a batch already.
    """
    expected = _expected_digest(context)
    if expected is None or batch_runner.stored_results(context.job_id):
        return
    if review.is_outdated or expected != digests.digest_columns(columns, reference):
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
    rows, outdated = _count_rows(dry)
    return 0 < rows == outdated


def count_outdated(dry: ImportJob) -> int:
    """Return how many changes of a dry run of element types would be refused now, because their data has changed."""
    return _count_rows(dry)[1]


def _count_rows(dry: ImportJob) -> tuple[int, int]:
    """Return the number of planned changes, and of those that would be refused."""
    parameters = {"job_id": dry.id, "project_id": dry.project_id, "since": dry.started_at}
    rows, outdated = db.session.execute(_OUTDATED_ROWS, parameters).one()
    return rows, outdated


def _expected_digest(context: JobContext) -> str | None:
    """Return the digest of the plan of the dry run that the job applies; None if it applies none."""
    dry_run_id = select(ImportJob.applies_job_id).where(ImportJob.id == context.job_id).scalar_subquery()
    expected: str | None = db.session.scalar(select(ImportJob.plan_digest).where(ImportJob.id == dry_run_id))
    return expected


def _planned_changes(
    job_id: int, planned: Plan, keys: CreatedKeys, counterparts: Mapping[int, str]
) -> Iterator[tuple[Any, ...]]:
    """Yield the active operations as rows of `planned_changes`, with the values of `_COLUMNS`."""
    # The two names, which have columns of their own, come first.
    measures = [(index, str(name)) for index, name in planned.columns.positions(ColumnGroup.BASE)][2:]
    for operation in planned.active_operations:
        row = operation.row
        element_type_id, element_type, fields, new_values = None, row.values[0], None, None
        if isinstance(operation, Update):
            element_type_id, element_type = operation.id, operation.element_type
            fields = diff.to_json_text(operation.difference, [])
        else:
            base = {name: (None, row.values[index]) for index, name in measures if row.values[index] is not None}
            new_values = diff.to_json_text(Difference(base, {}), [])
        yield (
            job_id, row.number, row.values[1], *row.key, element_type_id, element_type, fields, new_values,
            digests.digest_change(operation, keys), counterparts.get(row.number),
        )  # fmt: skip
