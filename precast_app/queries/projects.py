"""Projects that someone may see, and their members."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select

from precast_app.auth.permissions import Identity
from precast_app.extensions import db
from precast_app.models import ElementType, ImportJob, JobStatus, Membership, Piece, Project
from precast_app.queries.paging import Page, paginate


def list_visible_to(identity: Identity, where: Page) -> tuple[list[Project], int]:
    """The projects that this user or token may see, by name."""
    query = select(Project).order_by(Project.name)
    if not identity.is_admin:
        query = query.where(Project.id.in_(select(Membership.project_id).where(Membership.user_id == identity.user_id)))
    if identity.project_id is not None:
        query = query.where(Project.id == identity.project_id)
    return paginate(query, where)


def names_by_id(project_ids: Iterable[int | None]) -> dict[int, str]:
    """Return the names of those of the projects that exist, by id."""
    query = select(Project.id, Project.name).where(Project.id.in_(project_ids))
    return {row.id: row.name for row in db.session.execute(query)}


def list_members(project_id: int, where: Page) -> tuple[list[Membership], int]:
    """The members of a project, in the order in which they came to the installation."""
    return paginate(select(Membership).where(Membership.project_id == project_id).order_by(Membership.user_id), where)


@dataclass(frozen=True, slots=True)
class ProjectCounts:
    """A project in numbers, and the job that is under way in it."""

    element_types: int = 0
    pieces: int = 0
    under_way: ImportJob | None = None
    newest: ImportJob | None = None


def project_counts(project_ids: list[int]) -> dict[int, ProjectCounts]:
    """Of each project: how much is in it, what runs in it, and its newest job."""

    def count(model: Any) -> dict[int, int]:
        mine = select(model.project_id, func.count()).where(model.project_id.in_(project_ids))
        return {row[0]: row[1] for row in db.session.execute(mine.group_by(model.project_id))}

    types, pieces = count(ElementType), count(Piece)
    under_way, newest = _jobs(project_ids)
    return {
        each: ProjectCounts(types.get(each, 0), pieces.get(each, 0), under_way.get(each), newest.get(each))
        for each in project_ids
    }


def activity_stamp(project_ids: list[int]) -> str:
    """The same for two moments between which no job in these projects moved; counts nothing that is in them."""
    told = [
        (job.project_id, job.id, job.status, job.phase, job.progress)
        for jobs in _jobs(project_ids)
        for job in jobs.values()
    ]
    return repr((project_ids, told))


def _jobs(project_ids: list[int]) -> tuple[dict[int, ImportJob], dict[int, ImportJob]]:
    """By project: the job that runs, or else the next one that waits; and the newest one."""
    mine = select(ImportJob).where(ImportJob.project_id.in_(project_ids))
    moving = mine.where(ImportJob.status.in_((JobStatus.PROCESSING, JobStatus.PENDING)))
    # Later ones overwrite: of those that wait the first, and the one that runs before them all.
    order = (ImportJob.status == JobStatus.PROCESSING, ImportJob.id.desc())
    under_way = {job.project_id: job for job in db.session.scalars(moving.order_by(*order))}
    newest_ids = select(func.max(ImportJob.id)).where(ImportJob.project_id.in_(project_ids))
    newest_of_each = mine.where(ImportJob.id.in_(newest_ids.group_by(ImportJob.project_id)))
    return under_way, {job.project_id: job for job in db.session.scalars(newest_of_each)}
