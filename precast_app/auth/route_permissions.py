"""Decorators by which every route declares who may call it; a route without a declaration stops the start-up."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import wraps
from typing import Any, TypeVar

from flask import Flask, request
from sqlalchemy import Executable, bindparam, select

from precast_app import database
from precast_app.auth import permissions
from precast_app.auth.permissions import Identity, Permission
from precast_app.auth.request_authentication import current_identity
from precast_app.errors import NotFound
from precast_app.messages import Message
from precast_app.models import ImportJob, Piece

View = TypeVar("View", bound=Callable[..., Any])

_JOB = select(ImportJob.project_id).where(ImportJob.id == bindparam("id"))
_PIECE = select(Piece.project_id).where(Piece.id == bindparam("id"))
# Path parameters that identify something in a project: how it is read, and the word for it in messages. The API calls a
# piece an element.
_PROJECT_OWNED: dict[str, tuple[Executable, str]] = {
    "job_id": (_JOB, Message("job")),
    "element_id": (_PIECE, Message("element")),
    "piece_id": (_PIECE, Message("piece")),
}
# Routes of other packages: static files, the OpenAPI description, and the dashboard, which has a check of its own.
_UNGUARDED_PREFIXES = ("/static/", "/api/openapi.json", "/rq")


@dataclass(frozen=True, slots=True)
class AccessRule:
    """What a route requires of its caller; `permission` is None for a public route.

    `unrestricted` rejects every restricted token, `all_projects` a token that is restricted to one project.
    """

    permission: Permission | None
    unrestricted: bool = False
    all_projects: bool = False


def requires(
    permission: Permission, *, unrestricted: bool = False, all_projects: bool = False
) -> Callable[[View], View]:
    """Call the view only if the user has the permission in the project of the route.

    The project is that of `project_id`, `job_id`, `element_id` or `piece_id` in the path; without any of them, the
    permission is one for the installation. For `unrestricted` and `all_projects` see `AccessRule`.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            identity = current_identity()
            _require(identity, permission, kwargs)
            if unrestricted:
                permissions.require_unrestricted(identity)
            if all_projects:
                permissions.require_all_projects(identity)
            # The view may wait for a slot or for the rest of the request.
            database.release_connection()
            return view(*args, **kwargs)

        rule = AccessRule(permission, unrestricted, all_projects)
        guarded.access_rule = rule  # type: ignore[attr-defined] # for `access_rule`
        return guarded  # type: ignore[return-value] # wraps keeps the signature

    return decorate


def public(view: View) -> View:
    """Let everyone call the view, also without signing in."""
    view.access_rule = AccessRule(None)  # type: ignore[attr-defined] # for `access_rule`
    return view


def access_rule(view: Callable[..., Any]) -> AccessRule | None:
    """Return what the view declares with `requires` or `public`; None if it declares nothing."""
    return getattr(view, "access_rule", None)


def check_routes(app: Flask) -> None:
    """Raise `RuntimeError` if a route does not declare who may call it."""
    for rule in app.url_map.iter_rules():
        if not rule.rule.startswith(_UNGUARDED_PREFIXES) and access_rule(app.view_functions[rule.endpoint]) is None:
            raise RuntimeError(
                f"The route {rule.rule} does not declare who may call it. Put `@requires(Permission.…)` below its "
                "route, or `@public` if there is nothing to protect."
            )


def _require(identity: Identity, permission: Permission, kwargs: dict[str, Any]) -> None:
    changes = request.method not in ("GET", "HEAD", "OPTIONS")
    for name, (statement, word) in _PROJECT_OWNED.items():
        if name in kwargs:
            requested = database.read_row(statement, {"id": kwargs[name]})
            if requested is not None:
                # The same error for what does not exist and for what is in a project that the user may not see.
                with suppress(NotFound):
                    permissions.require(identity, permission, requested.project_id, changes=changes)
                    return
            raise NotFound(
                Message("There is no %(thing)s %(id)s, or you don't have access to it.", thing=word, id=kwargs[name])
            )
    permissions.require(identity, permission, kwargs.get("project_id"), changes=changes)
