"""The Precast Management System: element types of precast-concrete projects, and the jobs that import them."""

from __future__ import annotations

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from precast_app.config import Settings
from precast_app.extensions import api, db, migrate


def create_app(settings: Settings | None = None) -> Flask:
    """Build the application: settings → extensions → blueprints → error handlers.

    Without `settings` they are read from the environment; a bad one raises `errors.ConfigurationError`.
    """
    settings = settings or Settings.from_environment()
    app = Flask(__name__, static_folder=None)
    app.config.from_mapping(settings.flask)
    if settings.proxies:
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign] # Flask's own way to wrap it
            app.wsgi_app, x_for=settings.proxies, x_proto=settings.proxies, x_host=settings.proxies
        )

    from precast_app import models  # noqa: F401 # the tables must be known before the first query or migration

    db.init_app(app)
    migrate.init_app(app, db)

    return app
