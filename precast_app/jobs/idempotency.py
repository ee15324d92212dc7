"""Uploads that are known again: the same key of the same sender within a day is the same job."""

from __future__ import annotations

from sqlalchemy import text

from precast_app.errors import Conflict
from precast_app.extensions import db
from precast_app.models import ImportJob

# What must be the same for it to be the same upload.
_COMPARED_FIELDS = (
    "project_id", "job_type", "file_sha256", "dry_run", "on_error", "create_missing", "batch_size",
    "concurrent_batches",
)  # fmt: skip

_EXPIRE_KEYS = text("""
    UPDATE import_jobs SET idempotency_key = NULL
    WHERE created_by = :user AND idempotency_key = :key AND created_at < clock_timestamp() - interval '1 day'
""")


def find_existing(job: ImportJob) -> ImportJob | None:
    """The job that was made for this upload; `Conflict` where its key stands for another one."""
    db.session.execute(_EXPIRE_KEYS, {"user": job.created_by, "key": job.idempotency_key})
    found = (
        db.session.query(ImportJob)
        .filter_by(created_by=job.created_by, idempotency_key=job.idempotency_key)
        .one_or_none()
    )
    if found is not None and any(getattr(found, name) != getattr(job, name) for name in _COMPARED_FIELDS):
        raise Conflict(
            f"The Idempotency-Key {job.idempotency_key!r} was used for another upload (job {found.id}): another "
            "file, project or option. Use a new key for this one."
        )
    return found
