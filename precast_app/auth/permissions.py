"""The permission rule: what a user or a token may do in a project and in the installation."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from sqlalchemy import bindparam, select

from precast_app import database
from precast_app.errors import Forbidden, NotFound
from precast_app.extensions import db
from precast_app.messages import Message
from precast_app.models import Membership, Project, Role


class Permission(IntEnum):
    """Rights, each of which includes the ones before it."""

    READ = 1
    IMPORT = 2
    MANAGE = 3
    ADMINISTER = 4


_ROLE_PERMISSIONS = {Role.VIEWER: Permission.READ, Role.EDITOR: Permission.IMPORT, Role.MANAGER: Permission.MANAGE}
_ROLES = {
    Permission.READ: Message("viewer"),
    Permission.IMPORT: Message("editor"),
    Permission.MANAGE: Message("manager"),
}
_ROLE = select(Membership.role).where(
    Membership.project_id == bindparam("project_id"), Membership.user_id == bindparam("user_id")
)

# The key in a request's environment for the authenticated user.
IDENTITY_KEY = "precast.identity"


@dataclass(frozen=True, slots=True)
class Identity:
    """The authenticated user of a request; `project_id` and `read_only` are the restrictions of the token."""

    user_id: int
    name: str
    is_admin: bool
    project_id: int | None = None
    read_only: bool = False
    # The language that the user has chosen, if any.
    language: str | None = None
    # One of the two is set: how the user was authenticated.
    session_id: int | None = None
    token_id: int | None = None


def require(identity: Identity, permission: Permission, project_id: int | None, *, changes: bool | None = None) -> None:
    """Raise `NotFound` if the project is not visible to the user, `Forbidden` if they lack the permission in it.

    Without a project, the permission is one for the installation: everyone has READ, administrators have all. A
    read-only token is rejected if `changes` is true; by default, every permission but READ counts as a change.
    """
    if project_id is None:
        granted = Permission.ADMINISTER if identity.is_admin and identity.project_id is None else Permission.READ
    else:
        granted = highest_permission(identity, project_id)
    if identity.read_only and (permission > Permission.READ if changes is None else changes):
        raise Forbidden("This token is read-only. Use a token that may write.")
    if permission > granted:
        if permission == Permission.ADMINISTER:
            raise Forbidden("Only an administrator of this installation may do this. Ask an administrator.")
        role, project = _ROLES[permission], db.session.get_one(Project, project_id)
        raise Forbidden(
            Message(
                "You need the %(role)s role in the project %(project)s. Ask one of its managers to grant it.",
                role=role,
                project=project.name,
            )
        )


def require_unrestricted(identity: Identity) -> None:
    """Raise `Forbidden` for a restricted token: its holder must not get more rights with it."""
    if identity.project_id is not None or identity.read_only:
        raise Forbidden("This token is restricted. Use an unrestricted token, or sign in.")


def require_all_projects(identity: Identity) -> None:
    """Raise `Forbidden` for a token that is restricted to one project: it does not give access to the account."""
    if identity.project_id is not None:
        raise Forbidden("This token is restricted to one project. Use an unrestricted token, or sign in.")


def highest_permission(identity: Identity, project_id: int) -> Permission:
    """Return the user's highest permission in the project; raise `NotFound` if it is not visible to them."""
    if identity.project_id in (None, project_id):
        if identity.is_admin:
            return Permission.ADMINISTER
        # Only the role, since this is read with every request.
        if found := database.read_row(_ROLE, {"project_id": project_id, "user_id": identity.user_id}):
            return _ROLE_PERMISSIONS[Role(found.role)]
    raise NotFound(Message("There is no project %(project)s, or you don't have access to it.", project=project_id))
