"""The review of an import's plan: what the file lacks and renames, what the user chose, and what a preview has shown.

Everything is decided from the snapshot of the project in which the plan was built. A job that starts again after some
of its batches were committed keeps the renames and the list of removals that it began with.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass, replace
from typing import Protocol

from sqlalchemy import select

from precast_app.extensions import db
from precast_app.importing import batch_runner
from precast_app.importing.current_state import CurrentState
from precast_app.importing.diff import RowComparison
from precast_app.importing.issues import Issue
from precast_app.importing.plan import Create, Plan, Remove
from precast_app.importing.reference_data import ReferenceData
from precast_app.importing.review import digests, missing, missing_and_renamed, plan_restriction, renames
from precast_app.importing.review.choice import ReviewChoice
from precast_app.importing.review.missing import MissingElementType, in_production_issue
from precast_app.importing.review.missing_and_renamed import MissingAndRenamed
from precast_app.importing.review.plan_restriction import Preview
from precast_app.importing.row_validation import Row
from precast_app.models import ImportJob, PlannedChange, Renames
from precast_app.models import MissingElementType as MissingRow
from precast_app.text import identity_key


class ReviewedJob(Protocol):
    """The job whose plan is reviewed, and what its user has chosen; `only_rows` is None if it is for all rows."""

    @property
    def job_id(self) -> int: ...

    @property
    def batch_size(self) -> int: ...

    @property
    def dry_run(self) -> bool: ...

    @property
    def choice(self) -> ReviewChoice: ...

    @property
    def only_rows(self) -> Set[int] | None: ...


@dataclass(frozen=True, slots=True)
class PlanReview:
    """What was found and decided: `removals` are the missing element types that were chosen to go, by id.

    Those with pieces in production stay nevertheless. `is_outdated` says that nothing is left of what the preview has
    shown.
    """

    findings: MissingAndRenamed
    removals: tuple[MissingElementType, ...] = ()
    issues: tuple[Issue, ...] = ()
    is_outdated: bool = False

    @property
    def missing_count(self) -> int:
        """The number of element types that the file lacks, without probable renames."""
        return len(self.findings.not_renamed)


def review_plan(
    job: ReviewedJob, planned: Plan, rows: Sequence[Row], stored: CurrentState, reference: ReferenceData
) -> PlanReview:
    """Change the plan as the user chose it, and return what was found."""
    if job.only_rows is not None:
        # A job for some rows can't tell what the file lacks.
        return PlanReview(MissingAndRenamed())
    if job.dry_run:
        return _preview(job, planned, missing_and_renamed.find(planned, rows, stored), stored, reference)
    begun = _load_begun(job.job_id) if batch_runner.stored_results(job.job_id) else None
    preview = _load_preview(job)
    choice = job.choice
    if preview is None and not choice.removes_missing and not choice.accepts_renames:
        lacking, _ = missing.find_missing(missing.read_names(rows), planned.columns, stored)
        return PlanReview(MissingAndRenamed(tuple(lacking)))
    found = missing_and_renamed.find(planned, rows, stored)
    if preview is not None and preview.ignores_renames:
        found = replace(found, renames=())
    if begun is not None:
        found = _continue(found, begun, planned, stored, accepts_renames=choice.accepts_renames)
    shown = preview.shown if preview else None
    left_out = plan_restriction.restrict_rows(planned, found, choice, shown, digests.created_keys(reference))
    candidates = plan_restriction.removal_candidates(planned, found, choice)
    issues = list(found.issues) if choice.removes_missing else []
    if begun is not None:
        candidates = [each for each in candidates if each.id in begun]
    elif shown is not None:
        types = stored.element_types_by_id([each.id for each in candidates])
        candidates, changed = plan_restriction.check_removals(candidates, types, shown, planned.columns)
        issues += changed
    issues += _remove(job, planned, candidates, stored)
    expected = shown.changes.keys() - choice.rows - left_out if shown and begun is None else set()
    is_outdated = bool(expected) and not planned.removals and not any(planned.active_operations)
    accepted = found if choice.accepts_renames else replace(found, renames=())
    return PlanReview(accepted, tuple(candidates), tuple(issues), is_outdated)


def _preview(
    job: ReviewedJob, planned: Plan, found: MissingAndRenamed, stored: CurrentState, reference: ReferenceData
) -> PlanReview:
    """Plan what a job would do that accepts all probable renames, unless these are ignored."""
    if job.choice.renames is Renames.IGNORE:
        found = replace(found, renames=())
    choice = replace(job.choice, renames=Renames.ACCEPT)
    plan_restriction.restrict_rows(planned, found, choice, None, digests.created_keys(reference))
    candidates = plan_restriction.removal_candidates(planned, found, choice)
    issues = _remove(job, planned, candidates, stored)
    types = stored.element_types_by_id([each.id for each in found.missing]) if found.missing else {}
    hashes = {each.id: digests.digest_missing(each, types[each.id]) for each in found.missing}
    return PlanReview(replace(found, digests=hashes), tuple(candidates), (*found.issues, *issues))


def _remove(
    job: ReviewedJob, planned: Plan, candidates: Sequence[MissingElementType], stored: CurrentState
) -> list[Issue]:
    """Add the removals of those without pieces in production to the plan; return an issue for each of the others."""
    ids = [each.id for each in candidates]
    if not ids:
        return []
    types, in_production = stored.element_types_by_id(ids), stored.ids_in_production(ids)
    removals = {
        each.id: Remove(each, types[each.id])
        for each in candidates
        if each.id in types and each.id not in in_production
    }
    planned.remove(removals, ids, job.batch_size)
    return [in_production_issue(each, planned.columns) for each in candidates if each.id in in_production]


@dataclass(frozen=True, slots=True)
class _ShownPreview:
    shown: Preview
    ignores_renames: bool


def _load_preview(job: ReviewedJob) -> _ShownPreview | None:
    """Return what the dry run that the job applies has shown; None if it applies none."""
    dry_run_id = db.session.scalar(select(ImportJob.applies_job_id).where(ImportJob.id == job.job_id))
    if dry_run_id is None:
        return None
    changes = select(PlannedChange.row, PlannedChange.digest).where(PlannedChange.job_id == dry_run_id)
    lacking = select(MissingRow.element_type_id, MissingRow.digest).where(MissingRow.job_id == dry_run_id)
    shown = Preview(
        {each.row: each.digest for each in db.session.execute(changes)},
        {each.element_type_id: each.digest for each in db.session.execute(lacking)},
    )
    renames_option = db.session.scalar(select(ImportJob.renames).where(ImportJob.id == dry_run_id))
    return _ShownPreview(shown, renames_option == Renames.IGNORE)


def _load_begun(job_id: int) -> dict[int, tuple[MissingElementType, int | None]]:
    """Return the element types that the job's first attempt began to remove or rename, with the row of the new name."""
    query = select(MissingRow).where(MissingRow.job_id == job_id).order_by(MissingRow.element_type_id)
    return {
        row.element_type_id: (
            MissingElementType(
                row.element_type_id, row.element_type, row.name, identity_key(row.element_type), identity_key(row.name)
            ),
            row.renamed_row,
        )
        for row in db.session.scalars(query)
    }


def _continue(
    found: MissingAndRenamed,
    begun: dict[int, tuple[MissingElementType, int | None]],
    planned: Plan,
    stored: CurrentState,
    *,
    accepts_renames: bool,
) -> MissingAndRenamed:
    """Return the findings with the renames and removals of the first attempt in place of new ones.

    Renames that are not accepted are not stored with the job. They stay as they are found, because the preview has
    shown their rows as renames.
    """
    others = [each for each in found.missing if each.id not in begun]
    first = [each for each, _ in begun.values()]
    lacking = tuple(sorted([*first, *others], key=lambda each: each.id))
    if not accepts_renames:
        return replace(found, missing=lacking)
    created = {
        operation.row.number: operation.row
        for operations in planned.operations.values()
        for operation in operations
        if isinstance(operation, Create)
    }
    pairs = [(each, created[row]) for each, row in begun.values() if row in created]
    again = renames.build_renames(pairs, RowComparison(planned.columns), stored)
    return replace(found, missing=lacking, renames=tuple(again))
