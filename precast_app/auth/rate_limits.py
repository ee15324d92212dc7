"""How many requests and uploads one may send: counted by user, or by address for who has not said who is asking."""

from __future__ import annotations

import time
from typing import Any

from flask import Flask, request
from flask_limiter import Limiter
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError
from redis.retry import Retry
from sqlalchemy.exc import SQLAlchemyError

from precast_app.auth.request_identity import current_identity
from precast_app.errors import RequestError
from precast_app.extensions import current_settings, settings_of

# Asked for again and again by machines, and for each page by browsers; they cost next to nothing.
_EXEMPT_ENDPOINTS = frozenset({"static", "health.alive", "health.ready"})


def _rate_limit_key() -> str:
    try:
        return f"user {current_identity().user_id}"
    except (RequestError, SQLAlchemyError):
        return f"address {request.remote_addr}"


def _request_limit() -> str:
    return f"{current_settings().requests_per_minute} per minute"


def _upload_limit() -> str:
    return f"{current_settings().uploads_per_minute} per minute"


limiter = Limiter(
    _rate_limit_key,
    application_limits=[_request_limit],
    # Where Redis is away each process counts for itself: uploads are still taken.
    in_memory_fallback_enabled=True,
    # Its counts in memory fail at times when two threads count at once; such a request is let through, and logged.
    swallow_errors=True,
    key_prefix="limits",
)


def retry_after() -> int:
    """In how many seconds the request that was refused may be sent again."""
    reached = limiter.current_limit
    return max(1, int(reached.reset_at - time.time())) if reached else 60


def redis_options(seconds: float) -> dict[str, Any]:
    """Return the options of a Redis client that counts: it renews a lost connection, and does not wait twice."""
    retry = Retry(NoBackoff(), 1, supported_errors=(ConnectionError,))
    return {"socket_connect_timeout": seconds, "socket_timeout": seconds, "retry": retry}


limit_uploads = limiter.shared_limit(_upload_limit, scope="uploads")


def init_app(app: Flask) -> None:
    """Count the requests to the application."""
    settings = settings_of(app)
    app.config["RATELIMIT_STORAGE_URI"] = settings.redis_url
    app.config["RATELIMIT_STORAGE_OPTIONS"] = redis_options(settings.redis_timeout_seconds)
    limiter.request_filter(lambda: request.endpoint in _EXEMPT_ENDPOINTS)
    limiter.init_app(app)
