"""Decorator that requires the permission for acting on a job."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from precast_app.auth.permissions import Permission
from precast_app.auth.request_authentication import current_identity
from precast_app.auth.route_permissions import requires
from precast_app.jobs import permissions
from precast_app.queries import jobs as job_queries

View = TypeVar("View", bound=Callable[..., Any])

# No kind of job requires less; `jobs.permissions` knows which kinds require more.
LEAST_JOB_PERMISSION = Permission.IMPORT


def requires_job_permission(view: View) -> View:
    """Call the view only if the user may create a job like the one with the id `job_id` in the path."""

    @requires(LEAST_JOB_PERMISSION)
    @wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        permissions.require(current_identity(), job_queries.get_job(kwargs["job_id"]))
        return view(*args, **kwargs)

    return guarded  # type: ignore[return-value] # wraps keeps the signature
