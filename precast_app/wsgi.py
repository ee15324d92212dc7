"""The application that gunicorn serves and that `flask` commands use."""

from __future__ import annotations

import click

from precast_app import create_app
from precast_app.config import Settings

_settings = Settings.from_environment()
# A command of `flask`, a migration for one, may take longer than a request.
_is_command = click.get_current_context(silent=True) is not None

app = create_app(_settings, limits=_settings.command_limits if _is_command else _settings.web_limits)
