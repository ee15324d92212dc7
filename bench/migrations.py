"""Measure how long each migration locks large tables: `python -m bench.migrations [--pieces 1000000]`.

Fills a private PostgreSQL at an early revision, applies one migration after the other, and watches the locks that keep
the running version from reading or writing a table.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from pathlib import Path

import psycopg2
from alembic.command import upgrade
from alembic.script import ScriptDirectory
from flask import Flask, current_app
from flask_migrate import Migrate
from sqlalchemy import text

from devstack import servers
from precast_app import create_app
from precast_app.cli.migrations import migrations_folder
from precast_app.config import Settings, libpq_url
from precast_app.extensions import db

ROOT = Path(__file__).resolve().parents[1]
_POLL_SECONDS = 0.02
_PER_TYPE = 40
_FIRST = "0004"
# What is filled in at which revision.
_FILL = {
    _FIRST: """
        INSERT INTO projects (id, name) VALUES (1, 'Harbour');
        INSERT INTO hierarchy_nodes (id, project_id, parent_id, name, prefix, path, match_key, naming_convention)
        SELECT n, 1, NULL, 'Tower ' || n, 'T' || n, 'Tower_' || n, 'tower_' || n, 'T' || n FROM generate_series(1, 4) n;
        INSERT INTO stages (id, project_id, name, match_key, position) VALUES (1, 1, 'Casting', 'casting', 1);
        INSERT INTO element_types (id, project_id, element_type, name, type_key, name_key, height, mass)
        SELECT i, 1, 'WALL', 'W-' || i, 'wall', 'w-' || i, 2970.0, 5000 FROM generate_series(1, {types}) i;
        INSERT INTO element_type_stages SELECT i, 1 FROM generate_series(1, {types}) i;
        INSERT INTO element_type_quantities SELECT i, n, 10 FROM generate_series(1, {types}) i, generate_series(1, 4) n;
        INSERT INTO pieces (project_id, element_type_id, node_id, number, status, code)
        SELECT 1, i, n, (i - 1) * 10 + k, 'planned', 'WALL/T' || n || '/' || lpad(((i - 1) * 10 + k)::text, 8, '0')
        FROM generate_series(1, {types}) i, generate_series(1, 4) n, generate_series(1, 10) k;
        INSERT INTO import_jobs (project_id, job_type, created_by, batch_size, concurrent_batches, status, progress,
                                 completed_at, phase)
        SELECT 1, 'element_type_import', 'ada', 30, 15, 'completed', 100, now(), 'done'
        FROM generate_series(1, {types} / 10);
        INSERT INTO element_type_changes (job_id, element_type_id, row, fields)
        SELECT 1 + i % ({types} / 10), i, i, '{{"height": ["2970", "2980"]}}' FROM generate_series(1, {types}) i;
        INSERT INTO import_issues (job_id, severity, row, code, message)
        SELECT 1 + i % ({types} / 10), 'warning', i, 'rounded', 'The value has more digits than are stored.'
        FROM generate_series(1, {types}) i
    """,
    "0013": """
        UPDATE pieces SET status = 'produced', status_since = now() WHERE id % 2 = 0;
        INSERT INTO piece_events (project_id, piece_id, kind, from_value, to_value, happened_at, user_name)
        SELECT 1, id, 'status', 'planned', 'produced', now(), 'ada' FROM pieces WHERE id % 2 = 0;
        INSERT INTO piece_stages SELECT id, 1, now() FROM pieces WHERE id % 2 = 0
    """,
}
_BLOCKING = """
    SELECT c.relname, mode FROM pg_locks l JOIN pg_class c ON c.oid = l.relation
    WHERE granted AND l.pid <> pg_backend_pid() AND c.relkind = 'r' AND c.reltuples >= 1000
      AND l.mode IN ('AccessExclusiveLock', 'ExclusiveLock', 'ShareRowExclusiveLock', 'ShareLock')
"""
# What the running version can't do meanwhile.
_PREVENTS = {"AccessExclusiveLock": "reading", "ExclusiveLock": "writing"}


class LockWatcher:
    """Thread that measures how long locks are held that hinder the running version, by table and what they prevent."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.seconds: dict[tuple[str, str], float] = defaultdict(float)

    def __enter__(self) -> LockWatcher:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        connection = psycopg2.connect(self._url)
        connection.autocommit = True
        before = time.monotonic()
        with connection.cursor() as cursor:
            while not self._stopping.wait(_POLL_SECONDS):
                cursor.execute(_BLOCKING)
                now = time.monotonic()
                for table, mode in cursor.fetchall():
                    self.seconds[table, _PREVENTS.get(mode, "writing")] += now - before
                before = now
        connection.close()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.migrations", description=__doc__)
    parser.add_argument("--pieces", type=int, default=1_000_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, servers(Path(folder), durable=False) as used:
        environment = {
            **os.environ, "DATABASE_URL": used.database_url, "REDIS_URL": used.redis_url,
            "SECRET_KEY": "only for measurements, abcdefghijkl",
        }  # fmt: skip
        command = [sys.executable, "-m", "flask", "db", "upgrade", _FIRST]
        subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True)
        os.environ.update(environment)
        settings = Settings.from_environment(environment)
        app = create_app(settings, limits=settings.command_limits)
        _measure(app, libpq_url(used.database_url), options.pieces)


def _measure(app: Flask, url: str, pieces: int) -> None:
    Migrate(app, db, directory=str(migrations_folder()))
    revisions = [each.revision for each in ScriptDirectory(str(migrations_folder())).walk_revisions()][::-1]
    print(f"{pieces:,} pieces, {pieces // _PER_TYPE:,} element types, jobs: {pieces // _PER_TYPE // 10:,}")
    print("| migration | seconds | locks for longer than 0.1 s |\n|---|---:|---|")
    _fill(url, _FIRST, pieces)
    for revision in revisions[revisions.index(_FIRST) + 1 :]:
        with app.app_context(), LockWatcher(url) as watcher:
            started = time.monotonic()
            upgrade(current_app.extensions["migrate"].migrate.get_config(), revision)
            seconds = time.monotonic() - started
        held = [f"{table}: no {what} for {held:.1f} s" for (table, what), held in watcher.seconds.items() if held > 0.1]
        print(f"| {revision} | {seconds:.1f} | {', '.join(sorted(held))} |", flush=True)
        _fill(url, revision, pieces)
    with app.app_context():
        size = db.session.execute(text("SELECT pg_total_relation_size('pieces')")).scalar_one()
        print(f"a piece takes {size / pieces:.0f} bytes, half of them with a status since when")
        db.session.remove()
        db.engine.dispose()


def _fill(url: str, revision: str, pieces: int) -> None:
    """Insert what the measurement needs at this revision, and let PostgreSQL count the rows."""
    connection = psycopg2.connect(url)
    connection.autocommit = True
    with connection.cursor() as cursor:
        for statement in _FILL.get(revision, "").format(types=pieces // _PER_TYPE).split(";\n"):
            if statement.strip():
                cursor.execute(statement)
        if revision in _FILL:
            cursor.execute("VACUUM ANALYZE")
    connection.close()


if __name__ == "__main__":
    main()
