"""What a review of a plan finds: missing element types, probable renames, and names with another type. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from precast_app.importing.diff import RowComparison
from precast_app.importing.issues import Issue
from precast_app.importing.plan import Create, Plan
from precast_app.importing.review.missing import MissingElementType, MissingReader, find_missing, read_names
from precast_app.importing.review.renames import ProbableRename, StoredReader, find_counterparts, find_renames
from precast_app.importing.row_validation import Row


class ReviewReader(MissingReader, StoredReader, Protocol):
    """The state of the project before the job, as a review needs it."""


@dataclass(frozen=True, slots=True)
class MissingAndRenamed:
    """What a file lacks and what it probably renames.

    `missing` has the element types that are renamed too. `row_counterparts` and `type_counterparts` are the names that
    stand on the other side with another type, by row number and by the id of the missing element type.
    """

    missing: tuple[MissingElementType, ...] = ()
    renames: tuple[ProbableRename, ...] = ()
    row_counterparts: dict[int, str] = field(default_factory=dict)
    type_counterparts: dict[int, str] = field(default_factory=dict)
    issues: tuple[Issue, ...] = ()
    # Hashes of the missing element types as they are stored, by id; in a dry run.
    digests: dict[int, str] = field(default_factory=dict)

    @property
    def not_renamed(self) -> list[MissingElementType]:
        """The missing element types that are no probable renames."""
        renamed = {rename.missing.id for rename in self.renames}
        return [each for each in self.missing if each.id not in renamed]


def find(plan: Plan, rows: Sequence[Row], stored: ReviewReader) -> MissingAndRenamed:
    """Review a plan that was built from the rows. The plan is not changed."""
    missing, issues = find_missing(read_names(rows), plan.columns, stored)
    if not missing:
        return MissingAndRenamed(issues=tuple(issues))
    created = [operation.row for operation in plan.active_operations if isinstance(operation, Create)]
    renames = find_renames(missing, created, RowComparison(plan.columns), stored)
    renamed_ids = {rename.missing.id for rename in renames}
    renamed_rows = {rename.update.row.number for rename in renames}
    by_row, by_type = find_counterparts(
        (each for each in missing if each.id not in renamed_ids),
        (row for row in created if row.number not in renamed_rows),
    )
    return MissingAndRenamed(tuple(missing), tuple(renames), by_row, by_type, tuple(issues))
