"""Authorization headers of new users and project members."""

from __future__ import annotations

from functools import cache
from typing import Any

from precast_app.auth import audit, passwords, tokens
from precast_app.extensions import db
from precast_app.models import Role, User
from precast_app.projects import projects

PASSWORD = "correct cement"


@cache
def _password_hash() -> str:
    return passwords.hash_password(PASSWORD, "")


def create_user(name: str, *, is_admin: bool = False) -> User:
    """Create a user as `users.create` does; the password is `PASSWORD`, which is hashed only once, as that is slow."""
    user = User(name=name, password_hash=_password_hash(), is_admin=is_admin)
    db.session.add(user)
    audit.record(audit.Action.USER_CREATE, about=name, is_admin=is_admin)
    db.session.commit()
    return user


def user_headers(name: str, *, is_admin: bool = False, **restrictions: Any) -> dict[str, str]:
    """Create a user and return the headers of the user's requests; `restrictions` are those of the token."""
    user = create_user(name, is_admin=is_admin)
    return {"Authorization": f"Bearer {tokens.create(user, days=1, **restrictions)}"}


def member_headers(project_id: int, role: Role, **restrictions: Any) -> dict[str, str]:
    """Create a project member who is named after the role, and return the headers of the member's requests."""
    headers = user_headers(role, **restrictions)
    projects.set_role(project_id, role, role)
    return headers
