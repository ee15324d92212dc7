"""Execute a plan all or nothing: all batches one after another, in one transaction."""

from __future__ import annotations

from precast_app.enums import Severity
from precast_app.extensions import db
from precast_app.importing import batch_runner
from precast_app.importing.batch_runner import BatchResult, Fence
from precast_app.importing.batch_sql import BatchTarget
from precast_app.importing.issues import Issue
from precast_app.importing.plan import Plan


class RowsRejected(Exception):
    """The database rejected rows of a batch; `issues` has one for each of the rows."""

    def __init__(self, issues: tuple[Issue, ...]) -> None:
        super().__init__(f"{len(issues)} rows were rejected")
        self.issues = issues


def run_atomically(plan: Plan, target: BatchTarget, *, done: frozenset[int], fence: Fence) -> list[BatchResult]:
    """Write the batches that are not in `done`; raise `RowsRejected` if the database rejects a row.

    `done` is empty, or has every batch if an earlier attempt was lost after its commit. The caller commits, or rolls
    back after an exception.
    """
    results = []
    for batch in plan.batches():
        if batch.number in done:
            continue
        # The first call holds the lease; the others stop a cancelled job between two batches.
        fence(db.session())
        result = batch_runner.write_in_transaction(batch, target)
        if rejected := tuple(issue for issue in result.issues if issue.severity is Severity.ERROR):
            raise RowsRejected(rejected)
        results.append(result)
    return results
