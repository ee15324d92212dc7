"""The Precast Management System: element types of precast-concrete projects, and the jobs that import them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from precast_app import gc_tuning

if TYPE_CHECKING:
    from flask import Flask

    from precast_app.config import SessionLimits, Settings


@gc_tuning.collection_paused()
def create_app(
    settings: Settings | None = None,
    *,
    connections: int | None = None,
    limits: SessionLimits | None = None,
    serves_requests: bool = True,
) -> Flask:
    """Build the application: settings → extensions → blueprints → error handlers → commands.

    Without `settings` they are read from the environment; a bad one raises `errors.ConfigurationError`. At most
    `connections` to the database are open at a time, whose sessions have `limits`; both are a web process's by default.
    A worker needs neither routes nor commands, and starts in two thirds of the time without them.
    """
    # Imported here, so that a module of the package can be used without Flask and SQLAlchemy.
    from flask import Flask

    from precast_app import database, languages, models
    from precast_app.config import Settings
    from precast_app.config.engine_options import engine_options
    from precast_app.config.flask_config import flask_config
    from precast_app.extensions import db
    from precast_app.jobs import broker
    from precast_app.telemetry import instrumentation

    settings = settings or Settings.from_environment()
    app = Flask(__name__, static_folder="web/static")
    app.config.from_mapping(flask_config(settings))
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = engine_options(
        settings, connections or settings.web_connections, limits or settings.web_limits
    )
    broker.forbid_pickle()
    db.init_app(app)
    database.init_app(app)
    instrumentation.init_app(app)
    languages.init_app(app)
    assert models.ImportJob.metadata is db.metadata
    if serves_requests:
        _add_routes(app, settings)
    return app


def _add_routes(app: Flask, settings: Settings) -> None:
    """Add the API, the pages and the commands, and what guards them."""
    from werkzeug.middleware.proxy_fix import ProxyFix

    from precast_app import api, cli, parsing, web
    from precast_app.api import body_limits
    from precast_app.auth import rate_limits as request_limits
    from precast_app.auth import route_permissions, sign_in_throttle

    # In the order in which fields are declared, as the contract shows them.
    app.json.sort_keys = False  # type: ignore[attr-defined] # of Flask's default provider
    if settings.trusted_proxies:
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign] # Flask's own way to wrap it
            app.wsgi_app,
            x_for=settings.trusted_proxies,
            x_proto=settings.trusted_proxies,
            x_host=settings.trusted_proxies,
        )
    # Before whatever may ask the database about a request.
    body_limits.init_small_bodies(app)
    sign_in_throttle.init_app(app)
    request_limits.init_app(app)
    parsing.init_app(app)
    api.init_app(app)
    web.init_app(app)
    cli.init_app(app)
    route_permissions.check_routes(app)
