"""HTML pages."""

from __future__ import annotations

from flask import Flask

from precast_app.web import (
    accounts,
    comparisons,
    element_types,
    email,
    errors,
    home,
    jobs,
    languages,
    overview,
    pieces,
    reference_data,
    rq_dashboard,
    security_headers,
    sign_in,
    template_filters,
    webhooks,
)


def init_app(app: Flask) -> None:
    """Register the pages, their template filters and error pages, the RQ dashboard and the security headers."""
    for module in (
        home,
        sign_in,
        overview,
        jobs,
        comparisons,
        element_types,
        pieces,
        reference_data,
        accounts,
        languages,
        webhooks,
        email,
    ):
        app.register_blueprint(module.blueprint)
    template_filters.init_app(app)
    errors.init_app(app)
    rq_dashboard.init_app(app)
    security_headers.init_app(app)
