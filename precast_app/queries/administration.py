"""Users and the audit log."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import select

from precast_app.models import AuditEntry, User
from precast_app.queries.paging import PageRequest, paginate


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Filter of audit entries: a user's name, an action such as `job.cancel`, the earliest time; None matches any."""

    who: str | None = None
    act: str | None = None
    since: datetime | None = None


def list_users(page: PageRequest) -> tuple[list[User], int]:
    """Return a page of all users, by name, and their number."""
    return paginate(select(User).order_by(User.name), page)


def list_audit_entries(project_id: int | None, filters: AuditFilter, page: PageRequest) -> tuple[list[AuditEntry], int]:
    """Return a page of audit entries, newest first, and their number; `project_id` None means all projects."""
    query = select(AuditEntry).order_by(AuditEntry.id.desc())
    if project_id is not None:
        query = query.where(AuditEntry.project_id == project_id)
    if filters.who is not None:
        query = query.where(AuditEntry.who == filters.who)
    if filters.act is not None:
        query = query.where(AuditEntry.act == filters.act)
    if filters.since is not None:
        query = query.where(AuditEntry.at >= filters.since.astimezone(UTC))
    return paginate(query, page, lambda last_id: AuditEntry.id < last_id)
