"""Template variables of every page of a project."""

from __future__ import annotations

from typing import Any

from precast_app.auth import permissions
from precast_app.auth.permissions import Permission
from precast_app.auth.request_authentication import current_identity
from precast_app.jobs import registry
from precast_app.projects import projects
from precast_app.web import labels


def for_project(project_id: int, section: str) -> dict[str, Any]:
    """Return the project, the user, what the user may do in the project, and `section`, the label of the open tab.

    `job_types` are the types of job that the user can upload a file for.
    """
    identity = current_identity()
    permission = permissions.highest_permission(identity, project_id)
    return {
        "project": projects.get(project_id),
        "identity": identity,
        "permission": permission,
        "can_import": permission >= Permission.IMPORT,
        "can_manage": permission >= Permission.MANAGE,
        "job_types": [
            name
            for name in registry.creatable_names()
            if name in labels.JOB_TYPES and registry.get(name).permission <= permission
        ],
        "section": section,
    }
