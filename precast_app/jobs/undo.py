"""Taking back what an ended import changed: whether it may be, and the job that does it."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import exists, select, text
from sqlalchemy.exc import IntegrityError

from precast_app.auth import audit
from precast_app.auth.permissions import Identity
from precast_app.config import BATCH_SIZE
from precast_app.errors import Conflict
from precast_app.extensions import current_settings, db
from precast_app.importing.piece_limits import shown
from precast_app.jobs import before_images, service
from precast_app.models import ImportBatch, ImportJob, JobStatus, Phase

UNDO = "element_type_undo"

# Jobs that touched the same element types later (they ended after this one began: one that is tried again works twice)
# and still stand: they were not undone, and are no undo of one that came after the job in question.
_LATER = text("""
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

# Pieces that the undo of a job brings back, and how many the project has then.
_PIECES = text("""
    WITH back AS (
        SELECT coalesce(sum(json_array_length(fields -> 'removed_pieces')), 0) AS number
        FROM element_type_changes WHERE job_id = :job_id
    )
    SELECT back.number, back.number + (
        SELECT count(*) FROM pieces WHERE project_id = :project_id AND job_id IS DISTINCT FROM :job_id
    ) FROM back
""")


def submit_undo(job_id: int, starter: Identity) -> ImportJob:
    """Make and ring for the job that takes back what a job changed; of an undo, the one that imports its file again.

    Raises `Conflict` with what stands against it.
    """
    target = db.session.get_one(ImportJob, job_id)
    if target.job_type == UNDO:
        return _redo(target, starter)
    if target.job_type != "element_type_import" or target.dry_run:
        raise Conflict(f"Job {job_id} is no import of element types, or a dry run. Only an import can be undone.")
    if target.status not in (JobStatus.COMPLETED, JobStatus.FAILED):
        raise Conflict(f"Job {job_id} has not ended. Wait for its end, or cancel it.")
    if not db.session.scalar(select(exists().where(ImportBatch.job_id == job_id))):
        raise Conflict(f"Job {job_id} has changed nothing; there is nothing to undo.")
    if conflicts := find_conflicts(target):
        raise Conflict(f"Job {job_id} can't be undone. " + " ".join(conflicts), {"job": conflicts})
    job = ImportJob(
        project_id=target.project_id,
        job_type=UNDO,
        created_by=starter.name,
        started_by_user_id=starter.user_id,
        batch_size=BATCH_SIZE,
        concurrent_batches=1,
        total_items=target.created_count + target.updated_count,
        file_name=target.file_name,
        undoes_job_id=job_id,
        phase=Phase.QUEUED,
        queued_at=datetime.now(UTC),
    )
    db.session.add(job)
    about = f"job {job_id}: {target.file_name or ''}"
    audit.record("job.undo", who=starter.name, project_id=job.project_id, about=about)
    try:
        db.session.commit()
    except IntegrityError:
        db.session.rollback()
        raise Conflict(f"Job {job_id} is being undone already.") from None
    service.enqueue(job.id)
    return job


def find_conflicts(target: ImportJob) -> list[str]:
    """What stands against undoing a job, for a person: each a sentence or two."""
    if target.undone_by_job_id is not None:
        return [f"It was undone by job {target.undone_by_job_id}."]
    names = {"job_id": target.id, "since": target.started_at}
    conflicts = [
        f"Job {later} has changed {before_images.describe_element_types(ids)} since: undo that job first."
        for later, ids in db.session.execute(_LATER, names).all()
    ]
    if moved := list(db.session.scalars(_IN_PRODUCTION, names)):
        conflicts.append(f"Pieces that it made are in production: {before_images.describe_element_types(moved)}.")
    most = current_settings().pieces_per_project
    brought_back, after = db.session.execute(_PIECES, {**names, "project_id": target.project_id}).one()
    if brought_back and after > most:
        conflicts.append(
            f"The project would have {shown(after)} pieces with those that it removed; {shown(most)} are the most "
            "(PIECES_PER_PROJECT)."
        )
    return conflicts


def _redo(undo: ImportJob, starter: Identity) -> ImportJob:
    """An undo is taken back by importing the file of the undone job again."""
    if undo.status != JobStatus.COMPLETED:
        raise Conflict(f"Job {undo.id} has undone nothing; there is nothing to take back.")
    target = db.session.get_one(ImportJob, undo.undoes_job_id)
    return service.resubmit_file(target, starter)
