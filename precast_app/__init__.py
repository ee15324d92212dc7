"""The Precast Management System: element types of precast-concrete projects, and the jobs that import them."""

from __future__ import annotations

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from precast_app.config import Settings


def create_app(settings: Settings | None = None, *, connections: int | None = None) -> Flask:
    """Build the application: settings → extensions → blueprints → error handlers → commands.

    Without `settings` they are read from the environment; a bad one raises `errors.ConfigurationError`. At most
    `connections` to the database are open at a time; without it, as many as a web process may have.
    """
    # Imported here, so that `precast_app.spreadsheets` and `precast_app.embedded` can be used without all of it.
    from precast_app import api, cli, models, parsing, web
    from precast_app.accounts import guard, limits, throttle
    from precast_app.extensions import db

    settings = settings or Settings.from_environment()
    app = Flask(__name__, static_folder="web/static")
    app.config.from_mapping(settings.flask)
    if connections is not None:
        app.config["SQLALCHEMY_ENGINE_OPTIONS"] = settings.engine_options(connections)
    # In the order in which fields are declared, as the contract shows them.
    app.json.sort_keys = False  # type: ignore[attr-defined] # of Flask's default provider
    if settings.proxies:
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign] # Flask's own way to wrap it
            app.wsgi_app, x_for=settings.proxies, x_proto=settings.proxies, x_host=settings.proxies
        )
    db.init_app(app)
    throttle.init_app(app)
    limits.init_app(app)
    parsing.init_app(app)
    assert models.ImportJob.metadata is db.metadata
    api.init_app(app)
    web.init_app(app)
    cli.init_app(app)
    guard.check(app)
    return app
