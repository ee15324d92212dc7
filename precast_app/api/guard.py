"""Every route says what it takes to be allowed in; a route that says nothing lets nobody in."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from typing import Any, TypeVar

from precast_app.accounts import permissions
from precast_app.accounts.permissions import Act
from precast_app.accounts.requests import identity
from precast_app.errors import NotFound
from precast_app.extensions import db
from precast_app.models import ImportJob

View = TypeVar("View", bound=Callable[..., Any])


def takes(act: Act) -> Callable[[View], View]:
    """Let in only who may do `act` in the project that the route is about.

    The project is that of `project_id` or `job_id` in the path; without either, the act is about the installation.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            who = identity()
            permissions.require(who, act, _project_id(kwargs))
            return view(*args, **kwargs)

        guarded.takes = act  # type: ignore[attr-defined] # the test that walks the routes looks for it
        return guarded  # type: ignore[return-value] # wraps keeps the signature

    return decorate


def _project_id(kwargs: dict[str, Any]) -> int | None:
    if "job_id" not in kwargs:
        project_id: int | None = kwargs.get("project_id")
        return project_id
    job = db.session.get(ImportJob, kwargs["job_id"])
    if job is not None:
        # A job of a project that one may not see is not there either.
        with suppress(NotFound):
            permissions.require(identity(), Act.READ, job.project_id)
            return job.project_id
    raise NotFound(f"There is no job {kwargs['job_id']}, or it isn't yours to see.")
