"""The database migrations of this version."""

from __future__ import annotations

from pathlib import Path

import click
from flask import Flask

from precast_app.extensions import db


def init_app(app: Flask) -> None:
    """Add `flask db`, but only in a command: every other process would need 11 MiB more for Alembic."""
    if click.get_current_context(silent=True) is not None:
        from flask_migrate import Migrate

        Migrate(app, db, directory=str(migrations_folder()))


def newest_revision() -> str | None:
    """Return the revision of the newest migration."""
    from alembic.script import ScriptDirectory

    return ScriptDirectory(str(migrations_folder())).get_current_head()


def migrations_folder() -> Path:
    """Return the folder of the migrations: inside the package if it was installed from a wheel, else beside it."""
    package = Path(__file__).parent.parent
    installed = package / "migrations"
    return installed if installed.is_dir() else package.parent / "migrations"
