"""One shape for every error, whatever raised it: `{"code", "status", "message", "errors"}`."""

from __future__ import annotations

import logging
from typing import Any
from uuid import uuid4

from flask import Flask, Response, jsonify, request
from flask_limiter import RateLimitExceeded
from redis.exceptions import RedisError
from sqlalchemy.exc import OperationalError, TimeoutError
from werkzeug.exceptions import HTTPException
from werkzeug.http import HTTP_STATUS_CODES

from precast_app.auth import rate_limits
from precast_app.errors import RequestError, TooManyRequests

log = logging.getLogger(__name__)

_RETRY_SECONDS = "5"

_MESSAGES = {
    400: "The request can't be read. Check its headers and body.",
    404: "There is nothing at this address. /api/docs lists what there is.",
    405: "This address doesn't take this method. /api/docs lists the ones that it takes.",
    413: "The upload is too large. Split the file and upload its parts.",
    422: "The request has values that can't be used; `errors` names them.",
    429: "Too many requests. Wait a little and try again.",
}


def init_app(app: Flask) -> None:
    """Answer every error of the application in the one shape."""
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(RequestError, _request_error)
    for away in (OperationalError, TimeoutError, RedisError):
        app.register_error_handler(away, _unavailable)
    app.register_error_handler(Exception, _internal_error)


def answer(code: int, message: str, errors: dict[str, Any] | None = None) -> Response:
    """The answer that tells an error."""
    response = jsonify(
        {"code": code, "status": HTTP_STATUS_CODES.get(code, "Error"), "message": message, "errors": errors or {}}
    )
    response.status_code = code
    if code == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def _request_error(error: RequestError) -> Response:
    response = answer(error.http_status, error.message, error.errors)
    if isinstance(error, TooManyRequests):
        response.headers["Retry-After"] = str(error.retry_after)
    return response


def _http_error(error: HTTPException) -> Response:
    code = error.code or 500
    data: dict[str, Any] = getattr(error, "data", None) or {}
    errors = data.get("messages") or data.get("errors") or {}
    message = data.get("message") or _MESSAGES.get(code) or error.description or "The request failed."
    if errors and code == 422:
        message = f"{message} {_first(errors)}"
    response = answer(code, message, errors if isinstance(errors, dict) else {"request": errors})
    if isinstance(error, RateLimitExceeded):
        response.headers["Retry-After"] = str(rate_limits.retry_after())
    if error.get_response().headers.get("Allow"):
        response.headers["Allow"] = error.get_response().headers["Allow"]
    return response


def _unavailable(error: Exception) -> Response:
    number = _logged(error)
    message = f"Database or queue can't be reached now. Try again in a little; the log has this under {number}."
    response = answer(503, message, {"request_id": number})
    response.headers["Retry-After"] = _RETRY_SECONDS
    return response


def _internal_error(error: Exception) -> Response:
    number = _logged(error)
    message = f"Something went wrong on our side. Tell the administrator the number {number}; the log has it too."
    return answer(500, message, {"request_id": number})


def _logged(error: Exception) -> str:
    """Log an error with the request, under the number that is returned."""
    number = uuid4().hex[:12]
    log.exception("Request %s (%s %r) failed.", number, request.method, request.path, exc_info=error)
    return number


def _first(errors: Any, name: str = "") -> str:
    """The first of the errors in words: `batch_size: Must be …`."""
    if isinstance(errors, dict):
        for key, value in errors.items():
            return _first(value, name if key in ("query", "json", "form", "files") else str(key))
    if isinstance(errors, list) and errors:
        return f"{name}: {errors[0]}" if name else str(errors[0])
    return str(errors)
