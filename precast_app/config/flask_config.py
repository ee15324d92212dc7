"""Configuration of Flask and its extensions."""

from __future__ import annotations

from typing import Any

from precast_app.config.database_url import database_uri
from precast_app.config.settings import Settings


def flask_config(settings: Settings) -> dict[str, Any]:
    """Return the settings under the keys that Flask and its extensions read, and themselves under `PRECAST`."""
    return {
        "PRECAST": settings,
        "SECRET_KEY": settings.secret_key,
        "SQLALCHEMY_DATABASE_URI": database_uri(settings.database_url),
        # A multipart body is a little longer than the file in it. The file itself is limited to `max_upload_bytes`.
        "MAX_CONTENT_LENGTH": settings.max_upload_bytes + 64 * 1024,
        # With the prefix `__Host-`, browsers send the cookie to this host only, and accept it over https only.
        "SESSION_COOKIE_NAME": "__Host-precast_session" if settings.cookie_secure else "precast_session",
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_SECURE": settings.cookie_secure,
        "PERMANENT_SESSION_LIFETIME": settings.session_lifetime_hours * 3600,
        # The end of a session is set when it starts, so the cookie is sent once. Sent with every response, a late
        # response would restore the cookie of a session that has been ended.
        "SESSION_REFRESH_EACH_REQUEST": False,
        "API_TITLE": "Precast Management System",
        "API_VERSION": "v1",
        "OPENAPI_VERSION": "3.1.0",
        "OPENAPI_URL_PREFIX": "/api",
        "OPENAPI_JSON_PATH": "openapi.json",
    }
