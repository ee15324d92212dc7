"""Carry out a plan as a whole or not at all: all batches one after another, in one transaction."""

from __future__ import annotations

from precast_app.extensions import db
from precast_app.importing import batch_runner
from precast_app.importing.batch_runner import BatchResult, Fence
from precast_app.importing.batch_sql import BatchTarget
from precast_app.importing.issues import Issue
from precast_app.importing.plan import Plan


class RowsRejected(Exception):
    """The database refused rows, and everything was rolled back; `issues` tell of the first batch with such rows."""

    def __init__(self, issues: tuple[Issue, ...]) -> None:
        super().__init__(f"{len(issues)} rows were refused")
        self.issues = issues


def run_atomically(plan: Plan, target: BatchTarget, *, done: frozenset[int], fence: Fence) -> list[BatchResult]:
    """Do the batches that are not in yet, and commit; raises `RowsRejected` where the database refuses a row.

    Those that are in are all of them: an earlier attempt was lost after its commit.
    """
    results = []
    for batch in plan.batches():
        if batch.number in done:
            continue
        # Held once; asked again, so that a cancelled job stops between two batches.
        fence(db.session())
        result = batch_runner.write_in_transaction(batch, target)
        if result.issues:
            db.session.rollback()
            raise RowsRejected(result.issues)
        results.append(result)
    db.session.commit()
    return results
