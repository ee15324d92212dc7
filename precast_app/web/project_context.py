"""What the pages of a project know about it and about who looks at it."""

from __future__ import annotations

from typing import Any

from precast_app.auth import permissions
from precast_app.auth.request_authentication import current_identity
from precast_app.projects import projects


def for_project(project_id: int, section: str) -> dict[str, Any]:
    """The project, who is asking and how much that person may do in it; `section` is the tab that is open."""
    who = current_identity()
    return {
        "project": projects.get(project_id),
        "who": who,
        "may": permissions.highest_permission(who, project_id),
        "section": section,
    }
