"""How long a database session may wait, work and do nothing; and what becomes of one whose server can't be used."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Thread

import psycopg2
import pytest
from flask import Flask
from psycopg2 import sql
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from precast_app import create_app
from precast_app.config import SessionLimits, Settings, libpq_url
from precast_app.extensions import db
from tests.conftest import ROOT, run_import
from tests.element_type_files import write_large_workbook

FAILOVER_SECONDS = 1.0


def shown(app: Flask, *names: str) -> list[str]:
    """PostgreSQL's settings of a session of the application."""
    with app.app_context():
        found = [db.session.execute(text(f"SHOW {name}")).scalar_one() for name in names]
        db.session.remove()
        db.engine.dispose()
    return found


TIMEOUTS = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")
SILENCE = ("tcp_keepalives_idle", "tcp_keepalives_interval", "tcp_keepalives_count", "tcp_user_timeout")


def test_sessions_of_web_worker_and_commands(app: Flask) -> None:
    settings: Settings = app.config["PRECAST"]
    web, job, command = (
        create_app(settings, limits=limits)
        for limits in (settings.web_limits, settings.job_limits, settings.command_limits)
    )
    assert shown(web, *TIMEOUTS) == ["20s", "5s", "15s"]
    assert shown(job, *TIMEOUTS) == ["1h", "1min", "5min"]
    assert shown(command, *TIMEOUTS) == ["0", "1min", "0"]
    for each in (web, job, command):
        # Of PostgreSQL, unless it is set.
        workers = "0" if each is web else "2"
        assert shown(each, "max_parallel_workers_per_gather") == [workers]
        assert shown(each, *SILENCE, "client_connection_check_interval") == ["15", "5", "3", "30000", "5s"]


def test_a_command_has_the_limits_of_commands(app: Flask, environment: dict[str, str]) -> None:
    script = (
        "from precast_app.extensions import db; from sqlalchemy import text; "
        "print('timeout', db.session.execute(text('SHOW statement_timeout')).scalar())\n"
    )
    words = [sys.executable, "-m", "flask", "shell"]
    printed = subprocess.run(words, cwd=ROOT, env=environment, input=script, capture_output=True, text=True, check=True)
    assert "timeout 0\n" in printed.stdout


def test_session_settings_can_be_left_to_the_role(app: Flask) -> None:
    left = create_app(replace(app.config["PRECAST"], database_session_settings=False))
    assert shown(left, *TIMEOUTS) == ["0", "0", "0"]


def test_the_options_of_the_address_are_kept(app: Flask) -> None:
    settings = app.config["PRECAST"]
    address = f"{settings.database_url}?options=-c%20work_mem%3D5MB"
    assert shown(create_app(replace(settings, database_url=address)), "work_mem", "lock_timeout") == ["5MB", "5s"]


def end_pooled_session(app: Flask) -> int:
    """End the session of the application's only connection while it is in the pool, and return its process id."""
    process: int = db.session.execute(text("SELECT pg_backend_pid()")).scalar_one()
    db.session.remove()
    with closing(psycopg2.connect(libpq_url(app.config["PRECAST"].database_url))) as connection:
        connection.cursor().execute("SELECT pg_terminate_backend(%s, 5000)", (process,))
    return process


def test_a_connection_that_was_lost_in_the_pool_is_replaced(app: Flask) -> None:
    single = create_app(app.config["PRECAST"], connections=1)
    with single.app_context():
        process = end_pooled_session(single)
        time.sleep(1.1)
        assert db.session.execute(text("SELECT pg_backend_pid()")).scalar_one() != process
        db.session.remove()
        db.engine.dispose()


def test_a_connection_that_was_in_use_a_moment_ago_is_not_pinged(app: Flask) -> None:
    single = create_app(app.config["PRECAST"], connections=1)
    with single.app_context():
        process = end_pooled_session(single)
        with pytest.raises(OperationalError):
            db.session.execute(text("SELECT 1"))
        db.session.remove()
        assert db.session.execute(text("SELECT pg_backend_pid()")).scalar_one() != process
        db.session.remove()
        db.engine.dispose()


def test_after_an_idle_transaction_is_ended_the_next_one_works(app: Flask) -> None:
    idle = create_app(app.config["PRECAST"], connections=1, limits=SessionLimits(1, 5, 5, 1))
    with idle.app_context():
        db.session.execute(text("SELECT 1"))
        time.sleep(1.5)
        with pytest.raises(OperationalError):
            db.session.execute(text("SELECT 1"))
        db.session.rollback()
        assert db.session.execute(text("SELECT 1")).scalar_one() == 1
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def own(environment: dict[str, str]) -> Iterator[psycopg2.extensions.connection]:
    """Yield a connection that bypasses the application's and can always write."""
    connection = psycopg2.connect(
        libpq_url(environment["DATABASE_URL"]), options="-c default_transaction_read_only=off"
    )
    connection.autocommit = True
    with closing(connection):
        yield connection


@contextmanager
def failover(own: psycopg2.extensions.connection, after_batches: int) -> Iterator[None]:
    """Once so many batches are in, end all sessions, and let new ones only read for a while."""
    name = sql.Identifier(own.info.dbname)

    def fail_over() -> None:
        with own.cursor() as cursor:
            while True:
                cursor.execute("SELECT count(*) FROM import_batches")
                if (cursor.fetchone() or (0,))[0] >= after_batches:
                    break
                time.sleep(0.01)
            cursor.execute(sql.SQL("ALTER DATABASE {} SET default_transaction_read_only = on").format(name))
            cursor.execute("""
                SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                WHERE datname = current_database() AND pid <> pg_backend_pid()
            """)
            time.sleep(FAILOVER_SECONDS)
            cursor.execute(sql.SQL("ALTER DATABASE {} RESET default_transaction_read_only").format(name))

    thread = Thread(target=fail_over)
    thread.start()
    try:
        yield
    finally:
        thread.join()


def test_an_import_continues_after_a_failover(
    green_meadows: int, own: psycopg2.extensions.connection, tmp_path: Path
) -> None:
    """Its connections are cut, and for a while new ones lead to a server that only reads."""
    path = write_large_workbook(tmp_path / "types.xlsx", 1_500, 100, 1)
    with failover(own, after_batches=5):
        done = run_import(green_meadows, path, batch_size=10, concurrent_batches=3)
    assert (done.status, done.created_count, done.attempt) == ("completed", 1_500, 1), done.error


def test_a_migration_does_not_wait_long_for_a_table_in_use(
    app: Flask, own: psycopg2.extensions.connection, environment: dict[str, str]
) -> None:
    with own.cursor() as cursor:
        cursor.execute("BEGIN; LOCK TABLE alembic_version IN ACCESS EXCLUSIVE MODE")
        upgraded = subprocess.run(
            [sys.executable, "-m", "flask", "db", "upgrade"],
            cwd=ROOT,
            env={**environment, "MIGRATION_LOCK_SECONDS": "1"},
            capture_output=True,
            text=True,
            timeout=60,
        )
        cursor.execute("ROLLBACK")
    assert upgraded.returncode == 1
    assert "A table is in use" in upgraded.stderr
    assert "Run the same command again" in upgraded.stderr
    assert "Traceback" not in upgraded.stderr
