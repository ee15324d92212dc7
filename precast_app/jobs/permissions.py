"""The permission for starting a job, which depends on what the job does and not on the request that starts it."""

from __future__ import annotations

from precast_app.auth import permissions
from precast_app.auth.permissions import Identity, Permission
from precast_app.errors import Forbidden, NotFound
from precast_app.extensions import db
from precast_app.jobs import registry
from precast_app.messages import Message
from precast_app.models import ImportJob, User


def required_for(job_type: str, *, create_missing: bool) -> Permission:
    """Return the permission for creating a job: that of its type, or of reference data if it may create some."""
    permission = registry.get(job_type).permission
    return max(permission, Permission.MANAGE) if create_missing else permission


def required_permission(job: ImportJob) -> Permission:
    """Return the permission for starting, retrying, applying, undoing or cancelling the job.

    An undo takes that of the job which it undoes as well: it deletes the reference data which that job created, and its
    own undo would create it again.
    """
    permission = required_for(job.job_type, create_missing=job.create_missing)
    if job.undoes_job_id is not None:
        permission = max(permission, required_permission(db.session.get_one(ImportJob, job.undoes_job_id)))
    return permission


def require_to_create(identity: Identity, project_id: int, job_type: str, *, create_missing: bool) -> None:
    """Raise `NotFound` if the project is not visible to the user, `Forbidden` if their role does not suffice."""
    permissions.require(identity, required_for(job_type, create_missing=create_missing), project_id)


def require(identity: Identity, job: ImportJob) -> None:
    """Raise `NotFound` if the job's project is not visible to the user, `Forbidden` if their role does not suffice."""
    permissions.require(identity, required_permission(job), job.project_id)


def revocation_reason(job: ImportJob) -> str | None:
    """Return why the user who started the job may no longer do so; None if they may.

    A job that was started from the server's command line has no such user.
    """
    if job.started_by_user_id is None:
        return None
    user = db.session.get(User, job.started_by_user_id)
    if user is None:
        return Message("The user who started it no longer exists. Another member of the project can retry it.")
    if user.disabled_at is not None:
        return Message(
            "%(user)s was disabled before the job began. Another member of the project can retry it.", user=user.name
        )
    try:
        require(Identity(user.id, user.name, user.is_admin), job)
    except (NotFound, Forbidden):
        return Message(
            "%(user)s lost the role for this before the job began. Someone who has that role in the "
            "project can retry it.",
            user=user.name,
        )
    return None
