"""Error responses: every error has the body `{"code", "status", "message", "errors"}`."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from flask import Flask, Response, jsonify, request
from flask_limiter import RateLimitExceeded
from redis.exceptions import RedisError
from sqlalchemy.exc import OperationalError, TimeoutError
from werkzeug.exceptions import HTTPException
from werkzeug.http import HTTP_STATUS_CODES

from precast_app import languages
from precast_app.api import request_ids
from precast_app.api.validation_messages import to_message
from precast_app.auth import rate_limits
from precast_app.errors import RequestError, TooManyRequests
from precast_app.message_catalogue import translate, translate_messages
from precast_app.messages import Message, as_message, join_messages

log = logging.getLogger(__name__)

_RETRY_SECONDS = "5"
_PROBLEM_JSON = "application/problem+json"

_MESSAGES = {
    400: Message("The request can't be read. Check its headers and body."),
    404: Message("This address does not exist. /api/docs lists all routes."),
    405: Message("This address does not accept this method. /api/docs lists the methods that it accepts."),
    413: Message("The upload is too large. Split the file and upload its parts."),
    422: Message("Some values in the request are invalid; `errors` lists them."),
    429: Message("Too many requests. Wait a moment and try again."),
}


def init_app(app: Flask) -> None:
    """Register the handlers that turn every exception into an error response."""
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(RequestError, _request_error)
    for error in (OperationalError, TimeoutError, RedisError):
        app.register_error_handler(error, _unavailable)
    app.register_error_handler(Exception, _internal_error)


def error_response(
    code: int, message: str, errors: dict[str, Any] | None = None, data: Mapping[str, Any] | None = None
) -> Response:
    """Return an error response; as RFC 9457 describes it for clients that ask for `application/problem+json`.

    `data` is shown beside the errors; of its texts only messages are translated.
    """
    title = HTTP_STATUS_CODES.get(code, "Error")
    language = languages.current()
    message = translate(message, language)
    errors = {**_translated(errors or {}, language), **translate_messages(dict(data or {}), language)}
    # A quality of 0 means that the client does not accept it.
    if any(name == _PROBLEM_JSON and quality > 0 for name, quality in request.accept_mimetypes):
        response = jsonify({"type": "about:blank", "title": title, "status": code, "detail": message, "errors": errors})
        response.mimetype = _PROBLEM_JSON
    else:
        response = jsonify({"code": code, "status": title, "message": message, "errors": errors})
    response.status_code = code
    response.vary.add("Accept")
    if code == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def _request_error(error: RequestError) -> Response:
    response = error_response(error.http_status, error.message, error.errors, error.data)
    if isinstance(error, TooManyRequests):
        response.headers["Retry-After"] = str(error.retry_after)
    return response


def _http_error(error: HTTPException) -> Response:
    code = error.code or 500
    if code == HTTPStatus.NOT_MODIFIED:
        return Response(status=code)
    data: dict[str, Any] = getattr(error, "data", None) or {}
    errors = data.get("messages") or data.get("errors") or {}
    message = data.get("message") or _MESSAGES.get(code) or error.description or "The request failed."
    if errors and code == 422:
        message = join_messages(" ", [as_message(message), _first_message(errors)])
    response = error_response(code, message, errors if isinstance(errors, dict) else {"request": errors})
    if isinstance(error, RateLimitExceeded):
        response.headers["Retry-After"] = str(rate_limits.retry_after())
    if error.get_response().headers.get("Allow"):
        response.headers["Allow"] = error.get_response().headers["Allow"]
    return response


def _unavailable(error: Exception) -> Response:
    request_id = _log_error(error)
    message = Message(
        "The database or Redis is not available. Try again in a few seconds. It is logged as %(request_id)s.",
        request_id=request_id,
    )
    response = error_response(503, message, {"request_id": request_id})
    response.headers["Retry-After"] = _RETRY_SECONDS
    return response


def _internal_error(error: Exception) -> Response:
    request_id = _log_error(error)
    message = Message(
        "An error occurred on the server. Tell the administrator the number %(request_id)s; it is in the log.",
        request_id=request_id,
    )
    return error_response(500, message, {"request_id": request_id})


def _log_error(error: Exception) -> str:
    """Log an error with its request, and return the id of the request."""
    request_id = request_ids.current()
    log.exception("Request %s (%s %r) failed.", request_id, request.method, request.path, exc_info=error)
    return request_id


def _translated(errors: Any, language: str) -> Any:
    """Return the errors of fields with their texts in a language; codes, names and numbers in them stay."""
    if isinstance(errors, dict):
        return {name: _translated(each, language) for name, each in errors.items()}
    if isinstance(errors, (list, tuple)):
        return [_translated(each, language) for each in errors]
    return translate(to_message(errors), language) if isinstance(errors, str) else errors


def _first_message(errors: Any, name: str = "") -> Message:
    """Return the first of the messages with its field: `batch_size: Must be …`."""
    if isinstance(errors, dict):
        for key, value in errors.items():
            return _first_message(value, name if key in ("query", "json", "form", "files") else str(key))
    if isinstance(errors, list) and errors:
        first = to_message(errors[0] if isinstance(errors[0], str) else str(errors[0]))
        return join_messages(": ", [name, first]) if name else first
    return to_message(str(errors))
