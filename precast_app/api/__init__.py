"""HTTP in and out. Each module is a resource: it parses the request, calls one function and dumps what it returns."""

from __future__ import annotations

from flask import Flask

from precast_app.api import (
    accounts,
    body_limits,
    docs,
    element_types,
    errors,
    export_slots,
    exports,
    health,
    job_files,
    jobs,
    metrics,
    projects,
    reference,
    request_class,
)
from precast_app.api.blueprint import UserNameConverter
from precast_app.api.schemas import Problem
from precast_app.extensions import api

RESOURCES = (accounts, projects, reference, jobs, job_files, element_types, exports)


def init_app(app: Flask) -> None:
    """Register every resource, the documentation, the addresses for machines, and the shape of errors."""
    app.url_map.converters["user_name"] = UserNameConverter
    # Every operation names what it can answer (`blueprint`); there is no shape for all else.
    api.ERROR_SCHEMA = Problem
    api.DEFAULT_ERROR_RESPONSE_NAME = None
    # Before flask-smorest, which registers handlers of its own for what has none.
    api.init_app(app)
    for resource in RESOURCES:
        api.register_blueprint(resource.blueprint)
    app.register_blueprint(docs.blueprint)
    app.register_blueprint(health.blueprint)
    app.register_blueprint(metrics.blueprint)
    errors.init_app(app)
    health.init_app(app)
    request_class.init_app(app)
    export_slots.init_app(app)
    body_limits.init_app(app)
