"""`flask user` and `flask token`."""

from __future__ import annotations

import sys

import click

from precast_app.api.accounts import UserAccount
from precast_app.auth import tokens, users
from precast_app.cli import command
from precast_app.cli.command import Group
from precast_app.extensions import current_settings
from precast_app.projects import projects
from precast_app.queries import administration
from precast_app.queries.paging import iterate_items

user_group = Group("user", help="Create, list, disable and enable users.")
token_group = Group("token", help="Create, list and revoke API tokens.")
_password_option = click.option(
    "--password-stdin", is_flag=True, help="Read the password from standard input, not from the keyboard."
)


@user_group.command("create")
@click.argument("name")
@click.option("--admin", is_flag=True, help="Make the user an administrator, who may do everything in every project.")
@_password_option
def create_user(name: str, admin: bool, password_stdin: bool) -> None:
    """Create the user NAME."""
    users.create(name, _password(password_stdin), is_admin=admin)
    click.echo(f"Created {'the administrator' if admin else 'the user'} {name.strip()}.")


@user_group.command("list")
@command.json_option
def list_users(as_json: bool) -> None:
    """List the users: name, whether they are administrators, and whether they are disabled."""
    found = iterate_items(administration.list_users)
    if as_json:
        command.print_json(UserAccount(many=True).dump(found))
        return
    for user in found:
        role = "administrator" if user.is_admin else "user"
        click.echo(f"{user.name}\t{role}\t{'disabled' if user.disabled_at else 'enabled'}")


@user_group.command("password")
@click.argument("name")
@_password_option
def change_password(name: str, password_stdin: bool) -> None:
    """Set the password of the user NAME. This ends the user's sessions and revokes their tokens."""
    users.set_password(name, _password(password_stdin))
    click.echo(f"Changed the password of {name}. All sessions and tokens of {name} have ended.")


@user_group.command("disable")
@click.argument("name")
def disable_user(name: str) -> None:
    """Disable the user NAME: password, sessions and tokens stop working at once."""
    users.set_disabled(name, True)
    click.echo(f"Disabled {name}.")


@user_group.command("enable")
@click.argument("name")
def enable_user(name: str) -> None:
    """Enable the user NAME again."""
    users.set_disabled(name, False)
    click.echo(f"Enabled {name}.")


@token_group.command("list")
@click.argument("name")
def list_tokens(name: str) -> None:
    """List the tokens of the user NAME: number, last characters, name, expiry and last use."""
    for token in tokens.list_for_user(users.get_by_name(name).id):
        used = f"{token.used_at:%Y-%m-%d}" if token.used_at else "never used"
        click.echo(f"{token.id}\t…{token.ending}\t{token.name}\tuntil {token.expires_at:%Y-%m-%d}\t{used}")


@token_group.command("revoke")
@click.argument("name")
@click.argument("number", type=int)
def revoke_token(name: str, number: int) -> None:
    """Revoke the token NUMBER of the user NAME; `flask token list` shows the numbers."""
    tokens.revoke(users.get_by_name(name).id, number)
    click.echo(f"Revoked the token {number} of {name}.")


@token_group.command("create")
@click.argument("name")
@click.option("--project", "project_id", type=int, help="Restrict the token to the project with this id.")
@click.option("--read-only", is_flag=True, help="Restrict the token to reading.")
@click.option(
    "--days",
    type=click.IntRange(1, 3650),
    help="Number of days for which the token is valid. Default: TOKEN_LIFETIME_DAYS.",
)
@click.option("--label", default="", help="What the token is for, shown in the list of tokens.")
def create_token(name: str, project_id: int | None, read_only: bool, days: int | None, label: str) -> None:
    """Create an API token of the user NAME and print it. It can't be shown again."""
    user = users.get_by_name(name)
    if project_id is not None:
        projects.get(project_id)
    days = days or current_settings().token_lifetime_days
    click.echo(tokens.create(user, days=days, name=label, project_id=project_id, read_only=read_only))


def _password(from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    password: str = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    return password
