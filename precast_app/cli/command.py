"""Commands that print why they failed, without a traceback, and exit with status 1."""

from __future__ import annotations

import json
from typing import Any

import click
from flask.cli import AppGroup
from sqlalchemy.exc import OperationalError

from precast_app.errors import RequestError

json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print JSON as the API returns it, and nothing else."
)


def print_json(value: Any) -> None:
    """Print a value as JSON that people can read."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


def _failure(error: RequestError | OperationalError) -> click.ClickException:
    """Return what is printed: a refusal, or that the database is unavailable."""
    if isinstance(error, RequestError):
        return click.ClickException(error.message)
    # The first line says what happened; those below repeat the statement.
    return click.ClickException(f"The database is unavailable: {str(error.orig).splitlines()[0]}. Run `flask doctor`.")


class Group(AppGroup):
    """A group of commands, each of which runs with the application's context."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command that the arguments name."""
        try:
            return super().invoke(ctx)
        except (RequestError, OperationalError) as error:
            raise _failure(error) from None


class Command(click.Command):
    """A single command; it needs Flask's `with_appcontext`."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except (RequestError, OperationalError) as error:
            raise _failure(error) from None
