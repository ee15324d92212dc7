"""Commands that print the message of a `RequestError` and exit with status 1."""

from __future__ import annotations

from typing import Any

import click
from flask.cli import AppGroup

from precast_app.errors import RequestError


class Group(AppGroup):
    """A group of commands, each of which runs with the application's context."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command that the arguments name."""
        try:
            return super().invoke(ctx)
        except RequestError as error:
            raise click.ClickException(error.message) from None


class Command(click.Command):
    """A single command; it needs Flask's `with_appcontext`."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except RequestError as error:
            raise click.ClickException(error.message) from None
