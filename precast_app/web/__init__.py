"""Pages for people."""

from __future__ import annotations

from flask import Flask

from precast_app.web import (
    dashboard,
    display,
    element_types,
    errors,
    headers,
    jobs,
    overview,
    pages,
    people,
    reference,
    sign_in,
)


def init_app(app: Flask) -> None:
    """Register the pages and, for administrators, the dashboard of the queue."""
    for module in (pages, sign_in, overview, jobs, element_types, reference, people):
        app.register_blueprint(module.blueprint)
    display.init_app(app)
    errors.init_app(app)
    dashboard.init_app(app)
    headers.init_app(app)
