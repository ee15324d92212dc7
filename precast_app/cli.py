"""The `flask` commands for administrators of the server: users, tokens, projects and imports."""

from __future__ import annotations

import getpass
import json
import sys
import time
from pathlib import Path
from typing import NoReturn

import click
from flask import Flask
from flask.cli import AppGroup, with_appcontext

from precast_app.auth import tokens, users
from precast_app.errors import RequestError
from precast_app.extensions import current_settings, db
from precast_app.importing.profiles import schema as profile_schema
from precast_app.importing.profiles.profile import ImportProfile
from precast_app.jobs import registry, service
from precast_app.jobs.files import Upload
from precast_app.models import ImportJob
from precast_app.projects import projects
from precast_app.queries import jobs
from precast_app.queries.paging import LARGEST_ID, Page

_POLL_SECONDS = 0.3

user_group = AppGroup("user", help="Create, disable and enable users.")
token_group = AppGroup("token", help="Create, list and revoke API tokens.")
project_group = AppGroup("project", help="Create projects.")


def init_app(app: Flask) -> None:
    """Add the commands to `flask`."""
    for command in (user_group, token_group, project_group, import_file):
        app.cli.add_command(command)
    # Only in a click context, for `flask db …`: every other process would need 11 MiB more for Alembic.
    if click.get_current_context(silent=True) is not None:
        from flask_migrate import Migrate

        Migrate(app, db, directory=str(_migrations()))


def _migrations() -> Path:
    """Return the folder of the migrations: inside the package if it was installed from a wheel, else beside it."""
    package = Path(__file__).parent
    installed = package / "migrations"
    return installed if installed.is_dir() else package.parent / "migrations"


@user_group.command("create")
@click.argument("name")
@click.option("--admin", is_flag=True, help="Make the user an administrator, who may do everything in every project.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input, not from the keyboard.")
def create_user(name: str, admin: bool, password_stdin: bool) -> None:
    """Create the user NAME."""
    password = _password(password_stdin)
    try:
        users.create(name, password, is_admin=admin)
    except RequestError as error:
        _exit_with_error(error)
    click.echo(f"Created {'the administrator' if admin else 'the user'} {name.strip()}.")


@user_group.command("password")
@click.argument("name")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input, not from the keyboard.")
def change_password(name: str, password_stdin: bool) -> None:
    """Set the password of the user NAME. This ends the user's sessions and revokes their tokens."""
    password = _password(password_stdin)
    try:
        users.set_password(name, password)
    except RequestError as error:
        _exit_with_error(error)
    click.echo(f"Changed the password of {name}. All sessions and tokens of {name} have ended.")


@user_group.command("disable")
@click.argument("name")
def disable_user(name: str) -> None:
    """Disable the user NAME: password, sessions and tokens stop working at once."""
    try:
        users.set_disabled(name, True)
    except RequestError as error:
        _exit_with_error(error)
    click.echo(f"Disabled {name}.")


@user_group.command("enable")
@click.argument("name")
def enable_user(name: str) -> None:
    """Enable the user NAME again."""
    try:
        users.set_disabled(name, False)
    except RequestError as error:
        _exit_with_error(error)
    click.echo(f"Enabled {name}.")


@token_group.command("list")
@click.argument("name")
def list_tokens(name: str) -> None:
    """List the tokens of the user NAME: number, last characters, name, expiry and last use."""
    try:
        found = tokens.list_for_user(users.get_by_name(name).id)
    except RequestError as error:
        _exit_with_error(error)
    for token in found:
        used = f"{token.used_at:%Y-%m-%d}" if token.used_at else "never used"
        click.echo(f"{token.id}\t…{token.ending}\t{token.name}\tuntil {token.expires_at:%Y-%m-%d}\t{used}")


@token_group.command("revoke")
@click.argument("name")
@click.argument("number", type=int)
def revoke_token(name: str, number: int) -> None:
    """Revoke the token NUMBER of the user NAME; `flask token list` shows the numbers."""
    try:
        tokens.revoke(users.get_by_name(name).id, number)
    except RequestError as error:
        _exit_with_error(error)
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
    try:
        user = users.get_by_name(name)
        if project_id is not None:
            projects.get(project_id)
        days = days or current_settings().token_lifetime_days
        click.echo(tokens.create(user, days=days, name=label, project_id=project_id, read_only=read_only))
    except RequestError as error:
        _exit_with_error(error)


def _password(from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    password: str = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    return password


@project_group.command("create")
@click.argument("name")
def create_project(name: str) -> None:
    """Create the project NAME and print its id."""
    try:
        click.echo(projects.create(name).id)
    except RequestError as error:
        _exit_with_error(error)


@click.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--project", "project_id", type=int, required=True, help="Id of the project.")
@click.option(
    "--job-type", type=click.Choice(registry.creatable_names()), default="element_type_import", show_default=True
)
@click.option(
    "--profile",
    "chosen",
    default="auto",
    show_default=True,
    help="Import profile by which FILE is read: its id, a JSON file with it, auto or none.",
)
@with_appcontext
def import_file(file: Path, project_id: int, job_type: str, chosen: str) -> None:
    """Import FILE into a project and wait for the result. A worker must be running.

    The exit status is 0 if the job completed.
    """
    try:
        use_profile, profile = _profile(chosen)
        with file.open("rb") as stream:
            job_id = service.submit(
                project_id=project_id,
                job_type=job_type,
                created_by=_login_name(),
                options=service.JobOptions(use_profile=use_profile),
                upload=Upload(stream, file.name),
                profile=profile,
            ).id
    except RequestError as error:
        _exit_with_error(error)
    job = _wait_with_progress_bar(job_id)
    issues, count = jobs.list_issues(job_id, None, Page(limit=50))
    for issue in issues:
        cell = f"{issue.column or ''}{issue.row or ''}"
        click.echo(f"{issue.severity}{' ' if cell else ''}{cell}: {issue.message}", err=True)
    if count > len(issues):
        click.echo(f"… and {count - len(issues)} more issues: GET /api/jobs/{job_id}/issues", err=True)
    if job.status == "failed":
        click.echo(job.error, err=True)
        sys.exit(1)
    click.echo(job.result)


def _profile(chosen: str) -> tuple[str, ImportProfile | None]:
    """Return the option `use_profile` and the profile of a JSON file; raise `RequestError` if there is no such one."""
    if chosen in ("auto", "none") or (chosen.isascii() and chosen.isdigit() and 0 < int(chosen) <= LARGEST_ID):
        return chosen, None
    try:
        body = json.loads(Path(chosen).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        message = (
            f"{chosen} is neither the id of an import profile nor a JSON file with one. `auto` and `none` work too."
        )
        raise RequestError(message) from None
    # The file may be the response to `GET …/import-profiles/{id}`.
    body = body.get("import_profile", body) if isinstance(body, dict) else body
    return "none", profile_schema.load_exported(body)


def _wait_with_progress_bar(job_id: int) -> ImportJob:
    shown = sys.stderr.isatty()
    with click.progressbar(length=100, label=f"Job {job_id}", file=sys.stderr, hidden=not shown) as bar:
        while True:
            db.session.rollback()
            job = jobs.get_job(job_id)
            bar.update(job.progress - bar.pos)
            if job.status in ("completed", "failed"):
                return job
            time.sleep(_POLL_SECONDS)


def _login_name() -> str:
    try:
        return getpass.getuser()[:100]
    except (KeyError, OSError):
        # In some containers the user has a number but no name.
        return "command line"


def _exit_with_error(error: RequestError) -> NoReturn:
    click.echo(error.message, err=True)
    sys.exit(1)
