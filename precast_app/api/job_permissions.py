"""The permission for acting on a job, as a decorator of routes."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from precast_app.accounts.guard import takes
from precast_app.accounts.permissions import Act
from precast_app.accounts.requests import identity
from precast_app.jobs import permissions
from precast_app.reading import jobs as reading

View = TypeVar("View", bound=Callable[..., Any])


def requires_job_permission(view: View) -> View:
    """Admit those who may start a job like the one that `job_id` in the path names."""

    @takes(Act.READ)
    @wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        permissions.require(identity(), reading.one(kwargs["job_id"]))
        return view(*args, **kwargs)

    return guarded  # type: ignore[return-value] # wraps keeps the signature
