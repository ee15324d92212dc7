"""How every resource's blueprint is made."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import Any

from flask import request
from flask_smorest import Blueprint as SmorestBlueprint
from werkzeug.routing import BaseConverter

from precast_app.api.schemas import StrictParser
from precast_app.auth.permissions import Permission
from precast_app.errors import RequestError

# Ids are of the database's integers; a larger one is no address of ours.
PROJECT = "/api/project/<int(max=2147483647):project_id>"
JOB = "/api/jobs/<int(max=2147483647):job_id>"
# Where the name of a user ends an address; such a rule takes `merge_slashes=False`.
USER = "<user_name:user>"

# Where to look next: the job that was made.
LOCATION = {"Location": {"description": "the address of the job", "required": True, "schema": {"type": "string"}}}


class UserNameConverter(BaseConverter):
    """A converter for the whole rest of an address: a user's name of old may hold any character, slashes too."""

    regex = ".+"
    part_isolating = False


class Blueprint(SmorestBlueprint):
    """A blueprint that reads requests strictly, and describes of each operation how it can be refused."""

    ARGUMENTS_PARSER = StrictParser()

    def add_url_rule(
        self,
        rule: str,
        endpoint: str | None = None,
        view_func: Callable[..., Any] | None = None,
        provide_automatic_options: bool | None = None,
        **options: Any,
    ) -> None:
        """Register an address; its view says before whom it lets in (`auth.guard`)."""
        if view_func is not None:
            methods = options.get("methods", ["GET"])
            if methods != ["GET"] and not _has_query(view_func):
                view_func = _without_options(view_func)
            refused = {code: HTTPStatus(code).name for code in _refusals(rule, methods, view_func)}
            view_func = self.doc(responses=refused)(view_func)
        super().add_url_rule(rule, endpoint, view_func, provide_automatic_options, **options)


def _refusals(rule: str, methods: list[str], view: Any) -> set[int]:
    """The statuses of the refusals that an operation can answer with, whatever it does."""
    codes = {429, 503}
    if view.required_permission is not None:
        codes.add(401)
    if "<" in rule:
        codes.add(404)
    if methods == ["GET"]:
        return codes | ({403} if view.required_permission not in (None, Permission.READ) else set())
    # A body that can't be read, a page of another site or a role that is too low, a clash with what is there.
    codes |= {403, 409, 422}
    return codes if methods == ["DELETE"] else codes | {400, 413, 415}


def _has_query(view: Any) -> bool:
    parameters = getattr(view, "_apidoc", {}).get("arguments", {}).get("parameters", [])
    return any(each["in"] == "query" for each in parameters)


def _without_options(view: Callable[..., Any]) -> Callable[..., Any]:
    """Refuse options for what has none: who adds `dry_run=true` must not get a real run."""

    @wraps(view)
    def strict(*args: Any, **kwargs: Any) -> Any:
        if request.args:
            unknown = {name: ["Unknown field."] for name in request.args}
            raise RequestError(f"This takes no options, but was given {', '.join(unknown)}.", {"query": unknown})
        return view(*args, **kwargs)

    return strict
