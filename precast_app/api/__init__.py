"""The HTTP API. A resource's module parses the request, calls one function and serializes its result."""

from __future__ import annotations

from flask import Flask

from precast_app.api import (
    accounts,
    body_limits,
    connection_release,
    cors,
    docs,
    element_details,
    element_type_edits,
    element_types,
    elements,
    email_settings,
    errors,
    export_slots,
    exports,
    health,
    import_profiles,
    job_corrections,
    job_files,
    job_mapping,
    jobs,
    labels,
    metrics,
    openapi,
    piece_exports,
    piece_jobs,
    projects,
    rate_limit_headers,
    reference,
    replaced_routes,
    request_durations,
    request_ids,
    reviews,
    unchanged_jobs,
    webhooks,
)
from precast_app.api.blueprint import UserNameConverter
from precast_app.api.schemas import Problem, ProblemDetails
from precast_app.extensions import api

RESOURCES = (
    accounts, projects, reference, import_profiles, jobs, job_files, job_mapping, job_corrections, element_types,
    element_type_edits, elements, element_details, labels, piece_exports, piece_jobs, exports, replaced_routes, reviews,
    webhooks, email_settings,
)  # fmt: skip


def init_app(app: Flask) -> None:
    """Register all resources, the documentation, health checks, metrics, error handlers and limits."""
    app.url_map.converters["user_name"] = UserNameConverter
    # `Blueprint` lists the possible errors of each operation, so there is no default one.
    api.ERROR_SCHEMA = Problem
    api.DEFAULT_ERROR_RESPONSE_NAME = None
    api.init_app(app, spec_kwargs=openapi.spec_options(app))
    api.spec.components.schema("ProblemDetails", schema=ProblemDetails)
    for resource in RESOURCES:
        api.register_blueprint(resource.blueprint)
    openapi.remove_unused(api.spec)
    app.register_blueprint(docs.blueprint)
    app.register_blueprint(health.blueprint)
    app.register_blueprint(metrics.blueprint)
    unchanged_jobs.init_app(app)
    request_ids.init_app(app)
    request_durations.init_app(app)
    errors.init_app(app)
    health.init_app(app)
    connection_release.init_app(app)
    export_slots.init_app(app)
    body_limits.init_app(app)
    rate_limit_headers.init_app(app)
    cors.init_app(app)
