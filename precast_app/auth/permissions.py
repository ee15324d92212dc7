"""The one permission rule: what someone may do in a project."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from precast_app.errors import Forbidden, NotFound
from precast_app.extensions import db
from precast_app.models import Membership, Role


class Permission(IntEnum):
    """What one can do, in the order of how much it takes to be allowed to."""

    READ = 1
    IMPORT = 2
    MANAGE = 3
    ADMINISTER = 4


_ROLE_PERMISSIONS = {Role.VIEWER: Permission.READ, Role.EDITOR: Permission.IMPORT, Role.MANAGER: Permission.MANAGE}
_ROLE_WORDS = {
    Permission.IMPORT: "an editor",
    Permission.MANAGE: "a manager",
    Permission.ADMINISTER: "an administrator",
}


# Where a request keeps who is asking, once that is known.
IDENTITY_KEY = "precast.identity"


@dataclass(frozen=True, slots=True)
class Identity:
    """Who is asking: a user, by the browser's session or by a token, which may be narrowed."""

    user_id: int
    name: str
    is_admin: bool
    project_id: int | None = None
    read_only: bool = False
    # By which of the two the asker is known.
    session_id: int | None = None
    token_id: int | None = None


def require(identity: Identity, permission: Permission, project_id: int | None, *, changes: bool | None = None) -> None:
    """Raise `NotFound` where the project may not be seen, `Forbidden` where the act is not allowed in it.

    Without a project (`None`) the act is about the installation: anyone may read what is theirs, administrators may do
    the rest. `changes` says whether something will be changed, which a token for reading may not do; unless it is said,
    all acts but reading change something.
    """
    if project_id is None:
        may = Permission.ADMINISTER if identity.is_admin and identity.project_id is None else Permission.READ
    else:
        may = highest_permission(identity, project_id)
    if identity.read_only and (permission > Permission.READ if changes is None else changes):
        raise Forbidden("This token may only read. Use one that may write.")
    if permission > may:
        place = f"in project {project_id}" if project_id is not None else "of this installation"
        raise Forbidden(f"This takes {_ROLE_WORDS[permission]} {place}. Ask for that role.")


def require_unrestricted(identity: Identity) -> None:
    """Raise `Forbidden` for a token that is narrowed: who holds it must not make a wider one of it."""
    if identity.project_id is not None or identity.read_only:
        raise Forbidden("This token is narrowed. Use one that isn't, or sign in.")


def require_all_projects(identity: Identity) -> None:
    """Raise `Forbidden` for a token that is restricted to one project: the user's account is no part of it."""
    if identity.project_id is not None:
        raise Forbidden("This token is restricted to one project. Use one that isn't, or sign in.")


def highest_permission(identity: Identity, project_id: int) -> Permission:
    """The most that may be done in the project; raises `NotFound` where it may not be seen."""
    if identity.project_id in (None, project_id):
        if identity.is_admin:
            return Permission.ADMINISTER
        if membership := db.session.get(Membership, (project_id, identity.user_id)):
            return _ROLE_PERMISSIONS[Role(membership.role)]
    raise NotFound(f"There is no project {project_id}, or it isn't yours to see.")
