"""Reports of errors to Sentry. Imported only if `SENTRY_DSN` is set."""

from __future__ import annotations

from typing import cast

import sentry_sdk
from flask import has_request_context, request
from sentry_sdk.integrations.argv import ArgvIntegration
from sentry_sdk.types import Event, Hint

from precast_app import logs
from precast_app.telemetry import instrumentation

_FLUSH_SECONDS = 3
_ALLOWED_EVENT_KEYS = (
    "contexts", "environment", "event_id", "exception", "level", "logger", "modules", "platform", "release", "sdk",
    "server_name", "timestamp",
)  # fmt: skip


def start(dsn: str) -> None:
    """Report what is logged as an error, with its stack trace and the ids under which the log has the rest."""
    sentry_sdk.init(
        dsn,
        before_send=_clean,
        send_default_pii=False,
        include_local_variables=False,
        max_breadcrumbs=0,
        max_request_body_size="never",
        auto_enabling_integrations=False,
        disabled_integrations=[ArgvIntegration()],
    )
    instrumentation.flushers.append(lambda: sentry_sdk.flush(_FLUSH_SECONDS))


def _clean(event: Event, hint: Hint) -> Event:
    """Return the event without anything that can quote a cell, a password or an address with a secret.

    An exception keeps its type and its stack, not its message; of a log message, the text before its values are filled
    in is kept.
    """
    cleaned = cast(Event, {key: value for key, value in event.items() if key in _ALLOWED_EVENT_KEYS})
    for error in cleaned.get("exception", {}).get("values", ()):
        error["value"] = ""
    if entry := event.get("logentry"):
        cleaned["logentry"] = {"message": entry.get("message", "")}
    found = {name: str(value) for name, value in logs.current_context().items() if value is not None}
    if has_request_context() and request.url_rule:
        found["route"] = request.url_rule.rule
        cleaned["transaction"] = f"{request.method} {request.url_rule.rule}"
    cleaned["tags"] = found
    return cleaned
