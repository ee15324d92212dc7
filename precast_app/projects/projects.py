"""Projects and their members: create, rename, and give and remove roles."""

from __future__ import annotations

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError

from precast_app.auth import audit, users
from precast_app.errors import Conflict, NotFound, RequestError
from precast_app.extensions import db
from precast_app.messages import Message
from precast_app.models import Membership, Project, Role
from precast_app.text import clean_text
from precast_app.totals import storage


def create(name: str) -> Project:
    """Create a project; raise `Conflict` if the name is taken, `RequestError` if it is empty or too long."""
    project = Project(name=_checked(name))
    db.session.add(project)
    _flush(project.name)
    audit.record(audit.Action.PROJECT_CREATE, about=project.name)
    # Totals of nothing, which are shown while the first import writes.
    storage.refresh(db.session(), project.id)
    _commit(project.name)
    return project


def get(project_id: int) -> Project:
    """Return the project; raise `NotFound` if there is none with this id."""
    project = db.session.get(Project, project_id)
    if project is None:
        raise NotFound(Message("There is no project %(project)s.", project=project_id))
    return project


def rename(project_id: int, name: str) -> Project:
    """Rename the project; raise `Conflict` if the name is taken, `RequestError` if it is empty or too long."""
    project = get(project_id)
    before, project.name = project.name, _checked(name)
    audit.record(audit.Action.PROJECT_RENAME, project_id=project_id, about=project.name, before=before)
    _commit(project.name)
    return project


def set_role(project_id: int, user_name: str, role: Role) -> None:
    """Make the user a member with this role, or change the member's role; raise `NotFound` for an unknown user."""
    get(project_id)
    user = users.get_by_name(user_name)
    statement = insert(Membership).values(project_id=project_id, user_id=user.id, role=role)
    db.session.execute(
        statement.on_conflict_do_update(
            index_elements=["project_id", "user_id"], set_={"role": statement.excluded.role}
        )
    )
    audit.record(audit.Action.MEMBER_SET, project_id=project_id, about=user.name, role=role)
    db.session.commit()


def remove_member(project_id: int, user_name: str) -> None:
    """Remove the user from the project; raise `NotFound` if the user is not a member."""
    get(project_id)
    user = users.get_by_name(user_name)
    member = db.session.get(Membership, (project_id, user.id))
    if member is None:
        raise NotFound(Message("%(user)s is not a member of this project.", user=f"{user.name!r}"))
    db.session.delete(member)
    audit.record(audit.Action.MEMBER_REMOVE, project_id=project_id, about=user.name, role=member.role)
    db.session.commit()


def _checked(name: str) -> str:
    name = clean_text(name)
    if not 0 < len(name) <= 150:
        raise RequestError("A project name must have 1 to 150 characters. Choose another name.")
    return name


def _commit(name: str) -> None:
    _flush(name)
    db.session.commit()


def _flush(name: str) -> None:
    try:
        db.session.flush()
    except IntegrityError:
        db.session.rollback()
        raise Conflict(Message("There is already a project %(name)s. Choose another name.", name=f"{name!r}")) from None
