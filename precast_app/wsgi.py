"""The application with the database limits of the process that makes it."""

from __future__ import annotations

import click
from flask import Flask

from precast_app import create_app
from precast_app.config import Settings
from precast_app.errors import ConfigurationError


def make_app() -> Flask:
    """Return the application for gunicorn or for a `flask` command; settings come from the environment.

    A command, a migration for example, may take longer than a request. It prints what is wrong with a setting; gunicorn
    gets the `ConfigurationError`.
    """
    is_command = click.get_current_context(silent=True) is not None
    try:
        settings = Settings.from_environment()
        return create_app(settings, limits=settings.command_limits if is_command else settings.web_limits)
    except ConfigurationError as error:
        if is_command:
            raise click.ClickException(str(error)) from None
        raise
