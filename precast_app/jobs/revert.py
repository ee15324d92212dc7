"""Revert what an import changed: when it is cancelled, or as the job that undoes it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from sqlalchemy import delete, exists, insert, select, text, update

from precast_app import database
from precast_app.errors import Conflict, JobFailed, LeaseLost
from precast_app.extensions import current_settings, db
from precast_app.importing import batch_runner, create_missing, diff, reference_data, revert
from precast_app.importing.piece_limits import shown
from precast_app.importing.revert import BeforeImages, RevertResult
from precast_app.jobs import lifecycle
from precast_app.jobs.context import JobContext, Outcome
from precast_app.messages import Message, join_messages, plural_message
from precast_app.models import (
    ElementType,
    ElementTypeChange,
    FailureReason,
    ImportBatch,
    ImportJob,
    Issue,
    JobStatus,
    MissingElementType,
    Phase,
    PlannedChange,
    PlannedPieceMove,
)

_MAX_LISTED = 10
_ROWS_PER_INSERT = 1_000

# Jobs that changed the same element types later and still stand. A job counts as later if it ended after the target
# began, since a retried job writes twice. It does not stand if it was undone, or is the undo of such a later job.
_LATER_CHANGES = text("""
    SELECT c.job_id, array_agg(c.element_type_id) FROM element_type_changes c
    JOIN import_jobs later ON later.id = c.job_id
    LEFT JOIN import_jobs target ON target.id = later.undoes_job_id
    WHERE c.element_type_id IN (SELECT element_type_id FROM element_type_changes WHERE job_id = :job_id)
      AND later.id <> :job_id AND coalesce(later.completed_at, 'infinity') > :since AND later.undone_by_job_id IS NULL
      AND NOT coalesce(target.completed_at > :since, false)
    GROUP BY c.job_id ORDER BY c.job_id
""")
_IN_PRODUCTION = text("""
    SELECT DISTINCT p.element_type_id FROM element_type_changes c JOIN pieces p USING (element_type_id)
    WHERE c.job_id = :job_id AND p.job_id = :job_id AND p.status <> 'planned'
""")

# How many pieces the undo of a job would restore, and how many the project would then have.
_PIECES_AFTER_UNDO = text("""
    WITH restored AS (
        SELECT coalesce(sum(json_array_length(fields -> 'removed_pieces')), 0) AS number
        FROM element_type_changes WHERE job_id = :job_id
    )
    SELECT restored.number, restored.number + (
        SELECT count(*) FROM pieces WHERE project_id = :project_id AND job_id IS DISTINCT FROM :job_id
    ) FROM restored
""")

_NO_COUNTS = dict.fromkeys(
    (
        "created_count", "updated_count", "unchanged_count", "rejected_count", "renamed_count", "missing_count",
        "removed_count", "left_out_count", "pieces_added", "pieces_removed", "warning_count",
    ), 0,
)  # fmt: skip


def check_undoable(target: ImportJob, conflicts_of: Callable[[ImportJob], list[str]]) -> None:
    """Raise `Conflict` with the reasons if the job can't be undone now; `conflicts_of` finds those of its job type."""
    if target.status not in (JobStatus.COMPLETED, JobStatus.FAILED):
        raise Conflict(Message("Job %(job)s has not ended. Wait until it ends, or cancel it.", job=target.id))
    if not db.session.scalar(select(exists().where(ImportBatch.job_id == target.id))):
        raise Conflict(Message("Job %(job)s has not changed anything, so there is nothing to undo.", job=target.id))
    if conflicts := conflicts_of(target):
        raise Conflict(
            join_messages(" ", [Message("Job %(job)s can't be undone.", job=target.id), *conflicts]), {"job": conflicts}
        )


def find_conflicts(target: ImportJob) -> list[str]:
    """Return the reasons why an import can't be undone, each as one or two sentences."""
    if target.undone_by_job_id is not None:
        return [Message("It was undone by job %(job)s.", job=target.undone_by_job_id)]
    parameters = {"job_id": target.id, "since": target.started_at}
    conflicts: list[str] = [
        Message(
            "Job %(job)s has changed %(element_types)s since. Undo that job first.",
            job=later,
            element_types=_describe_element_types(ids),
        )
        for later, ids in db.session.execute(_LATER_CHANGES, parameters).all()
    ]
    if moved := list(db.session.scalars(_IN_PRODUCTION, parameters)):
        conflicts.append(
            Message(
                "Pieces that it created are in production: %(element_types)s.",
                element_types=_describe_element_types(moved),
            )
        )
    limit = current_settings().pieces_per_project
    restored, after = db.session.execute(_PIECES_AFTER_UNDO, {**parameters, "project_id": target.project_id}).one()
    if restored and after > limit:
        conflicts.append(
            Message(
                "With the pieces that it removed, the project would have %(after)s pieces; the limit is "
                "%(limit)s (PIECES_PER_PROJECT).",
                after=shown(after),
                limit=shown(limit),
            )
        )
    return conflicts


def revert_cancelled(context: JobContext) -> None:
    """Revert what a cancelled job has committed, and end the job as failed. The caller commits.

    Raise `LeaseLost` if another worker has taken the job. The context's lease must not stop on cancel.
    """
    session = db.session()
    lifecycle.fence_exclusive(session, context.lease)
    job = session.get_one(ImportJob, context.job_id, populate_existing=True)
    before_images = _load_before_images(context.job_id)
    result = revert.revert_changes(
        database.driver_cursor(), context.job_id, before_images, lambda _: context.reporter.raise_if_stopped()
    )
    _forget_changes(context.job_id, result.kept)
    if job.reference is not None and not context.dry_run:
        create_missing.delete_created(session, reference_data.from_json(context.project_id, job.reference))
    created = sum(before_images[id_] is None for id_ in result.kept)
    counts = {**_NO_COUNTS, "created_count": created, "updated_count": len(result.kept) - created}
    session.execute(
        update(ImportJob)
        .where(ImportJob.id == context.job_id)
        .values(unchanged_ids=None, reference=None, plan_digest=None, **counts)
    )
    kept = _describe_kept(result.kept) if result.kept else None
    error = lifecycle.cancellation_message(str(job.cancelled_by), kept)
    if not lifecycle.fail(context.lease, error=error, reason=FailureReason.CANCELLED):
        raise LeaseLost(f"Job {context.job_id} was taken by another worker, or has ended.")


def run_undo(context: JobContext) -> Outcome:
    """Undo the import that the job names, in one transaction: all of it or nothing. Raise `JobFailed` if it can't be.

    An attempt that was lost after its commit is not repeated; its result is reported again.
    """
    job = db.session.get_one(ImportJob, context.job_id)
    target_id = int(job.undoes_job_id or 0)
    before_images = _load_before_images(target_id)
    context.report_progress(Phase.UNDOING, total=len(before_images))
    if not batch_runner.stored_results(context.job_id):
        _undo(context, target_id, before_images)
        db.session.commit()
    (result,) = batch_runner.stored_results(context.job_id)
    context.report_progress(Phase.UNDOING, processed=len(before_images), counts=result.counts)
    restored = result.counts.updated
    deleted = len(before_images) - restored
    return Outcome(
        Message(
            "Undid job %(job)s: %(deleted)s elements deleted, %(restored)s put back as they were",
            job=target_id,
            deleted=deleted,
            restored=restored,
        )
    )


def _undo(context: JobContext, target_id: int, before_images: BeforeImages) -> None:
    session = db.session()
    context.fence(session)
    target = session.get_one(ImportJob, target_id, with_for_update=True, populate_existing=True)
    if target.completed_at is None:
        raise JobFailed(
            Message("Job %(job)s is being retried, so it was not undone. Wait until it ends.", job=target_id)
        )
    if conflicts := find_conflicts(target):
        raise JobFailed(
            join_messages(" ", [Message("Job %(job)s was not undone; nothing was changed.", job=target_id), *conflicts])
        )
    created_names = _names_of_created(before_images)
    result = revert.revert_changes(
        database.driver_cursor(),
        target_id,
        before_images,
        lambda count: context.report_progress(Phase.UNDOING, processed=count),
    )
    if result.kept:
        raise JobFailed(
            Message(
                "Job %(job)s was not undone; nothing was changed. Pieces have gone into production, or a "
                "previous value refers to something that has been deleted or is in use: %(element_types)s.",
                job=target_id,
                element_types=_describe_element_types(result.kept),
            )
        )
    if target.reference is not None:
        create_missing.delete_created(session, reference_data.from_json(context.project_id, target.reference))
    session.execute(update(ImportJob).where(ImportJob.id == target_id).values(undone_by_job_id=context.job_id))
    session.execute(update(ImportJob).where(ImportJob.id == context.job_id).values(reference=target.reference))
    _record_undo(context.job_id, target_id, before_images, created_names, result)


def _record_undo(
    job_id: int,
    target_id: int,
    before_images: BeforeImages,
    created_names: Mapping[int, tuple[str, str]],
    result: RevertResult,
) -> None:
    """Store the undo's changes as an import stores its own: one batch, and a change of each element type."""
    changes = list(_undo_changes(job_id, target_id, before_images, created_names))
    for start in range(0, len(changes), _ROWS_PER_INSERT):
        db.session.execute(insert(ElementTypeChange), changes[start : start + _ROWS_PER_INSERT])
    db.session.execute(
        insert(ImportBatch).values(
            job_id=job_id,
            number=1,
            created_count=0,
            updated_count=result.restored,
            rejected_count=0,
            pieces_added=result.pieces_added,
            pieces_removed=result.pieces_removed,
        )
    )


def _undo_changes(
    job_id: int, target_id: int, before_images: BeforeImages, created_names: Mapping[int, tuple[str, str]]
) -> Iterator[dict[str, Any]]:
    found = select(ElementTypeChange.element_type_id, ElementTypeChange.row).where(
        ElementTypeChange.job_id == target_id
    )
    rows: dict[int, int | None] = {each.element_type_id: each.row for each in db.session.execute(found)}
    for id_, before_image in before_images.items():
        fields: dict[str, Any] | None
        if before_image is None:
            fields = {diff.DELETED: list(created_names.get(id_, ("", "")))}
        elif diff.DELETED in before_image:
            # The undo has created the element type again.
            fields = None
        else:
            fields = diff.invert(before_image)
        yield {"job_id": job_id, "element_type_id": id_, "row": rows[id_], "fields": fields}


def _load_before_images(job_id: int) -> BeforeImages:
    """Return the job's before-images by element type, in the order of its rows."""
    found = (
        select(ElementTypeChange.element_type_id, ElementTypeChange.fields)
        .where(ElementTypeChange.job_id == job_id)
        .order_by(ElementTypeChange.row)
    )
    return {row.element_type_id: row.fields for row in db.session.execute(found)}


def _forget_changes(job_id: int, kept: Collection[int]) -> None:
    """Delete what the job has recorded of its batches, except for the changes of the element types that are kept."""
    reverted = ElementTypeChange.job_id == job_id, ElementTypeChange.element_type_id.not_in(kept)
    db.session.execute(delete(ElementTypeChange).where(*reverted))
    db.session.execute(delete(ImportBatch).where(ImportBatch.job_id == job_id))
    db.session.execute(delete(PlannedChange).where(PlannedChange.job_id == job_id))
    db.session.execute(delete(PlannedPieceMove).where(PlannedPieceMove.job_id == job_id))
    db.session.execute(delete(MissingElementType).where(MissingElementType.job_id == job_id))
    db.session.execute(delete(Issue).where(Issue.job_id == job_id, Issue.batch.is_not(None)))


def _names_of_created(before_images: BeforeImages) -> dict[int, tuple[str, str]]:
    """Return type and name of the element types that the import created, by id; an undo deletes them."""
    created = [id_ for id_, before_image in before_images.items() if before_image is None]
    found = select(ElementType.id, ElementType.element_type, ElementType.name).where(ElementType.id.in_(created))
    return {row.id: (row.element_type, row.name) for row in db.session.execute(found)}


def _describe_element_types(ids: Collection[int]) -> str:
    """Return the names of the first few element types, and how many more there are."""
    first = select(ElementType).where(ElementType.id.in_(ids)).order_by(ElementType.element_type, ElementType.name)
    names = [f"{each.element_type} {each.name}" for each in db.session.scalars(first.limit(_MAX_LISTED))]
    more = len(ids) - len(names)
    listed = ", ".join(names)
    return Message("%(listed)s and %(count)s more", listed=listed, count=more) if more > 0 else listed


def _describe_kept(kept: Collection[int]) -> str:
    return plural_message(
        "everything was reverted except %(count)s element type left as imported, because pieces have gone into "
        "production "
        "or something else depends on the new values: %(element_types)s",
        "everything was reverted except %(count)s element types left as imported, because pieces have gone into "
        "production "
        "or something else depends on the new values: %(element_types)s",
        len(kept),
        element_types=_describe_element_types(kept),
    )
