"""The blueprint class of all API resources, and path patterns that they share."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import Any, TypeVar

import marshmallow as ma
from flask import Response, request
from flask_smorest import Blueprint as SmorestBlueprint
from werkzeug.routing import BaseConverter

from precast_app import languages
from precast_app.api import page_links
from precast_app.api.schemas import StrictParser, check_language
from precast_app.auth.permissions import Permission
from precast_app.auth.route_permissions import access_rule
from precast_app.errors import RequestError
from precast_app.messages import Message

View = TypeVar("View", bound=Callable[..., Any])

# Ids are 32-bit integers in the database; a larger number is a 404.
PROJECT = "/api/project/<int(max=2147483647):project_id>"
JOB = "/api/jobs/<int(max=2147483647):job_id>"
# The last part of a path; rules with it need `merge_slashes=False`.
USER = "<user_name:user>"

# The response header in the description of routes that create a job.
LOCATION = {"Location": {"description": "URL of the job", "required": True, "schema": {"type": "string"}}}


def ignores_options(view: View) -> View:
    """Let a view without options ignore a query, for existing clients that add one to avoid caches.

    Put it above `route_permissions.requires`.
    """
    view.ignores_options = True  # type: ignore[attr-defined] # `Blueprint.add_url_rule` looks for it
    return view


class UserNameConverter(BaseConverter):
    """Path converter for the rest of the path: names of older users may contain any character, even slashes."""

    regex = ".+"
    part_isolating = False


class Blueprint(SmorestBlueprint):
    """Blueprint that parses requests strictly and adds the possible error responses to the OpenAPI description."""

    ARGUMENTS_PARSER = StrictParser()

    def arguments(
        self, schema: type[ma.Schema] | ma.Schema, *, location: str = "json", **options: Any
    ) -> Callable[[View], View]:
        """Declare an argument of a view; the `example` of a body's schema becomes part of the description."""
        if location in ("json", "files"):
            options = {"example": getattr(schema, "example", None), **options}
        decorator: Callable[[View], View] = super().arguments(schema, location=location, **options)
        return decorator

    def response(
        self, status_code: int, schema: type[ma.Schema] | dict[str, str] | None = None, **options: Any
    ) -> Callable[[View], View]:
        """Declare the response of a view; a page of a list gets a `Link` header."""
        decorator: Callable[[View], View] = super().response(status_code, schema, **options)
        items = page_links.items_field(schema)
        if items is None:
            return decorator
        return lambda view: decorator(page_links.with_links(view, items))

    def _check_not_modified(self, etag: str) -> None:
        """Leave it to `_set_etag_in_response`: the library's own 304 lacks the ETag, and knows no weak ones."""

    def _set_etag_in_response(self, response: Response) -> None:
        super()._set_etag_in_response(response)
        response.make_conditional(request)

    def add_url_rule(
        self,
        rule: str,
        endpoint: str | None = None,
        view_func: Callable[..., Any] | None = None,
        provide_automatic_options: bool | None = None,
        **options: Any,
    ) -> None:
        """Register a route; its view must already be decorated with a rule of `auth.route_permissions`.

        The `operationId` in the description is the endpoint in camel case: `list_jobs` becomes `listJobs`.
        """
        if view_func is not None:
            methods = options.get("methods", ["GET"])
            if not _has_query(view_func):
                view_func = _checking_options(view_func)
            errors = {code: HTTPStatus(code).name for code in _error_codes(rule, methods, view_func)}
            operation_id = _camel_case(endpoint or view_func.__name__)
            view_func = self.doc(operationId=operation_id, responses=errors)(view_func)
        super().add_url_rule(rule, endpoint, view_func, provide_automatic_options, **options)


def _camel_case(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def _error_codes(rule: str, methods: list[str], view: Callable[..., Any]) -> set[int]:
    """Return the HTTP error codes that an operation can have, judging by its path, methods and access rule."""
    codes = {422, 429, 503}
    declared = access_rule(view)
    permission = declared.permission if declared else None
    if permission is not None:
        codes.add(401)
    if "<" in rule:
        codes.add(404)
    if methods == ["GET"]:
        return codes | ({403} if permission not in (None, Permission.READ) else set())
    # 403: a missing role, or a request from another site. 409: a conflict with stored data.
    codes |= {403, 409}
    return codes if methods == ["DELETE"] else codes | {400, 413, 415}


def _has_query(view: Any) -> bool:
    parameters = getattr(view, "_apidoc", {}).get("arguments", {}).get("parameters", [])
    return any(each["in"] == "query" for each in parameters)


def _checking_options(view: Callable[..., Any]) -> Callable[..., Any]:
    """Reject query options of a view that has none but the language, so that `dry_run=true` is not silently ignored.

    A view with the attribute `ignores_options` ignores other options than the language.
    """
    is_strict = not getattr(view, "ignores_options", False)

    @wraps(view)
    def checking(*args: Any, **kwargs: Any) -> Any:
        unknown = {name: [Message("Unknown field.")] for name in request.args if name != languages.OPTION}
        check_language()
        if unknown and is_strict:
            raise RequestError(
                Message("This route has no options. Remove %(options)s.", options=", ".join(unknown)),
                {"query": unknown},
            )
        return view(*args, **kwargs)

    return checking
