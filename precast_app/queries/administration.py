"""Users, and who did what."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import select

from precast_app.models import AuditEntry, User
from precast_app.queries.paging import Page, paginate


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which entries: of who, of an act such as `job.cancel`, from a moment on; None is any."""

    who: str | None = None
    act: str | None = None
    since: datetime | None = None


def list_users(where: Page) -> tuple[list[User], int]:
    """All users, by name."""
    return paginate(select(User).order_by(User.name), where)


def list_audit_entries(project_id: int | None, wanted: AuditFilter, where: Page) -> tuple[list[AuditEntry], int]:
    """What was done in a project, or without one in the whole installation; newest first."""
    query = select(AuditEntry).order_by(AuditEntry.id.desc())
    if project_id is not None:
        query = query.where(AuditEntry.project_id == project_id)
    if wanted.who is not None:
        query = query.where(AuditEntry.who == wanted.who)
    if wanted.act is not None:
        query = query.where(AuditEntry.act == wanted.act)
    if wanted.since is not None:
        query = query.where(AuditEntry.at >= wanted.since.astimezone(UTC))
    return paginate(query, where, lambda last_id: AuditEntry.id < last_id)
