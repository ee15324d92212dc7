"""Every route says what it takes to be allowed in; a route that says nothing lets nobody in."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from typing import Any, TypeVar

from flask import Flask, request
from sqlalchemy import select

from precast_app import database
from precast_app.accounts import permissions
from precast_app.accounts.permissions import Act
from precast_app.accounts.requests import identity
from precast_app.errors import NotFound
from precast_app.extensions import db
from precast_app.models import ImportJob, Piece

View = TypeVar("View", bound=Callable[..., Any])

# What in a path belongs to a project without naming it: its table, and its name for people.
_OWNED: dict[str, tuple[Any, str]] = {
    "job_id": (ImportJob, "job"),
    "element_id": (Piece, "element"),
}
# Routes of others: files that everyone may have, the API's description, and the dashboard with a check of its own.
_OTHERS = ("/static/", "/api/openapi.json", "/rq")


def takes(act: Act, *, whole: bool = False, all_projects: bool = False) -> Callable[[View], View]:
    """Let in only who may do `act` in the project that the route is about.

    The project is that of `project_id`, `job_id` or `element_id` in the path; without any, the act is about the
    installation. What is `whole` no narrowed token may do; with `all_projects` none that is restricted to one project.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            who = identity()
            changes = request.method not in ("GET", "HEAD", "OPTIONS")
            permissions.require(who, act, _project_id(kwargs), changes=changes)
            if whole:
                permissions.require_whole(who)
            if all_projects:
                permissions.require_all_projects(who)
            # The view may wait, for its turn or for the rest of the request.
            database.release_connection()
            return view(*args, **kwargs)

        guarded.takes = act  # type: ignore[attr-defined] # `check` looks for it
        return guarded  # type: ignore[return-value] # wraps keeps the signature

    return decorate


def open_to_all(view: View) -> View:
    """Let in everyone, also who has not said who is asking."""
    view.takes = None  # type: ignore[attr-defined] # `check` looks for it
    return view


def check(app: Flask) -> None:
    """Refuse to start with a route that doesn't say whom it lets in."""
    for rule in app.url_map.iter_rules():
        if not rule.rule.startswith(_OTHERS) and not hasattr(app.view_functions[rule.endpoint], "takes"):
            raise RuntimeError(
                f"The route {rule.rule} says nobody may come in. Put `@takes(Act.…)` below its route, "
                "or `@open_to_all` where there is nothing to protect."
            )


def _project_id(kwargs: dict[str, Any]) -> int | None:
    for name, (model, word) in _OWNED.items():
        if name in kwargs:
            return _owner(model, word, kwargs[name])
    project_id: int | None = kwargs.get("project_id")
    return project_id


def _owner(model: Any, word: str, number: int) -> int:
    owner: int | None = db.session.scalar(select(model.project_id).where(model.id == number))
    if owner is not None:
        # What belongs to a project that one may not see is not there either.
        with suppress(NotFound):
            permissions.require(identity(), Act.READ, owner)
            return owner
    raise NotFound(f"There is no {word} {number}, or it isn't yours to see.")
