"""`flask …` commands for whoever keeps the installation running."""

from __future__ import annotations

import getpass
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
from precast_app.jobs import registry, service
from precast_app.jobs.files import Upload
from precast_app.models import ImportJob
from precast_app.projects import projects
from precast_app.queries import jobs
from precast_app.queries.paging import Page

_POLL_SECONDS = 0.3

user_group = AppGroup("user", help="Users of the installation.")
token_group = AppGroup("token", help="API tokens.")
project_group = AppGroup("project", help="Projects.")


def init_app(app: Flask) -> None:
    """Add the commands to `flask`."""
    for command in (user_group, token_group, project_group, import_file):
        app.cli.add_command(command)
    # For `flask db …` alone, which runs in click's context: Alembic takes 11 MiB, which every other process would hold.
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
@click.option("--admin", is_flag=True, help="May do everything, in every project.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input, not from the keyboard.")
def create_user(name: str, admin: bool, password_stdin: bool) -> None:
    """Create the user NAME."""
    password = _password(password_stdin)
    try:
        users.create(name, password, is_admin=admin)
    except RequestError as refused:
        _exit_with_error(refused)
    click.echo(f"Created {'the administrator' if admin else 'the user'} {name.strip()}.")


@user_group.command("password")
@click.argument("name")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input, not from the keyboard.")
def change_password(name: str, password_stdin: bool) -> None:
    """Give the user NAME another password; the user's sessions end and their tokens are revoked."""
    password = _password(password_stdin)
    try:
        users.set_password(name, password)
    except RequestError as refused:
        _exit_with_error(refused)
    click.echo(f"{name} has another password.")


@user_group.command("disable")
@click.argument("name")
def disable_user(name: str) -> None:
    """Keep the user NAME out from now on: passwords, sessions and tokens count no longer."""
    try:
        users.set_disabled(name, True)
    except RequestError as refused:
        _exit_with_error(refused)
    click.echo(f"{name} is kept out.")


@user_group.command("enable")
@click.argument("name")
def enable_user(name: str) -> None:
    """Let the user NAME in again."""
    try:
        users.set_disabled(name, False)
    except RequestError as refused:
        _exit_with_error(refused)
    click.echo(f"{name} may come in again.")


@token_group.command("list")
@click.argument("name")
def list_tokens(name: str) -> None:
    """List the tokens of the user NAME: number, last characters, name, expiry and last use."""
    try:
        found = tokens.list_for_user(users.get_by_name(name).id)
    except RequestError as refused:
        _exit_with_error(refused)
    for token in found:
        used = f"{token.used_at:%Y-%m-%d}" if token.used_at else "never used"
        click.echo(f"{token.id}\t…{token.ending}\t{token.name}\tuntil {token.expires_at:%Y-%m-%d}\t{used}")


@token_group.command("revoke")
@click.argument("name")
@click.argument("number", type=int)
def revoke_token(name: str, number: int) -> None:
    """Take the token NUMBER of the user NAME back."""
    try:
        tokens.revoke(users.get_by_name(name).id, number)
    except RequestError as refused:
        _exit_with_error(refused)
    click.echo(f"The token {number} is good no longer.")


@token_group.command("create")
@click.argument("name")
@click.option("--project", "project_id", type=int, help="Narrow the token to one project.")
@click.option("--read-only", is_flag=True, help="Narrow the token to reading.")
@click.option("--days", type=click.IntRange(1, 3650), help="How long it is good for; TOKEN_LIFETIME_DAYS if left out.")
@click.option("--label", default="", help="What it is for, to know it again by.")
def create_token(name: str, project_id: int | None, read_only: bool, days: int | None, label: str) -> None:
    """Print a new API token of the user NAME. It can't be shown again."""
    try:
        user = users.get_by_name(name)
        if project_id is not None:
            projects.get(project_id)
        days = days or current_settings().token_lifetime_days
        click.echo(tokens.create(user, days=days, name=label, project_id=project_id, read_only=read_only))
    except RequestError as refused:
        _exit_with_error(refused)


def _password(from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    password: str = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    return password


@project_group.command("create")
@click.argument("name")
def create_project(name: str) -> None:
    """Create the project NAME and print its number."""
    try:
        click.echo(projects.create(name).id)
    except RequestError as refused:
        _exit_with_error(refused)


@click.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--project", "project_id", type=int, required=True, help="The number of the project.")
@click.option(
    "--job-type", type=click.Choice(registry.creatable_names()), default="element_type_import", show_default=True
)
@with_appcontext
def import_file(file: Path, project_id: int, job_type: str) -> None:
    """Import FILE into a project by a worker, and wait for it. The exit status is 0 if it was completed."""
    try:
        with file.open("rb") as stream:
            job_id = service.submit(
                project_id=project_id,
                job_type=job_type,
                created_by=_login_name(),
                options=service.JobOptions(),
                upload=Upload(stream, file.name),
            ).id
    except RequestError as refused:
        _exit_with_error(refused)
    job = _wait_with_progress_bar(job_id)
    issues, count = jobs.list_issues(job_id, None, Page(limit=50))
    for issue in issues:
        place = f"{issue.column or ''}{issue.row or ''}"
        click.echo(f"{issue.severity}{' ' if place else ''}{place}: {issue.message}", err=True)
    if count > len(issues):
        click.echo(f"… and {count - len(issues)} more: GET /api/jobs/{job_id}/issues", err=True)
    if job.status == "failed":
        click.echo(job.error, err=True)
        sys.exit(1)
    click.echo(job.result)


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
        # A number without a name, as in some containers.
        return "command line"


def _exit_with_error(refused: RequestError) -> NoReturn:
    click.echo(refused.message, err=True)
    sys.exit(1)
