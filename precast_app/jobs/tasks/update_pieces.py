"""The move of many pieces at once: those that a filter finds, or those that a job has moved."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import select

from precast_app.enums import PieceEventKind
from precast_app.errors import AllRowsRejected, JobFailed
from precast_app.extensions import db
from precast_app.importing import batch_runner
from precast_app.importing.counts import Counts
from precast_app.importing.issues import Issue
from precast_app.jobs.context import JobContext, Outcome, describe_first_errors, import_summary, store_issues
from precast_app.jobs.piece_parameters import PieceUpdate
from precast_app.jobs.tasks.import_piece_statuses import record_batch
from precast_app.messages import Message
from precast_app.models import ImportJob, Phase, Piece, PieceEvent, Severity
from precast_app.pieces import moves, selection, transitions
from precast_app.pieces.moves import Author
from precast_app.pieces.transitions import Change, Moment, Move, MoveRefused


def run(context: JobContext) -> Outcome:
    """Move the pieces in one transaction and return the outcome.

    Raise `JobFailed` if the number of pieces is not the expected one any more; nothing is changed then.
    """
    asked = PieceUpdate.from_json(context.parameters)
    context.report_progress(Phase.PLANNING, total=asked.expected)
    # The update is one batch. If an earlier attempt was lost after its commit, only the result is reported again.
    if not (done := batch_runner.stored_results(context.job_id)):
        counts = _update(context, asked)
        db.session.commit()
    else:
        counts = done[0].counts
        counts += Counts(unchanged=asked.expected - counts.processed)
    context.report_progress(Phase.WRITING, processed=asked.expected, counts=counts)
    errors = describe_first_errors(context.job_id) if counts.rejected else None
    if counts.rejected == asked.expected:
        raise AllRowsRejected(asked.expected, errors)
    return Outcome(import_summary(asked.expected, counts.rejected), errors)


def count_matching(project_id: int, asked: PieceUpdate) -> int:
    """Return how many pieces the update is about now."""
    return len(_ids(project_id, asked)) if asked.pieces_of_job_id else selection.count(project_id, asked.filter)


def describe_other_count(expected: int, found: int) -> str:
    """Return the message for an update whose pieces are more or fewer than was expected."""
    return Message(
        "The filter finds %(found)s pieces now, and %(expected)s were expected, so nothing was "
        "changed. Look at the list again, and repeat it.",
        found=found,
        expected=expected,
    )


def _ids(project_id: int, asked: PieceUpdate) -> list[int]:
    if asked.pieces_of_job_id is None:
        query = selection.matching(project_id, asked.filter).with_only_columns(Piece.id)
    else:
        moved = select(PieceEvent.piece_id).where(
            PieceEvent.job_id == asked.pieces_of_job_id, PieceEvent.kind != PieceEventKind.NOTE
        )
        query = select(Piece.id).where(Piece.project_id == project_id, Piece.id.in_(moved))
    return list(db.session.scalars(query))


def _update(context: JobContext, asked: PieceUpdate) -> Counts:
    """Write the moves and the issues of pieces that can't move so, and return the counts. The caller commits."""
    session, now = db.session(), datetime.now(UTC)
    context.fence(session)
    ids = _ids(context.project_id, asked)
    if len(ids) != asked.expected:
        raise JobFailed(describe_other_count(asked.expected, len(ids)))
    pieces = moves.load(session, context.project_id, ids, lock=True, with_notes=ids if asked.note else ())
    stages = moves.load_stages(session, context.project_id)
    move = Move(Moment.of(asked.date, now), asked.status, asked.stage_id, asked.note, asked.reason)
    changes: dict[int, tuple[Change, ...]] = {}
    issues: list[Issue] = []
    for piece in context.checked(pieces.values()):
        try:
            _, made = transitions.decide(piece.state, move, stages, now)
        except MoveRefused as refused:
            issues.append(Issue(severity=Severity.ERROR, code=refused.code, message=refused.message, value=piece.code))
            continue
        if made:
            changes[piece.id] = made
    counts = Counts(updated=len(changes), unchanged=len(pieces) - len(changes) - len(issues), rejected=len(issues))
    context.report_progress(Phase.WRITING)
    created_by = session.get_one(ImportJob, context.job_id).created_by
    written = moves.write(session, context.project_id, changes, Author(created_by, context.job_id))
    counts += record_batch(context.job_id, counts, written)
    store_issues(context, issues)
    return counts
