"""Every route says what it takes to be allowed in; a route that says nothing lets nobody in."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from typing import Any, TypeVar

from flask import Flask, request
from sqlalchemy import select

from precast_app import database
from precast_app.auth import permissions
from precast_app.auth.permissions import Permission
from precast_app.auth.request_identity import current_identity
from precast_app.errors import NotFound
from precast_app.extensions import db
from precast_app.models import ImportJob, Piece

View = TypeVar("View", bound=Callable[..., Any])

# What in a path belongs to a project without naming it: its table, and its name for people.
_PROJECT_OWNED: dict[str, tuple[Any, str]] = {
    "job_id": (ImportJob, "job"),
    "element_id": (Piece, "element"),
}
# Routes of others: files that everyone may have, the API's description, and the dashboard with a check of its own.
_UNGUARDED_PREFIXES = ("/static/", "/api/openapi.json", "/rq")


def requires(
    permission: Permission, *, unrestricted: bool = False, all_projects: bool = False
) -> Callable[[View], View]:
    """Let in only who may do `permission` in the project that the route is about.

    The project is that of `project_id`, `job_id` or `element_id` in the path; without any, the act is about the
    installation. What is `unrestricted` no narrowed token may do; with `all_projects` none that is restricted to one
    project.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            who = current_identity()
            changes = request.method not in ("GET", "HEAD", "OPTIONS")
            permissions.require(who, permission, _project_id(kwargs), changes=changes)
            if unrestricted:
                permissions.require_unrestricted(who)
            if all_projects:
                permissions.require_all_projects(who)
            # The view may wait, for its turn or for the rest of the request.
            database.release_connection()
            return view(*args, **kwargs)

        guarded.required_permission = permission  # type: ignore[attr-defined] # `check` looks for it
        return guarded  # type: ignore[return-value] # wraps keeps the signature

    return decorate


def public(view: View) -> View:
    """Let in everyone, also who has not said who is asking."""
    view.required_permission = None  # type: ignore[attr-defined] # `check` looks for it
    return view


def check_routes(app: Flask) -> None:
    """Refuse to start with a route that doesn't say whom it lets in."""
    for rule in app.url_map.iter_rules():
        if not rule.rule.startswith(_UNGUARDED_PREFIXES) and not hasattr(
            app.view_functions[rule.endpoint], "required_permission"
        ):
            raise RuntimeError(
                f"The route {rule.rule} says nobody may come in. Put `@requires(Permission.…)` below its route, "
                "or `@public` where there is nothing to protect."
            )


def _project_id(kwargs: dict[str, Any]) -> int | None:
    for name, (model, word) in _PROJECT_OWNED.items():
        if name in kwargs:
            return _owning_project(model, word, kwargs[name])
    project_id: int | None = kwargs.get("project_id")
    return project_id


def _owning_project(model: Any, word: str, number: int) -> int:
    owner: int | None = db.session.scalar(select(model.project_id).where(model.id == number))
    if owner is not None:
        # What belongs to a project that one may not see is not there either.
        with suppress(NotFound):
            permissions.require(current_identity(), Permission.READ, owner)
            return owner
    raise NotFound(f"There is no {word} {number}, or it isn't yours to see.")
