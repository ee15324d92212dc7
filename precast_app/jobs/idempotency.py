"""Idempotency keys: within a day, the same key of the same user stands for the same job."""

from __future__ import annotations

from sqlalchemy import exists, select, text

from precast_app.errors import Conflict
from precast_app.extensions import db
from precast_app.jobs import files
from precast_app.jobs.files import Upload
from precast_app.messages import Message
from precast_app.models import ImportJob

# Uploads with the same key must agree in these, and in the file's bytes.
_COMPARED_FIELDS = (
    "project_id", "job_type", "dry_run", "on_error", "create_missing", "batch_size", "concurrent_batches",
    "use_profile", "mapping", "parameters", "missing", "renames",
)  # fmt: skip

_VALID = text("created_at >= clock_timestamp() - interval '1 day'")
_EXPIRE = text("""
    UPDATE import_jobs SET idempotency_key = NULL
    WHERE created_by = :user AND idempotency_key = :key AND created_at < clock_timestamp() - interval '1 day'
""")


def find_existing(job: ImportJob, upload: Upload | None) -> ImportJob | None:
    """Return the stored job with the idempotency key of `job`, a new one; None if it has no key or there is none.

    Raise `Conflict` if the key was used for another file, project, type of job, option or parameter.
    """
    if job.idempotency_key is None:
        return None
    same_key = ImportJob.created_by == job.created_by, ImportJob.idempotency_key == job.idempotency_key
    existing = db.session.scalar(select(ImportJob).where(*same_key, _VALID))
    if existing is None:
        return None
    is_same = all(getattr(existing, name) == getattr(job, name) for name in _COMPARED_FIELDS)
    if not is_same or existing.file_sha256 != (files.compute_sha256(upload) if upload else None):
        raise Conflict(
            Message(
                "The Idempotency-Key %(key)s was used for another upload (job %(job)s): another file, "
                "project or option. Use a new key for this one.",
                key=f"{job.idempotency_key!r}",
                job=existing.id,
            )
        )
    return existing


def is_used(user: str, key: str | None) -> bool:
    """Return whether the user has used the key within a day; a request without one has none."""
    if key is None:
        return False
    same_key = ImportJob.created_by == user, ImportJob.idempotency_key == key
    return bool(db.session.scalar(select(exists().where(*same_key, _VALID))))


def expire_key(job: ImportJob) -> None:
    """Make the idempotency key of `job`, a new one, free again if the job that has it is older than a day."""
    if job.idempotency_key is not None:
        db.session.execute(_EXPIRE, {"user": job.created_by, "key": job.idempotency_key})
