"""A dry run carried out: a job of its own, on the same file, if what was planned on is still so."""

from __future__ import annotations

from sqlalchemy import text

from precast_app.auth.permissions import Identity
from precast_app.errors import Conflict
from precast_app.extensions import db
from precast_app.importing import reference_data, reference_store
from precast_app.jobs import service
from precast_app.jobs.dry_run import OUTDATED
from precast_app.models import ImportJob, JobStatus, OnError

# An element type that the dry run would make is there; one that it would change, or leave, was changed after it; or
# pieces that it would remove have gone into production.
_HAS_CHANGED = text("""
    SELECT EXISTS (
        SELECT FROM planned_changes p JOIN element_types t USING (type_key, name_key)
        WHERE p.job_id = :job_id AND p.element_type_id IS NULL AND t.project_id = :project_id
    ) OR EXISTS (
        SELECT FROM element_type_changes c JOIN import_jobs later ON later.id = c.job_id
        WHERE later.project_id = :project_id AND later.started_at > :since
          AND c.element_type_id IN (
              SELECT element_type_id FROM planned_changes WHERE job_id = :job_id
              UNION SELECT unnest(unchanged_ids) FROM import_jobs WHERE id = :job_id)
    ) OR EXISTS (
        SELECT FROM planned_changes p, json_each(p.fields -> 'quantities') AS lowered(node_id, pair)
        WHERE p.job_id = :job_id
          AND (pair ->> 0)::int - (pair ->> 1)::int > (
              SELECT count(*) FROM pieces
              WHERE pieces.element_type_id = p.element_type_id AND pieces.node_id = lowered.node_id::int
                AND pieces.status = 'planned')
    )
""")


def apply(job_id: int, starter: Identity) -> ImportJob:
    """Make and ring for the job that does what a dry run has shown.

    Raises `Conflict` where the job is no completed dry run, its file is kept no longer, or something that it planned on
    has changed. What changes after this answer is found by the job itself, which then fails and changes nothing.
    """
    dry = db.session.get_one(ImportJob, job_id)
    if not dry.dry_run or dry.status != JobStatus.COMPLETED:
        raise Conflict(f"Job {job_id} is no dry run that was completed. Only such a one can be applied.")
    if dry.rejected_count and dry.on_error == OnError.ABORT:
        raise Conflict("Rows of the file are wrong, and on_error=abort lets nothing in then. Mend them first.")
    if _is_outdated(dry):
        raise Conflict(OUTDATED)
    return service.resubmit_file(dry, starter, applies_job_id=dry.id)


def _is_outdated(dry: ImportJob) -> bool:
    if dry.reference is not None:
        kept = reference_data.from_json(dry.project_id, dry.reference)
        if not reference_data.is_current(db.session(), kept):
            return True
    if dry.job_type in reference_store.MODELS:
        return dry.plan_digest != reference_store.digest(db.session(), dry.project_id, dry.job_type)
    names = {"job_id": dry.id, "project_id": dry.project_id, "since": dry.started_at}
    return bool(db.session.execute(_HAS_CHANGED, names).scalar_one())
