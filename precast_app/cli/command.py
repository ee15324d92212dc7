"""Commands that print the message of a `RequestError` and exit with status 1."""

from __future__ import annotations

import json
from typing import Any

import click
from flask.cli import AppGroup

from precast_app.errors import RequestError

json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print JSON as the API returns it, and nothing else."
)


def print_json(value: Any) -> None:
    """Print a value as JSON that people can read."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


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
