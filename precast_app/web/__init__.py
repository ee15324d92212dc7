"""Pages for people."""

from __future__ import annotations

from flask import Flask

from precast_app.web import dashboard, headers, pages, sign_in


def init_app(app: Flask) -> None:
    """Register the pages and, for administrators, the dashboard of the queue."""
    app.register_blueprint(pages.blueprint)
    app.register_blueprint(sign_in.blueprint)
    dashboard.init_app(app)
    headers.init_app(app)
