"""The undo of an import of element types, as the story of a job: look again, take back, keep what was done."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import insert, select, update

from precast_app.errors import JobFailed
from precast_app.extensions import db
from precast_app.importing import batch_runner, create_missing, diff, reference_data, revert
from precast_app.importing.revert import BeforeImages, RevertResult
from precast_app.jobs import before_images, undo
from precast_app.jobs.context import JobContext, Outcome
from precast_app.models import ElementType, ElementTypeChange, ImportBatch, ImportJob, Phase


def run(context: JobContext) -> Outcome:
    """Take back what the job's target changed, in one transaction: it is undone as a whole or not at all."""
    job = db.session.get_one(ImportJob, context.job_id)
    target = db.session.get_one(ImportJob, job.undoes_job_id)
    images = before_images.load(target.id)
    context.report_progress(Phase.UNDOING, total=len(images))
    # An attempt that was lost after its commit is only told again.
    if not batch_runner.stored_results(context.job_id):
        _revert(context, target.id, images)
    (done,) = batch_runner.stored_results(context.job_id)
    context.report_progress(
        Phase.UNDOING,
        processed=len(images),
        updated=done.updated,
        pieces_added=done.pieces_added,
        pieces_removed=done.pieces_removed,
    )
    deleted = len(images) - done.updated
    return Outcome(f"Undid job {target.id}: {deleted} elements deleted, {done.updated} put back as they were")


def _revert(context: JobContext, target_id: int, images: BeforeImages) -> None:
    session = db.session()
    context.fence(session)
    target = session.get_one(ImportJob, target_id, with_for_update=True, populate_existing=True)
    if target.completed_at is None:
        raise JobFailed(f"Job {target_id} is being tried again, and was not undone. Wait for its end.")
    if conflicts := undo.find_conflicts(target):
        raise JobFailed(" ".join([f"Job {target_id} was not undone; nothing was changed.", *conflicts]))
    names = _names(images)
    done = revert.revert_changes(
        before_images.psycopg2_cursor(),
        target_id,
        images,
        lambda count: context.report_progress(Phase.UNDOING, processed=count),
    )
    if done.kept:
        kept = before_images.describe_element_types(done.kept)
        session.rollback()
        raise JobFailed(
            f"Job {target_id} was not undone; nothing was changed. Pieces have gone into production, or what was there "
            f"before refers to something that is deleted or taken by now: {kept}."
        )
    if target.reference is not None:
        create_missing.delete_created(session, reference_data.from_json(context.project_id, target.reference))
    session.execute(update(ImportJob).where(ImportJob.id == target_id).values(undone_by_job_id=context.job_id))
    session.execute(update(ImportJob).where(ImportJob.id == context.job_id).values(reference=target.reference))
    _record(context, target_id, images, names, done)
    session.commit()


def _names(images: BeforeImages) -> Mapping[int, tuple[str, str]]:
    """Those of the element types that will be deleted, by id."""
    made = [id_ for id_, image in images.items() if image is None]
    found = select(ElementType.id, ElementType.element_type, ElementType.name).where(ElementType.id.in_(made))
    return {row.id: (row.element_type, row.name) for row in db.session.execute(found)}


def _record(
    context: JobContext, target_id: int, images: BeforeImages, names: Mapping[int, tuple[str, str]], done: RevertResult
) -> None:
    """Keep what the undo did as an import keeps it: its one batch, and a change of each element type."""
    rows: dict[int, int] = {
        row.element_type_id: row.row
        for row in db.session.execute(
            select(ElementTypeChange.element_type_id, ElementTypeChange.row).where(
                ElementTypeChange.job_id == target_id
            )
        )
    }
    lines: list[dict[str, Any]] = []
    for id_, image in images.items():
        if image is None:
            fields: dict[str, Any] = {diff.DELETED: list(names.get(id_, ("", "")))}
        else:
            fields = diff.invert(image)
        lines.append({"job_id": context.job_id, "element_type_id": id_, "row": rows[id_], "fields": fields})
    for start in range(0, len(lines), 1_000):
        db.session.execute(insert(ElementTypeChange), lines[start : start + 1_000])
    db.session.execute(
        insert(ImportBatch).values(
            job_id=context.job_id,
            number=1,
            created_count=0,
            updated_count=done.restored,
            rejected_count=0,
            pieces_added=done.pieces_added,
            pieces_removed=done.pieces_removed,
        )
    )
