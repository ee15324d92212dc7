"""The permission for acting on a job, as a decorator of routes."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from precast_app.auth.guard import requires
from precast_app.auth.permissions import Permission
from precast_app.auth.request_identity import current_identity
from precast_app.jobs import permissions
from precast_app.queries import jobs as job_queries

View = TypeVar("View", bound=Callable[..., Any])


def requires_job_permission(view: View) -> View:
    """Admit those who may start a job like the one that `job_id` in the path names."""

    @requires(Permission.READ)
    @wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        permissions.require(current_identity(), job_queries.get_job(kwargs["job_id"]))
        return view(*args, **kwargs)

    return guarded  # type: ignore[return-value] # wraps keeps the signature
