"""Security headers of every response, among them the content security policy."""

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
# The pages of rq-dashboard contain inline scripts and styles.
_DASHBOARD = {"script-src": "'self' 'unsafe-inline' 'unsafe-eval'", "style-src": "'self' 'unsafe-inline'"}
# Swagger UI sets inline styles.
_DOCS = {"style-src": "'self' 'unsafe-inline'"}
_NO_PERMISSIONS = "camera=(), geolocation=(), microphone=(), payment=(), usb=()"
# The page that scans labels.
_SCAN = "piece_pages.scan"
_PERMISSIONS_WITH_CAMERA = _NO_PERMISSIONS.replace("camera=()", "camera=(self)")
_ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": _NO_PERMISSIONS,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
# Endpoints of static files, which set their own Cache-Control.
_CACHED = frozenset({"static", "pages.favicon", "docs.asset", "languages.script_texts", "rq_dashboard.static"})
_YEAR_SECONDS = 31_536_000


def init_app(app: Flask) -> None:
    """Add the headers to every response."""
    settings = settings_of(app)

    @app.after_request
    def _add(response: Response) -> Response:
        response.headers.update(_ALWAYS)
        if request.endpoint == _SCAN:
            response.headers["Permissions-Policy"] = _PERMISSIONS_WITH_CAMERA
        response.headers["Content-Security-Policy"] = _policy(request.path)
        if settings.cookie_secure:
            response.headers["Strict-Transport-Security"] = f"max-age={_YEAR_SECONDS}; includeSubDomains"
        if request.endpoint not in _CACHED:
            # Responses with data, downloads included, are never cached. Our pages keep the ETags that they poll with.
            response.headers["Cache-Control"] = "private, no-store"
        return response


def _policy(path: str) -> str:
    more: dict[str, str] = {}
    if path.startswith("/rq"):
        more = _DASHBOARD
    elif path.startswith("/api/docs"):
        more = _DOCS
    return "; ".join(f"{name} {sources}" for name, sources in {**_SOURCES, **more}.items())
