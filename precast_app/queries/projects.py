"""The projects that a user may see, their members, and what is in them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import func, select

from precast_app.auth.permissions import Identity
from precast_app.extensions import db
from precast_app.models import ElementType, ImportJob, JobStatus, Membership, Project, Quantity
from precast_app.queries.paging import PageRequest, paginate
from precast_app.totals import storage
from precast_app.totals.storage import Counts


def list_visible_to(identity: Identity, page: PageRequest) -> tuple[list[Project], int]:
    """Return a page of the projects that this user or token may see, by name, and their number."""
    query = select(Project).order_by(Project.name)
    if not identity.is_admin:
        query = query.where(Project.id.in_(select(Membership.project_id).where(Membership.user_id == identity.user_id)))
    if identity.project_id is not None:
        query = query.where(Project.id == identity.project_id)
    return paginate(query, page)


def list_all(page: PageRequest) -> tuple[list[Project], int]:
    """Return a page of all projects, by id, and their number."""
    return paginate(select(Project).order_by(Project.id), page)


def names_by_id(project_ids: Iterable[int | None]) -> dict[int, str]:
    """Return the names of those of the projects that exist, by id."""
    query = select(Project.id, Project.name).where(Project.id.in_(project_ids))
    return {row.id: row.name for row in db.session.execute(query)}


def list_members(project_id: int, page: PageRequest) -> tuple[list[Membership], int]:
    """Return a page of the project's members, ordered by user id, and their number."""
    return paginate(select(Membership).where(Membership.project_id == project_id).order_by(Membership.user_id), page)


@dataclass(frozen=True, slots=True)
class ProjectCounts:
    """Numbers of a project's rows; the job that is running in it, or else the next queued one; and its newest job."""

    element_types: int = 0
    pieces: int = 0
    under_way: ImportJob | None = None
    newest: ImportJob | None = None


def project_counts(project_ids: list[int]) -> dict[int, ProjectCounts]:
    """Return the counts and jobs of each of the projects, by project id."""
    stored = storage.read_counts(db.session(), project_ids)
    counted = stored | _count([id_ for id_ in project_ids if id_ not in stored])
    under_way, newest = _jobs_by_project(project_ids)
    return {
        id_: ProjectCounts(counted[id_].element_types, counted[id_].pieces, under_way.get(id_), newest.get(id_))
        for id_ in project_ids
    }


def _count(project_ids: list[int]) -> dict[int, Counts]:
    """Return the numbers of element types and pieces of projects; pieces by quantities, which are fewer rows."""
    counts: dict[int, Counts] = {}
    of_type = select(func.sum(Quantity.quantity)).where(Quantity.element_type_id == ElementType.id).scalar_subquery()
    for id_ in project_ids:
        query = select(func.count(), func.sum(of_type)).select_from(ElementType).where(ElementType.project_id == id_)
        types, pieces = db.session.execute(query).one()
        counts[id_] = Counts(types, int(pieces or 0))
    return counts


def activity_stamp(project_ids: list[int]) -> str:
    """Return a text that changes if a job of these projects makes progress; cheaper than `project_counts`."""
    states = [
        (job.project_id, job.id, job.status, job.phase, job.progress)
        for jobs in _jobs_by_project(project_ids)
        for job in jobs.values()
    ]
    return repr((project_ids, states))


def _jobs_by_project(project_ids: list[int]) -> tuple[dict[int, ImportJob], dict[int, ImportJob]]:
    """Return by project id: the running job or else the next queued one, and the newest job."""
    query = select(ImportJob).where(ImportJob.project_id.in_(project_ids))
    unfinished = query.where(ImportJob.status.in_((JobStatus.PROCESSING, JobStatus.PENDING)))
    # A later entry replaces an earlier one: the first queued job the ones behind it, and the running job all of these.
    order = (ImportJob.status == JobStatus.PROCESSING, ImportJob.id.desc())
    under_way = {job.project_id: job for job in db.session.scalars(unfinished.order_by(*order))}
    newest_ids = select(func.max(ImportJob.id)).where(ImportJob.project_id.in_(project_ids))
    newest = query.where(ImportJob.id.in_(newest_ids.group_by(ImportJob.project_id)))
    return under_way, {job.project_id: job for job in db.session.scalars(newest)}
