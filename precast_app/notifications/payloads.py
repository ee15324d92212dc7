"""The JSON of a message: the event, its time, and the job as the API names its fields."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import text

from precast_app.enums import NotificationEvent
from precast_app.extensions import current_settings, db

# Standard Webhooks advises small messages; the API has the whole text.
_MAX_ERROR_LENGTH = 2_000

_JOB = text("""
    SELECT job.id, job.project_id, project.name AS project_name, job.job_type, job.status, job.phase, job.dry_run,
           job.failure_reason, job.file_name, job.created_by, job.created_at, job.completed_at, job.result, job.error,
           job.result_parts, job.error_parts,
           job.total_items, job.created_count, job.updated_count, job.unchanged_count, job.rejected_count,
           job.warning_count, clock_timestamp() AS now
    FROM import_jobs job JOIN projects project ON project.id = job.project_id
    WHERE job.id = :job_id
""")


def dump(job_id: int, event: NotificationEvent, *, with_parts: bool) -> str:
    """Return the message about the job as it is now, as JSON.

    It is in English; `with_parts` adds what its texts in another language are made from, as `parts`.
    """
    job = dict(db.session.execute(_JOB, {"job_id": job_id}).one()._mapping)
    now = job.pop("now")
    parts = {name: job.pop(f"{name}_parts") for name in ("result", "error")}
    job["error"] = job["error"] and job["error"][:_MAX_ERROR_LENGTH]
    data = {name: _iso(value) if isinstance(value, datetime) else value for name, value in job.items()}
    data["url"] = job_url(job["id"])
    message: dict[str, Any] = {"type": event, "timestamp": _iso(now), "data": data}
    if with_parts:
        message["parts"] = parts
    return json.dumps(message, ensure_ascii=False)


def job_url(job_id: int) -> str | None:
    """Return the address of the job's page; None if `PUBLIC_URL` is not set."""
    base = current_settings().public_url
    return None if base == "none" else f"{base.rstrip('/')}/jobs/{job_id}"


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
