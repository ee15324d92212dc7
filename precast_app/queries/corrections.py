"""The history of a job's corrections."""

from __future__ import annotations

from sqlalchemy import select

from precast_app.models import CorrectionEvent
from precast_app.queries.paging import PageRequest, paginate


def list_history(job_id: int, page: PageRequest) -> tuple[list[CorrectionEvent], int]:
    """Return the changes of the job's corrections, the newest first, and their number."""
    query = select(CorrectionEvent).where(CorrectionEvent.job_id == job_id).order_by(CorrectionEvent.id.desc())
    return paginate(query, page, lambda last_id: CorrectionEvent.id < last_id)
