"""`flask doctor`: check an installation, one line a check."""

from __future__ import annotations

import platform
import sys
import time
from collections.abc import Callable
from dataclasses import fields
from datetime import UTC, datetime
from importlib import metadata

import click
from flask.cli import with_appcontext
from psycopg2.errors import UndefinedTable
from redis.exceptions import RedisError
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError, SQLAlchemyError

from precast_app.cli.migrations import newest_revision
from precast_app.config import Settings
from precast_app.config.environment import variable_of
from precast_app.errors import ConfigurationError
from precast_app.extensions import current_settings, db
from precast_app.jobs import broker, connection_budget, stats
from precast_app.notifications import backlog

_MAX_CLOCK_SKEW_SECONDS = 5.0
_MAX_SWEEP_AGE_SECONDS = 60.0
_MAX_QUEUED_SECONDS = 3_600.0
_MAX_OVERDUE_SECONDS = 300.0
_MIB = 1024 * 1024

_CONNECTIONS = text("""
    SELECT count(*), current_setting('max_connections') FROM pg_stat_activity WHERE backend_type = 'client backend'
""")


class Problem(Exception):
    """What is wrong, and what to do."""


@click.command("doctor")
@with_appcontext
def doctor() -> None:
    """Check settings, versions, migrations, connections, workers, clocks, disk, reaper, queue and messages.

    The exit status is 0 if all of them are in order.
    """
    failed = False
    for name, check in _CHECKS.items():
        try:
            found, sign = check(), "ok  "
        except Problem as problem:
            found, sign, failed = str(problem), "FAIL", True
        except (SQLAlchemyError, RedisError) as error:
            is_table_missing = isinstance(error, ProgrammingError) and isinstance(error.orig, UndefinedTable)
            # The first line says what happened; those below repeat the statement.
            found = "a table is missing. Run: flask db upgrade" if is_table_missing else str(error).splitlines()[0]
            sign, failed = "FAIL", True
        finally:
            db.session.rollback()
        click.echo(f"{sign}  {name:<12}{found}")
    sys.exit(failed)


def _settings() -> str:
    settings = current_settings()
    changed = [
        variable_of(each)
        for each in fields(Settings)
        if each.default != "" and getattr(settings, each.name) != each.default
    ]
    return "not default: " + ", ".join(changed) if changed else "all default"


def _versions() -> str:
    postgresql = db.session.execute(text("SHOW server_version")).scalar_one()
    redis = broker.redis_connection().info("server")["redis_version"]
    return f"Precast {_installed_version()}, Python {platform.python_version()}, PostgreSQL {postgresql}, Redis {redis}"


def _installed_version() -> str:
    """Return the version of the installed package, or that the application runs from a checkout."""
    try:
        return metadata.version("precast-management")
    except metadata.PackageNotFoundError:
        return "(checkout)"


def _migrations() -> str:
    newest = newest_revision()
    if db.session.execute(text("SELECT to_regclass('alembic_version')")).scalar_one() is None:
        raise Problem("the database is empty. Run: flask db upgrade")
    applied = db.session.execute(text("SELECT version_num FROM alembic_version")).scalar()
    if applied != newest:
        raise Problem(f"the database has {applied}, this version needs {newest}. Run: flask db upgrade")
    return f"{newest}, the newest"


def _database() -> str:
    started = time.monotonic()
    used, allowed = db.session.execute(_CONNECTIONS).one()
    elapsed = time.monotonic() - started
    settings = current_settings()
    try:
        connection_budget.check_available(settings, settings.worker_processes)
    except ConfigurationError as error:
        raise Problem(str(error)) from None
    return f"answers in {elapsed * 1000:.0f} ms, {used} of {allowed} connections in use"


def _redis() -> str:
    started = time.monotonic()
    broker.redis_connection().ping()
    return f"answers in {(time.monotonic() - started) * 1000:.0f} ms"


def _workers() -> str:
    names = broker.worker_names()
    if not names:
        raise Problem("none was seen lately. Start worker.py, with the same REDIS_URL and QUEUE_NAME")
    return f"{len(names)} seen lately"


def _clocks() -> str:
    """Compare the clock of this machine with those of PostgreSQL and Redis: leases and sessions go by them."""
    database = db.session.execute(text("SELECT clock_timestamp()")).scalar_one() - datetime.now(UTC)
    seconds, microseconds = broker.redis_connection().time()
    redis = seconds + microseconds / 1e6 - time.time()
    apart = f"PostgreSQL {database.total_seconds():+.1f} s, Redis {redis:+.1f} s against this machine"
    if max(abs(database.total_seconds()), abs(redis)) > _MAX_CLOCK_SKEW_SECONDS:
        raise Problem(f"{apart}. Synchronize the clocks (NTP)")
    return apart


def _disk() -> str:
    found = stats.collect()
    files = found.file_bytes / _MIB
    return f"the database takes {found.database_bytes / _MIB:,.0f} MiB, of which {files:,.0f} are uploads"


def _reaper() -> str:
    queue = stats.read_queue()
    seconds = queue.seconds_since_sweep if queue else None
    if seconds is None:
        raise Problem("has never run. Start worker.py")
    if seconds > _MAX_SWEEP_AGE_SECONDS:
        raise Problem(f"ran {seconds:,.0f} s ago. Is worker.py running, and can it reach the database?")
    return f"ran {seconds:.0f} s ago"


def _queue() -> str:
    found = stats.collect()
    waiting = f"{found.queued} queued, the first for {found.oldest_seconds:,.0f} s"
    if found.oldest_seconds > _MAX_QUEUED_SECONDS:
        raise Problem(f"{waiting}. Start more workers, or look for a job that hangs")
    return waiting if found.queued else "empty"


def _messages() -> str:
    found = backlog.load()
    waiting = ", ".join(
        f"{channel}: {each.waiting} waiting, the first for {each.oldest_seconds:,.0f} s"
        for channel, each in found.items()
        if each.waiting
    )
    overdue = max(each.overdue_seconds for each in found.values())
    if overdue > _MAX_OVERDUE_SECONDS:
        raise Problem(f"{waiting}; one is overdue by {overdue:,.0f} s. Start worker.py, or look for errors in its log")
    return waiting or "none waiting"


_CHECKS: dict[str, Callable[[], str]] = {
    "settings": _settings,
    "versions": _versions,
    "migrations": _migrations,
    "database": _database,
    "redis": _redis,
    "workers": _workers,
    "clocks": _clocks,
    "disk": _disk,
    "reaper": _reaper,
    "queue": _queue,
    "messages": _messages,
}
