"""The undo of a job that moved pieces, in one transaction: all of it or nothing."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import update

from precast_app.errors import JobFailed
from precast_app.extensions import db
from precast_app.importing import batch_runner
from precast_app.importing.counts import Counts
from precast_app.jobs.context import JobContext, Outcome
from precast_app.jobs.tasks.import_piece_statuses import record_batch
from precast_app.messages import Message, join_messages, plural_message
from precast_app.models import ImportJob, Phase
from precast_app.pieces import undo
from precast_app.pieces.moves import Author


def run(context: JobContext) -> Outcome:
    """Undo the job that this one names. Raise `JobFailed` if it can't be undone; nothing is changed then.

    An attempt that was lost after its commit is not repeated; its result is reported again.
    """
    job = db.session.get_one(ImportJob, context.job_id)
    target_id, author = int(job.undoes_job_id or 0), Author(job.created_by, job.id)
    total = undo.count_pieces(db.session(), target_id)
    context.report_progress(Phase.UNDOING, total=total)
    if not batch_runner.stored_results(context.job_id):
        _undo(context, target_id, author)
        db.session.commit()
    (result,) = batch_runner.stored_results(context.job_id)
    context.report_progress(Phase.UNDOING, processed=total, counts=result.counts)
    return Outcome(
        plural_message(
            "Undid job %(job)s: %(count)s piece put back as they were",
            "Undid job %(job)s: %(count)s pieces put back as they were",
            result.counts.updated,
            job=target_id,
        )
    )


def find_conflicts(target: ImportJob) -> list[str]:
    """Return the reasons why a job's moves of pieces can't be undone, each as one or two sentences."""
    if target.undone_by_job_id is not None:
        return [Message("It was undone by job %(job)s.", job=target.undone_by_job_id)]
    return undo.find_conflicts(db.session(), target.id)


def _undo(context: JobContext, target_id: int, author: Author) -> None:
    session = db.session()
    context.fence(session)
    target = session.get_one(ImportJob, target_id, with_for_update=True, populate_existing=True)
    if target.completed_at is None:
        raise JobFailed(
            Message("Job %(job)s is being retried, so it was not undone. Wait until it ends.", job=target_id)
        )
    undo.lock_pieces(session, target_id)
    if conflicts := find_conflicts(target):
        raise JobFailed(
            join_messages(" ", [Message("Job %(job)s was not undone; nothing was changed.", job=target_id), *conflicts])
        )
    undone = undo.revert_moves(session, context.project_id, target_id, author, datetime.now(UTC))
    record_batch(context.job_id, Counts(updated=undone.pieces), undone.written)
    session.execute(update(ImportJob).where(ImportJob.id == target_id).values(undone_by_job_id=context.job_id))
