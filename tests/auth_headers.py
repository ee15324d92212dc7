"""Authorization headers of new users and project members."""

from __future__ import annotations

from typing import Any

from precast_app.auth import tokens, users
from precast_app.models import Role
from precast_app.projects import projects


def user_headers(name: str, *, is_admin: bool = False, **restrictions: Any) -> dict[str, str]:
    """Create a user and return the headers of the user's requests; `restrictions` are those of the token."""
    user = users.create(name, "correct horse", is_admin=is_admin)
    return {"Authorization": f"Bearer {tokens.create(user, days=1, **restrictions)}"}


def member_headers(project_id: int, role: Role, **restrictions: Any) -> dict[str, str]:
    """Create a project member who is named after the role, and return the headers of the member's requests."""
    headers = user_headers(role, **restrictions)
    projects.set_role(project_id, role, role)
    return headers
