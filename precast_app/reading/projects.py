"""Projects that someone may see, and their members."""

from __future__ import annotations

from sqlalchemy import select

from precast_app.accounts.permissions import Identity
from precast_app.models import Membership, Project
from precast_app.reading.paging import Page, page


def seen_by(identity: Identity, where: Page) -> tuple[list[Project], int]:
    """The projects that this user or token may see, by name."""
    query = select(Project).order_by(Project.name)
    if not identity.is_admin:
        query = query.where(Project.id.in_(select(Membership.project_id).where(Membership.user_id == identity.user_id)))
    if identity.project_id is not None:
        query = query.where(Project.id == identity.project_id)
    return page(query, where)


def members(project_id: int, where: Page) -> tuple[list[Membership], int]:
    """The members of a project, in the order in which they came to the installation."""
    return page(select(Membership).where(Membership.project_id == project_id).order_by(Membership.user_id), where)
