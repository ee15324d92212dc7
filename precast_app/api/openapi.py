"""The OpenAPI description: what it says about the whole API, and what flask-smorest leaves out."""

from __future__ import annotations

from typing import Any

from apispec import APISpec, BasePlugin
from flask import Flask

from precast_app.languages import LANGUAGES, OPTION

_ABOUT = """\
Element types of precast-concrete projects, and the jobs that import them.

- Times are in UTC. A field without a value is null. Later versions may add fields, so ignore those you don't know.
- Every error has the body `Problem`, or `ProblemDetails` for clients that accept `application/problem+json`. Decide by
  the HTTP status; the messages are for people.
- A job runs in the background. Poll it until its status is `completed` or `failed`, as often as `Retry-After` says.
- Lists have `limit` and `offset`, and long ones `after`. `Link` has the addresses of the other pages (RFC 8288).
- `RateLimit-Policy` and `RateLimit` say how many requests are allowed and left. After a 429 or 503, wait `Retry-After`
  seconds and send the request again.
- Messages for people are in English, or in the language that the option `language` names. Codes and names are never
  translated.
"""
_RETRY_AFTER = {
    "Retry-After": {"description": "seconds to wait before the next try", "schema": {"type": "integer", "minimum": 1}}
}
_LINK = {
    "Link": {
        "description": "addresses of the pages `next`, `prev`, `first` and `last`, as far as they are known (RFC 8288)",
        "schema": {"type": "string"},
    }
}
_RATE_LIMIT = {
    "RateLimit-Policy": {
        "description": "how many requests (`q`) are allowed in how many seconds (`w`)",
        "schema": {"type": "string"},
    },
    "RateLimit": {
        "description": "how many are left (`r`), and after how many seconds (`t`) all of them are allowed again",
        "schema": {"type": "string"},
    },
}
# The name of the parameter that every operation has.
_LANGUAGE = "Language"
# Responses that say when to try again.
_TEMPORARY = frozenset({"Too Many Requests", "Service Unavailable"})


def spec_options(app: Flask) -> dict[str, Any]:
    """Return the options of `Api.init_app`: what the description says beside the operations and schemas."""
    return {
        "extra_plugins": [_OpenApiPlugin()],
        "info": {"description": _ABOUT},
        "servers": [{"url": "/", "description": "This installation"}],
        "components": {
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A token from the page Account or from `flask token create`.",
                },
                "session": {
                    "type": "apiKey",
                    "in": "cookie",
                    "name": app.config["SESSION_COOKIE_NAME"],
                    "description": "The session of a signed-in user, on pages of this installation only.",
                },
            },
            "parameters": {
                _LANGUAGE: {
                    "name": OPTION,
                    "in": "query",
                    "description": "language of the messages for people; English if it is left out",
                    "schema": {"type": "string", "enum": sorted(LANGUAGES)},
                }
            },
        },
        "security": [{"token": []}, {"session": []}],
    }


def remove_unused(spec: APISpec) -> None:
    """Remove what flask-smorest adds to every description and no operation of this one refers to."""
    spec.components.schemas.pop("PaginationMetadata", None)


class _OpenApiPlugin(BasePlugin):
    """Plugin that sees each operation and each response after the others have filled them in."""

    def operation_helper(
        self, path: str | None = None, operations: dict[str, Any] | None = None, **kwargs: Any
    ) -> None:
        """Add the parameter `language` to each operation, and say that lists have a `Link`.

        Of parameters, say that they may be left out, not that they may be null: a URL can't express null.
        """
        for operation in (operations or {}).values():
            named = operation.setdefault("parameters", [])
            parameters = [each for each in named if isinstance(each, dict)]
            named.append(_LANGUAGE)
            for parameter in parameters:
                _remove_null(parameter.get("schema", {}))
            if any(parameter.get("name") == "limit" for parameter in parameters):
                operation["responses"][200].setdefault("headers", {}).update(_LINK)

    def response_helper(self, response: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        """Add the second form of an error to its response, and headers that say when to try again."""
        if "application/json" in response.get("content", {}):
            response["content"]["application/problem+json"] = {"schema": "ProblemDetails"}
        if response.get("description") in _TEMPORARY:
            response["headers"] = {**_RETRY_AFTER, **_RATE_LIMIT}
        return response


def _remove_null(schema: dict[str, Any]) -> None:
    kind = schema.get("type")
    if isinstance(kind, list) and "null" in kind:
        (schema["type"],) = (each for each in kind if each != "null")
    if "enum" in schema:
        schema["enum"] = [each for each in schema["enum"] if each is not None]
    if schema.get("default", "") is None:
        del schema["default"]
