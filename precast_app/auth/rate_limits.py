"""Rate limits on requests and uploads, counted per user, or per address for anonymous callers."""

from __future__ import annotations

import time
from typing import Any

from flask import Flask, request
from flask_limiter import Limiter
from limits import RateLimitItem
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError, RedisError
from redis.retry import Retry
from sqlalchemy.exc import SQLAlchemyError

from precast_app.auth.request_authentication import current_identity
from precast_app.errors import RequestError
from precast_app.extensions import current_settings, settings_of

# The name of the limit on all requests in headers, and what the library calls its scope.
_REQUESTS = "requests"
_ALL_ROUTES = "global"
_COUNTED_KEY = "precast.counted"
# Cheap responses that monitoring and every page request often.
_EXEMPT_ENDPOINTS = frozenset({"static", "health.alive", "health.ready"})

# Limits, each with the names of the counter.
Counted = tuple[tuple[RateLimitItem, tuple[str, ...]], ...]


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
    # Without Redis each process counts for itself, so that uploads still work.
    in_memory_fallback_enabled=True,
    # Counting in memory sometimes fails if two threads count at once; such a request is allowed, and logged.
    swallow_errors=True,
    key_prefix="limits",
)


def remember_counted() -> None:
    """Store with the request what it has counted towards, for `counted_in`."""
    request.environ[_COUNTED_KEY] = tuple((each.limit, tuple(each.request_args)) for each in limiter.current_limits)


def counted_in(environ: dict[str, Any]) -> Counted:
    """Return what the request with this environment has counted towards; nothing if that was not stored."""
    counted: Counted = environ.get(_COUNTED_KEY, ())
    return counted


def count_again(counted: Counted) -> bool:
    """Count another request towards the same limits, and return whether it is within all of them.

    False if it can't be counted: if Redis can't be reached, or two threads begin to count in memory at once.
    """
    try:
        return all(limiter.limiter.hit(limit, *names) for limit, names in counted)
    except (RedisError, ValueError, RuntimeError):
        return False


def retry_after() -> int:
    """Return the seconds until the request that exceeded the limit may be sent again."""
    reached = limiter.current_limit
    return max(1, int(reached.reset_at - time.time())) if reached else 60


def header_fields() -> dict[str, str]:
    """Return the fields `RateLimit-Policy` and `RateLimit` for the limit that the request counts towards.

    They are those of the IETF's draft-ietf-httpapi-ratelimit-headers. Empty for a request that counts towards none.
    """
    fields: dict[str, list[str]] = {"RateLimit-Policy": [], "RateLimit": []}
    try:
        for counted in limiter.current_limits:
            scope = counted.request_args[-1]
            name = _REQUESTS if scope == _ALL_ROUTES else scope
            seconds = max(0, int(counted.reset_at - time.time()))
            fields["RateLimit-Policy"].append(f'"{name}";q={counted.limit.amount};w={counted.limit.get_expiry()}')
            fields["RateLimit"].append(f'"{name}";r={counted.remaining};t={seconds}')
    except (RedisError, ValueError):
        # Redis has become unreachable during the request, or holds something that is not a count.
        return {}
    return {field: ", ".join(items) for field, items in fields.items() if items}


def redis_options(seconds: float) -> dict[str, Any]:
    """Return the options of a Redis client with this time-out, which reconnects once and otherwise does not retry."""
    retry = Retry(NoBackoff(), 1, supported_errors=(ConnectionError,))
    return {"socket_connect_timeout": seconds, "socket_timeout": seconds, "retry": retry}


limit_uploads = limiter.shared_limit(_upload_limit, scope="uploads")


def init_app(app: Flask) -> None:
    """Limit the requests to the application."""
    settings = settings_of(app)
    app.config["RATELIMIT_STORAGE_URI"] = settings.redis_url
    app.config["RATELIMIT_STORAGE_OPTIONS"] = redis_options(settings.redis_timeout_seconds)
    limiter.request_filter(lambda: request.endpoint in _EXEMPT_ENDPOINTS)
    limiter.init_app(app)
