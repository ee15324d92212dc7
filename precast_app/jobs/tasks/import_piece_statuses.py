"""The import of a list of pieces with their statuses, stages or notes: one transaction for all rows."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from sqlalchemy import delete, insert, text, update

from precast_app import database
from precast_app.errors import AllRowsRejected, NoDataRows
from precast_app.extensions import db
from precast_app.importing import batch_runner
from precast_app.importing.counts import Counts
from precast_app.importing.issues import from_notes
from precast_app.importing.profiles.schema import load_profile
from precast_app.jobs import dry_run, files, piece_parameters
from precast_app.jobs.context import (
    JobContext,
    Outcome,
    abort_error,
    describe_first_errors,
    dry_run_summary,
    import_summary,
    store_issues,
)
from precast_app.models import ImportBatch, ImportJob, OnError, Phase, PlannedPieceMove, Severity
from precast_app.pieces import moves, status_file, status_plan
from precast_app.pieces.moves import Author, WrittenMoves
from precast_app.pieces.nearest_codes import NearestCodes
from precast_app.pieces.status_file import StatusList, StatusRow
from precast_app.pieces.status_plan import StatusPlan

_ROWS_PER_INSERT = 1_000

# Something has happened to a piece since the dry run began, or it is gone.
_HAS_CHANGED = text("""
    SELECT EXISTS (
        SELECT FROM planned_piece_moves m
        WHERE m.job_id = :job_id AND (
            NOT EXISTS (SELECT FROM pieces p WHERE p.id = m.piece_id)
            OR EXISTS (SELECT FROM piece_events e WHERE e.piece_id = m.piece_id AND e.recorded_at > :since)))
""")


def run(context: JobContext) -> Outcome:
    """Import the job's list and return the outcome; raise `JobFailed` or `UnreadableFile`."""
    context.report_progress(Phase.READING)
    job = db.session.get_one(ImportJob, context.job_id)
    defaults, author = piece_parameters.defaults_from_json(job.parameters), Author(job.created_by, job.id)
    stages = moves.load_stages(db.session(), context.project_id)
    profile = None if job.profile is None else load_profile(job.profile)
    with files.open_stored(context.job_id) as file:
        database.release_connection()
        book = files.open_upload(file, context.settings, profile)
        context.report_progress(Phase.CHECKING)
        found = status_file.read(book, defaults, {id_: stage.name for id_, stage in stages.items()}, profile)
        notes = list(from_notes(book.notes))
    if not found.total:
        raise NoDataRows
    context.report_progress(Phase.PLANNING, total=found.total)
    # The import is one batch. If an earlier attempt was lost after its commit, only the result is reported again.
    if done := batch_runner.stored_results(context.job_id):
        return _outcome(context, found.total, done[0].counts)
    context.fence(db.session())
    plan = _plan(context, found)
    issues = [*notes, *found.issues, *plan.issues]
    rejected = len({issue.row for issue in issues if issue.severity is Severity.ERROR})
    if context.dry_run:
        _store_plan(context, plan)
    elif rejected and context.on_error is OnError.ABORT:
        db.session.rollback()
        store_issues(context, issues)
        db.session.commit()
        context.report_progress(Phase.WRITING, counts=Counts(rejected=rejected))
        raise abort_error(context.job_id, found.total, rejected)
    counts = Counts(updated=len(plan.rows), unchanged=plan.unchanged, rejected=rejected)
    if not context.dry_run:
        dry_run.check_digest(context, plan.digest)
        context.report_progress(Phase.WRITING)
        written = moves.write(db.session(), context.project_id, plan.changes, author)
        counts += record_batch(context.job_id, counts, written)
    store_issues(context, issues)
    db.session.commit()
    context.report_progress(
        Phase.PLANNING if context.dry_run else Phase.WRITING,
        warnings=sum(issue.severity is Severity.WARNING for issue in issues),
    )
    return _outcome(context, found.total, counts)


def is_outdated(dry: ImportJob) -> bool:
    """Return whether pieces that the dry run would move have changed since."""
    return bool(db.session.execute(_HAS_CHANGED, {"job_id": dry.id, "since": dry.started_at}).scalar_one())


def record_batch(job_id: int, counts: Counts, written: WrittenMoves) -> Counts:
    """Store the only batch of a job on pieces, and return the counts of replacements to add. The caller commits."""
    pieces = Counts(pieces_added=written.replacements, pieces_removed=written.removed_replacements)
    db.session.execute(
        insert(ImportBatch).values(
            job_id=job_id,
            number=1,
            created_count=counts.created,
            updated_count=counts.updated,
            rejected_count=counts.rejected,
            pieces_added=pieces.pieces_added,
            pieces_removed=pieces.pieces_removed,
        )
    )
    return pieces


def _plan(context: JobContext, found: StatusList) -> StatusPlan:
    """Decide what the rows change. Nobody else moves these pieces until the transaction ends, but in a dry run."""
    session = db.session()
    stages = moves.load_stages(session, context.project_id)
    nearest = NearestCodes(session, context.project_id)
    ids = moves.ids_by_code(session, context.project_id, (row.code for row in found.rows))
    rows = [row if row.code in ids else _with_own_code(row, nearest) for row in found.rows]
    ids |= moves.ids_by_code(session, context.project_id, {row.code for row in rows} - ids.keys())
    noted = {ids[row.code] for row in rows if row.note and row.code in ids}
    stored = moves.load(session, context.project_id, ids.values(), lock=not context.dry_run, with_notes=noted)
    pieces = {piece.code: piece for piece in stored.values()}
    now = datetime.now(UTC)
    return status_plan.build(context.checked(rows), found.columns, pieces, stages, now, nearest.find)


def _with_own_code(row: StatusRow, nearest: NearestCodes) -> StatusRow:
    """Return the row with the code as its piece has it, if the list only writes it in another way."""
    code = nearest.find_same(row.code)
    return row if code is None else replace(row, code=code)


def _store_plan(context: JobContext, plan: StatusPlan) -> None:
    """Store what the plan would change, in place of what an earlier attempt stored. The caller commits."""
    session = db.session()
    session.execute(delete(PlannedPieceMove).where(PlannedPieceMove.job_id == context.job_id))
    rows = []
    for each in plan.rows:
        change = each.main_change
        rows.append(
            {
                "job_id": context.job_id,
                "row": each.row,
                "piece_id": each.piece_id,
                "kind": change.kind,
                "from_value": change.before,
                "to_value": change.after,
                "stage_id": next((one.stage_id for one in each.changes if one.stage_id is not None), None),
                "happened_at": change.at,
                "note": change.note,
            }
        )
    for start in range(0, len(rows), _ROWS_PER_INSERT):
        session.execute(insert(PlannedPieceMove), rows[start : start + _ROWS_PER_INSERT])
    session.execute(update(ImportJob).where(ImportJob.id == context.job_id).values(plan_digest=plan.digest))


def _outcome(context: JobContext, total: int, counts: Counts) -> Outcome:
    # A stored result has no count of unchanged pieces.
    counts += Counts(unchanged=total - counts.processed)
    phase = Phase.PLANNING if context.dry_run else Phase.WRITING
    context.report_progress(phase, processed=total, counts=counts)
    errors = describe_first_errors(context.job_id) if counts.rejected else None
    if context.dry_run:
        return Outcome(dry_run_summary(counts.created, counts.updated, counts.unchanged, counts.rejected), errors)
    if counts.rejected == total:
        raise AllRowsRejected(total, errors)
    return Outcome(import_summary(total, counts.rejected), errors)
