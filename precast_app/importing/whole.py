"""Carry out a plan as a whole or not at all: all batches one after another, in one transaction."""

from __future__ import annotations

from precast_app.extensions import db
from precast_app.importing import batches
from precast_app.importing.batches import BatchResult, Fence
from precast_app.importing.issues import Issue
from precast_app.importing.plan import Plan
from precast_app.importing.writing import Target


class RowsRefused(Exception):
    """The database refused rows, and everything was rolled back; `issues` tell of the first batch with such rows."""

    def __init__(self, issues: tuple[Issue, ...]) -> None:
        super().__init__(f"{len(issues)} rows were refused")
        self.issues = issues


def run(plan: Plan, target: Target, *, done: frozenset[int], fence: Fence) -> list[BatchResult]:
    """Do the batches that are not in yet, and commit; raises `RowsRefused` where the database refuses a row.

    Those that are in are all of them: an earlier attempt was lost after its commit.
    """
    results = []
    for batch in plan.batches():
        if batch.number in done:
            continue
        # Held once; asked again, so that a cancelled job stops between two batches.
        fence(db.session())
        result = batches.write_inside(batch, target)
        if result.issues:
            db.session.rollback()
            raise RowsRefused(result.issues)
        results.append(result)
    db.session.commit()
    return results
