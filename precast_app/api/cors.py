"""Access from pages of other origins, with a token and never with the session cookie (`CORS_ORIGINS`)."""

from __future__ import annotations

from flask import Flask
from flask_cors import CORS

from precast_app.extensions import settings_of

_NO_ORIGIN = "none"
_REQUEST_HEADERS = ["Authorization", "Content-Type", "Idempotency-Key", "If-Match", "If-None-Match"]
_RESPONSE_HEADERS = ["Content-Disposition", "ETag", "Link", "Location", "RateLimit", "RateLimit-Policy", "Retry-After"]
_PREFLIGHT_SECONDS = 600


def init_app(app: Flask) -> None:
    """Let the pages of the configured origins call the API."""
    origins = [each.strip() for each in settings_of(app).cors_origins.split(",") if each.strip()]
    if origins in ([], [_NO_ORIGIN]):
        return
    CORS(
        app,
        resources={r"/api/.*": {"origins": origins}},
        allow_headers=_REQUEST_HEADERS,
        expose_headers=_RESPONSE_HEADERS,
        max_age=_PREFLIGHT_SECONDS,
        supports_credentials=False,
    )
