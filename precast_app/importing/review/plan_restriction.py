"""What of a plan is carried out, as a user has chosen and as far as a preview has shown it. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from precast_app.enums import Severity
from precast_app.importing.diff import StoredElementType
from precast_app.importing.issues import Issue
from precast_app.importing.plan import Operation, Plan, Update
from precast_app.importing.review import digests
from precast_app.importing.review.choice import ReviewChoice
from precast_app.importing.review.digests import CreatedKeys
from precast_app.importing.review.missing import MissingElementType
from precast_app.importing.review.missing_and_renamed import MissingAndRenamed
from precast_app.importing.schema import ColumnMap
from precast_app.messages import Message


@dataclass(frozen=True, slots=True)
class Preview:
    """The hashes of what a dry run has shown: of changes by row, and of missing element types by id."""

    changes: Mapping[int, str | None]
    missing: Mapping[int, str | None]


def restrict_rows(
    plan: Plan, findings: MissingAndRenamed, choice: ReviewChoice, preview: Preview | None, keys: CreatedKeys
) -> set[int]:
    """Leave out the rows that are not wanted, refuse those that the preview has not shown like this, and rename.

    Return the numbers of the rows that are left out.
    """
    renames = {rename.update.row.number: rename.update for rename in findings.renames}
    active = [renames.get(operation.row.number, operation) for operation in plan.active_operations]
    left_out = {operation.row.number for operation in active if _is_left_out(operation, choice)}
    plan.leave_out(left_out)
    changed = [
        operation
        for operation in active
        if preview is not None
        and operation.row.number not in left_out
        and preview.changes.get(operation.row.number) != digests.digest_change(operation, keys)
    ]
    plan.refuse([_changed_row_issue(operation, plan.columns) for operation in changed])
    if choice.accepts_renames:
        refused = {operation.row.number for operation in changed}
        # A row that the database rejected in an earlier attempt keeps its rename, on which the piece numbers depend.
        plan.rename(update for row, update in renames.items() if row not in refused)
    return left_out


def removal_candidates(plan: Plan, findings: MissingAndRenamed, choice: ReviewChoice) -> list[MissingElementType]:
    """Return the missing element types that were chosen to be removed, after `restrict_rows`.

    Where a probable rename is left out or refused, the former name stays, too.
    """
    if not choice.removes_missing:
        return []
    kept = set(choice.element_type_ids)
    remaining = {operation.row.number for operation in plan.active_operations}
    for rename in findings.renames:
        if choice.accepts_renames or rename.update.row.number not in remaining:
            kept.add(rename.missing.id)
    return [each for each in findings.missing if each.id not in kept]


def check_removals(
    candidates: Collection[MissingElementType],
    stored: Mapping[int, StoredElementType],
    preview: Preview,
    columns: ColumnMap,
) -> tuple[list[MissingElementType], list[Issue]]:
    """Return the candidates that the preview has shown as they are now, and an issue for each that has changed.

    Those that the preview has not shown are kept without an issue: nobody has chosen to remove them.
    """
    shown = [each for each in candidates if each.id in preview.missing]
    unchanged, issues = [], []
    for each in shown:
        if preview.missing[each.id] == digests.digest_missing(each, stored[each.id]):
            unchanged.append(each)
        else:
            message = Message(
                "%(element_type)s has changed since the preview, so it was not removed. Start a new preview.",
                element_type=each.full_name,
            )
            issue = columns.issue(
                severity=Severity.WARNING, code="changed_since_preview", message=message, value=each.full_name
            )
            issues.append(issue)
    return unchanged, issues


def _is_left_out(operation: Operation, choice: ReviewChoice) -> bool:
    return operation.row.number in choice.rows or (
        isinstance(operation, Update) and operation.id in choice.element_type_ids
    )


def _changed_row_issue(operation: Operation, columns: ColumnMap) -> Issue:
    element_type = operation.element_type if isinstance(operation, Update) else operation.row.values[0]
    return columns.issue(
        severity=Severity.ERROR,
        code="changed_since_preview",
        message="The element type has changed since the preview, so this row was not imported. Start a new preview to "
        "see what the row would change now.",
        row=operation.row.number,
        column=columns.columns[1],
        value=f"{element_type} {operation.row.values[1]}",
    )
