"""The `flask` commands for administrators of the server, from users to `flask doctor`."""

from __future__ import annotations

from flask import Flask

from precast_app.cli import migrations
from precast_app.cli.accounts import token_group, user_group
from precast_app.cli.doctor import doctor
from precast_app.cli.exports import export
from precast_app.cli.imports import import_file
from precast_app.cli.jobs import job_group
from precast_app.cli.projects import project_group


def init_app(app: Flask) -> None:
    """Add the commands to `flask`."""
    for command in (user_group, token_group, project_group, job_group, import_file, export, doctor):
        app.cli.add_command(command)
    migrations.init_app(app)
