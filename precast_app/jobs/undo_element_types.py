"""The undo of an import of element types, as the story of a job: look again, take back, keep what was done."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import insert, select, update

from precast_app.errors import JobFailed
from precast_app.extensions import db
from precast_app.importing import batches, changes, making, reference, taking_back
from precast_app.importing.taking_back import Images, TakenBack
from precast_app.jobs import taken_back, undo
from precast_app.jobs.work import Outcome, Work
from precast_app.models import Batch, Change, ElementType, ImportJob, Phase


def run(work: Work) -> Outcome:
    """Take back what the job's target changed, in one transaction: it is undone as a whole or not at all."""
    job = db.session.get_one(ImportJob, work.job_id)
    target = db.session.get_one(ImportJob, job.undoes_job_id)
    images = taken_back.images(target.id)
    work.tell(Phase.UNDOING, total=len(images))
    # An attempt that was lost after its commit is only told again.
    if not batches.stored_results(work.job_id):
        _take_back(work, target.id, images)
    (done,) = batches.stored_results(work.job_id)
    work.tell(
        Phase.UNDOING,
        processed=len(images),
        updated=done.updated,
        pieces_added=done.pieces_added,
        pieces_removed=done.pieces_removed,
    )
    deleted = len(images) - done.updated
    return Outcome(f"Undid job {target.id}: {deleted} elements deleted, {done.updated} put back as they were")


def _take_back(work: Work, target_id: int, images: Images) -> None:
    session = db.session()
    work.fence(session)
    target = session.get_one(ImportJob, target_id, with_for_update=True, populate_existing=True)
    if target.completed_at is None:
        raise JobFailed(f"Job {target_id} is being tried again, and was not undone. Wait for its end.")
    if against := undo.obstacles(target):
        raise JobFailed(" ".join([f"Job {target_id} was not undone; nothing was changed.", *against]))
    names = _names(images)
    done = taking_back.take_back(
        taken_back.cursor(), target_id, images, lambda count: work.tell(Phase.UNDOING, processed=count)
    )
    if done.kept:
        kept = taken_back.named(done.kept)
        session.rollback()
        raise JobFailed(
            f"Job {target_id} was not undone; nothing was changed. Pieces have gone into production, or what was there "
            f"before refers to something that is deleted or taken by now: {kept}."
        )
    if target.reference is not None:
        making.take_away(session, reference.from_json(work.project_id, target.reference))
    session.execute(update(ImportJob).where(ImportJob.id == target_id).values(undone_by_job_id=work.job_id))
    session.execute(update(ImportJob).where(ImportJob.id == work.job_id).values(reference=target.reference))
    _record(work, target_id, images, names, done)
    session.commit()


def _names(images: Images) -> Mapping[int, tuple[str, str]]:
    """Those of the element types that will be deleted, by id."""
    made = [id_ for id_, image in images.items() if image is None]
    found = select(ElementType.id, ElementType.element_type, ElementType.name).where(ElementType.id.in_(made))
    return {row.id: (row.element_type, row.name) for row in db.session.execute(found)}


def _record(work: Work, target_id: int, images: Images, names: Mapping[int, tuple[str, str]], done: TakenBack) -> None:
    """Keep what the undo did as an import keeps it: its one batch, and a change of each element type."""
    rows: dict[int, int] = {
        row.element_type_id: row.row
        for row in db.session.execute(select(Change.element_type_id, Change.row).where(Change.job_id == target_id))
    }
    lines: list[dict[str, Any]] = []
    for id_, image in images.items():
        if image is None:
            fields: dict[str, Any] = {changes.DELETED: list(names.get(id_, ("", "")))}
        else:
            fields = changes.inverse(image)
        lines.append({"job_id": work.job_id, "element_type_id": id_, "row": rows[id_], "fields": fields})
    for start in range(0, len(lines), 1_000):
        db.session.execute(insert(Change), lines[start : start + 1_000])
    db.session.execute(
        insert(Batch).values(
            job_id=work.job_id,
            number=1,
            created_count=0,
            updated_count=done.restored,
            rejected_count=0,
            pieces_added=done.pieces_added,
            pieces_removed=done.pieces_removed,
        )
    )
