"""The end of a cancelled job: what had gone in is taken out again, in one transaction with the job's end."""

from __future__ import annotations

from sqlalchemy import delete, update

from precast_app.errors import LeaseLost
from precast_app.extensions import db
from precast_app.importing import batches, making, reference, taking_back
from precast_app.jobs import lifecycle, taken_back
from precast_app.jobs.work import Work
from precast_app.models import Batch, Change, FailureReason, ImportJob, Issue, PlannedChange

_NOTHING = dict.fromkeys(
    (
        "created_count", "updated_count", "unchanged_count", "rejected_count", "pieces_added", "pieces_removed",
        "warning_count",
    ), 0,
)  # fmt: skip


def is_too_late(work: Work) -> bool:
    """Whether the job is one that goes in as a whole and is never taken out, and is in."""
    return work.job_type != "element_type_import" and bool(batches.stored_results(work.job_id))


def finish(work: Work) -> None:
    """Take out what has gone in and end the job; `work` holds a lease that doesn't heed the cancelling."""
    session = db.session()
    lifecycle.hold_alone(session, work.lease)
    job = session.get_one(ImportJob, work.job_id, populate_existing=True)
    images = taken_back.images(work.job_id)
    done = taking_back.take_back(taken_back.cursor(), work.job_id, images, lambda _: work.reporter.check())
    gone = Change.job_id == work.job_id, Change.element_type_id.not_in(done.kept)
    session.execute(delete(Change).where(*gone))
    session.execute(delete(Batch).where(Batch.job_id == work.job_id))
    session.execute(delete(PlannedChange).where(PlannedChange.job_id == work.job_id))
    session.execute(delete(Issue).where(Issue.job_id == work.job_id, Issue.batch.is_not(None)))
    if job.reference is not None and not work.dry_run:
        making.take_away(session, reference.from_json(work.project_id, job.reference))
    user = str(job.cancelled_by)
    counts = {**_NOTHING, "created_count": sum(images[id_] is None for id_ in done.kept)}
    counts["updated_count"] = len(done.kept) - counts["created_count"]
    session.execute(
        update(ImportJob)
        .where(ImportJob.id == work.job_id)
        .values(unchanged_ids=None, reference=None, plan_digest=None, **counts)
    )
    kept = taken_back.told(done.kept) if done.kept else None
    error = lifecycle.cancelled_error(user, kept)
    if not lifecycle.fail(work.lease, error=error, reason=FailureReason.CANCELLED):
        raise LeaseLost(f"Job {work.job_id} has been taken by another worker, or has ended.")
