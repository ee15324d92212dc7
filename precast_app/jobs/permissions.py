"""What it takes to start a job: decided by what the job does, whichever request starts it."""

from __future__ import annotations

from precast_app.accounts import permissions
from precast_app.accounts.permissions import Act, Identity
from precast_app.errors import Forbidden, NotFound
from precast_app.extensions import db
from precast_app.jobs import registry
from precast_app.models import ImportJob, User


def required(job: ImportJob) -> Act:
    """Return the permission for starting, retrying, applying, undoing or cancelling the job.

    It is that of the job's type; a job that creates reference data (`create_missing`), or that undoes one which did and
    so deletes it, or whose own undo would create it again, takes the permission for reference data.
    """
    act = registry.get(job.job_type).act
    if job.create_missing:
        act = max(act, Act.MANAGE)
    if job.undoes_job_id is not None:
        act = max(act, required(db.session.get_one(ImportJob, job.undoes_job_id)))
    return act


def require(identity: Identity, job: ImportJob) -> None:
    """Raise `NotFound` if the job's project is not visible to the user, `Forbidden` if their role does not suffice."""
    permissions.require(identity, required(job), job.project_id)


def revoked(job: ImportJob) -> str | None:
    """Return why the user who started the job may no longer do so; None if they may.

    A job that was started from the server's command line has no such user.
    """
    if job.started_by_user_id is None:
        return None
    user = db.session.get(User, job.started_by_user_id)
    if user is None:
        return "The user who started this job no longer exists. Another member of the project can retry it."
    if user.disabled_at is not None:
        return f"{user.name} was disabled before the job began. Another member of the project can retry it."
    try:
        require(Identity(user.id, user.name, user.is_admin), job)
    except (NotFound, Forbidden):
        return (
            f"{user.name} lost the role for this before the job began. Someone who has that role in the project can "
            "retry it."
        )
    return None
