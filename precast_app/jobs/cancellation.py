"""The end of a cancelled job: what had gone in is taken out again, in one transaction with the job's end."""

from __future__ import annotations

from sqlalchemy import delete, update

from precast_app.errors import LeaseLost
from precast_app.extensions import db
from precast_app.importing import batch_runner, create_missing, reference_data, revert
from precast_app.jobs import before_images, lifecycle
from precast_app.jobs.context import JobContext
from precast_app.models import ElementTypeChange, FailureReason, ImportBatch, ImportJob, Issue, PlannedChange

_ZERO_COUNTS = dict.fromkeys(
    (
        "created_count", "updated_count", "unchanged_count", "rejected_count", "pieces_added", "pieces_removed",
        "warning_count",
    ), 0,
)  # fmt: skip


def is_too_late(context: JobContext) -> bool:
    """Whether the job is one that goes in as a whole and is never taken out, and is in."""
    return context.job_type != "element_type_import" and bool(batch_runner.stored_results(context.job_id))


def revert_and_fail(context: JobContext) -> None:
    """Take out what has gone in and end the job; `context` holds a lease that doesn't heed the cancelling."""
    session = db.session()
    lifecycle.fence_exclusive(session, context.lease)
    job = session.get_one(ImportJob, context.job_id, populate_existing=True)
    images = before_images.load(context.job_id)
    done = revert.revert_changes(
        before_images.psycopg2_cursor(), context.job_id, images, lambda _: context.reporter.raise_if_stopped()
    )
    gone = ElementTypeChange.job_id == context.job_id, ElementTypeChange.element_type_id.not_in(done.kept)
    session.execute(delete(ElementTypeChange).where(*gone))
    session.execute(delete(ImportBatch).where(ImportBatch.job_id == context.job_id))
    session.execute(delete(PlannedChange).where(PlannedChange.job_id == context.job_id))
    session.execute(delete(Issue).where(Issue.job_id == context.job_id, Issue.batch.is_not(None)))
    if job.reference is not None and not context.dry_run:
        create_missing.delete_created(session, reference_data.from_json(context.project_id, job.reference))
    user = str(job.cancelled_by)
    counts = {**_ZERO_COUNTS, "created_count": sum(images[id_] is None for id_ in done.kept)}
    counts["updated_count"] = len(done.kept) - counts["created_count"]
    session.execute(
        update(ImportJob)
        .where(ImportJob.id == context.job_id)
        .values(unchanged_ids=None, reference=None, plan_digest=None, **counts)
    )
    kept = before_images.describe_kept(done.kept) if done.kept else None
    error = lifecycle.cancellation_message(user, kept)
    if not lifecycle.fail(context.lease, error=error, reason=FailureReason.CANCELLED):
        raise LeaseLost(f"Job {context.job_id} has been taken by another worker, or has ended.")
