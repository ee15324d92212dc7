"""What every answer tells the browser that it may do with it."""

from __future__ import annotations

from flask import Flask, Response, request

from precast_app.extensions import settings_of

_SOURCES = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "font-src": "'self'",
    "connect-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
}
# The dashboard's pages are another project's: its scripts and styles stand in them.
_DASHBOARD = {"script-src": "'self' 'unsafe-inline' 'unsafe-eval'", "style-src": "'self' 'unsafe-inline'"}
# Swagger UI sets styles of elements as it draws them.
_DOCS = {"style-src": "'self' 'unsafe-inline'"}
_ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
# Files that are the same for everyone; they say themselves how long they are kept.
_CACHED = frozenset({"static", "pages.icon", "docs.asset", "rq_dashboard.static"})
_YEAR_SECONDS = 31_536_000


def init_app(app: Flask) -> None:
    """Add the headers to every answer."""
    settings = settings_of(app)

    @app.after_request
    def _add(response: Response) -> Response:
        response.headers.update(_ALWAYS)
        response.headers["Content-Security-Policy"] = _policy(request.path)
        if settings.cookie_secure:
            response.headers["Strict-Transport-Security"] = f"max-age={_YEAR_SECONDS}; includeSubDomains"
        if request.endpoint not in _CACHED:
            # Nothing that holds data is stored, downloads included. Clients that ask again and again keep the ETag of
            # the last answer themselves, as our pages do.
            response.headers["Cache-Control"] = "private, no-store"
        return response


def _policy(path: str) -> str:
    more: dict[str, str] = {}
    if path.startswith("/rq"):
        more = _DASHBOARD
    elif path.startswith("/api/docs"):
        more = _DOCS
    return "; ".join(f"{name} {sources}" for name, sources in {**_SOURCES, **more}.items())
