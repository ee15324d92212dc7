"""Measure imports and responses in databases with other projects: `python -m bench.scale [--projects 1,10,40]`.

In each database a workbook of 10 000 element types is imported into a new project twice, and the status of half of its
pieces is advanced. Then every list, search, overview and export of the new project is requested from the application in
this process: first with PostgreSQL just started, then again. PostgreSQL has no statistics of the tables, until
`ANALYZE` at the end. After it, one more project is imported and measured, of which the statistics know nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from flask import Flask
from sqlalchemy import create_engine, text

from bench import answers, large_database, workbooks
from bench.answers import Answer
from devstack import servers
from precast_app import create_app
from precast_app.auth import tokens, users
from precast_app.config import Settings, database_uri
from precast_app.extensions import db
from precast_app.jobs import totals
from precast_app.models import User
from precast_app.totals import storage

ROOT = Path(__file__).resolve().parents[1]
VAR = ROOT / "var" / "bench"


@dataclass(frozen=True, slots=True)
class Measured:
    """Seconds of the import and of the same file again, and what the answers about the new project take."""

    imported: float
    again: float
    answers: dict[str, Answer]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.scale", description=__doc__)
    parser.add_argument("--projects", default="1,10,40", help="numbers of projects in the database, ascending")
    parser.add_argument("--repeats", type=int, default=7, help="requests of each address; the median counts")
    parser.add_argument(
        "--types",
        type=int,
        default=large_database.TYPES,
        help="element types of each of the other projects; 4300 make 5 million pieces in 40 projects",
    )
    parser.add_argument("--keep", action="store_true", help="keep the database in var/bench/scale")
    parser.add_argument("--without-exports", action="store_true", help="leave out the exports, which take minutes")
    options = parser.parse_args()
    sizes = [int(size) for size in options.projects.split(",")]
    folder = VAR / "scale"
    shutil.rmtree(folder, ignore_errors=True)
    workbook = workbooks.make(VAR / f"{large_database.TYPES}.xlsx", large_database.TYPES)
    measured = {}
    before = 0
    for size in sizes:
        # The newest project is the measured one.
        others = range(before + 1, size)
        with _database(folder) as app:
            _prepare(app, others, size, options.types)
            imported, again = _import(workbook, size), _import(workbook, size)
            _move(size)
        with _database(folder) as app:
            measured[size] = Measured(imported, again, _answers(app, size, options.repeats, options.without_exports))
        before = size
    with _database(folder) as app:
        with app.app_context():
            db.session.execute(text("ANALYZE"))
            db.session.commit()
        analyzed = _answers(app, sizes[-1], options.repeats, options.without_exports)
    newest = sizes[-1] + 1
    with _database(folder) as app:
        _prepare(app, range(newest, newest), newest, options.types)
        _import(workbook, newest)
        _move(newest)
        since = _answers(app, newest, options.repeats, options.without_exports)
    if not options.keep:
        shutil.rmtree(folder, ignore_errors=True)
    print(
        f"Milliseconds by the number of projects. The measured one has {large_database.TYPES} element types, each of "
        f"the others {options.types}.\n"
    )
    _print(measured, analyzed, since)


@contextmanager
def _database(folder: Path) -> Iterator[Flask]:
    """Start the servers with the data in the folder, and yield the application with the database up to date."""
    with servers(folder, durable=False) as used:
        os.environ.update(
            DATABASE_URL=used.database_url, REDIS_URL=used.redis_url, REQUESTS_PER_MINUTE="1000000",
            SECRET_KEY="only for measurements, abcdefghijkl",
        )  # fmt: skip
        subprocess.run([sys.executable, "-m", "flask", "db", "upgrade"], cwd=ROOT, check=True, capture_output=True)
        settings = Settings.from_environment()
        app = create_app(settings, limits=replace(settings.web_limits, idle_transaction_seconds=0))
        yield app
        with app.app_context():
            db.session.remove()
            db.engine.dispose()


def _prepare(app: Flask, others: range, project_id: int, types: int) -> None:
    """Fill the other projects, and add the reference data of the one that is measured."""
    engine = create_engine(database_uri(os.environ["DATABASE_URL"]))
    with engine.begin() as connection:
        # Autovacuum could collect statistics in the middle of a measurement.
        for table in large_database.TABLES:
            connection.execute(text(f"ALTER TABLE {table} SET (autovacuum_enabled = false)"))
    large_database.fill(engine, others, types)
    with engine.begin() as connection:
        large_database.add_reference(connection, project_id)
    engine.dispose()
    _store_totals(app)


def _import(workbook: Path, project_id: int) -> float:
    """Import the workbook in a process of its own and return the seconds."""
    command = [sys.executable, "-m", "bench.run_step", "import", str(workbook), str(project_id)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"the import failed:\n{done.stderr}")
    return float(json.loads(done.stdout.splitlines()[-1])["seconds"])


def _move(project_id: int) -> None:
    engine = create_engine(database_uri(os.environ["DATABASE_URL"]))
    with engine.begin() as connection:
        large_database.move_pieces(connection, project_id)
    engine.dispose()


def _store_totals(app: Flask) -> None:
    """Store the totals of all projects, as workers do after each job."""
    with app.app_context():
        db.session.execute(text("SET statement_timeout = 0"))
        db.session.commit()
        while storage.find_outdated(db.session(), 1):
            db.session.rollback()
            totals.refresh_outdated()
        db.session.rollback()


def _answers(app: Flask, project_id: int, repeats: int, without_exports: bool) -> dict[str, Answer]:
    _store_totals(app)
    with app.app_context():
        admin = db.session.query(User).filter_by(name="ada").one_or_none()
        admin = admin or users.create("ada", "correct cement battery", is_admin=True)
        headers = {"Authorization": f"Bearer {tokens.create(admin, days=1)}"}
        example = answers.Example.of(project_id)
        client = app.test_client()
        found = answers.measure(client, headers, answers.addresses(example), repeats)
        if not without_exports:
            found |= answers.measure(client, headers, answers.exports(example), 1)
        return found


def _print(measured: Mapping[int, Measured], analyzed: Mapping[str, Answer], since: Mapping[str, Answer]) -> None:
    sizes = list(measured)
    one, all_ = measured[sizes[0]], measured[sizes[-1]]
    heads = [
        *(f"{size}" for size in sizes), f"{sizes[-1]}, first", f"{sizes[-1]}, statistics", "new since these", "ratio",
        "CPU ratio",
    ]  # fmt: skip
    print(f"| what | {' | '.join(heads)} |\n|---|{'---:|' * len(heads)}")
    for name in ("imported", "again"):
        seconds = [getattr(each, name) for each in measured.values()]
        cells = [*(f"{each * 1000:.0f}" for each in seconds), "", "", "", f"{seconds[-1] / seconds[0]:.2f}", ""]
        print(f"| {'import' if name == 'imported' else 'the same file again'} | {' | '.join(cells)} |")
    for name, answer in all_.answers.items():
        alone = one.answers[name]
        cells = [
            *(f"{each.answers[name].median:.0f}" for each in measured.values()),
            f"{answer.first:.0f}",
            f"{analyzed[name].median:.0f}",
            f"{since[name].median:.0f}",
            f"{answer.median / alone.median:.2f}",
            f"{answer.cpu / max(alone.cpu, 0.1):.2f}",
        ]
        print(f"| {name} | {' | '.join(cells)} |")
    medians = {name: max(each.median, analyzed[name].median, since[name].median) for name, each in all_.answers.items()}
    slow = [name for name, median in medians.items() if median > 100 and not name.startswith("export")]
    print(f"\nMore than 100 ms: {', '.join(slow) or 'none'}.")


if __name__ == "__main__":
    started = time.monotonic()
    main()
    print(f"Measured in {(time.monotonic() - started) / 60:.0f} minutes.", file=sys.stderr)
