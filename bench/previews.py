"""Measure previews with corrections and a review: `python -m bench.previews [--rows 10000] [--repeats 3]`.

Prints the processor seconds, of this process and of PostgreSQL, of dry runs of one file: without mistakes in an empty
project; with a rule for 400 cells and five corrected cells; and, with these, in a project that has another revision, so
that missing and renamed element types are looked for.
"""

from __future__ import annotations

import argparse
import os
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import openpyxl
import psutil
from flask.testing import FlaskClient
from sqlalchemy import text

from bench import workbooks
from devstack import servers
from precast_app import create_app
from precast_app.auth import tokens, users
from precast_app.config import Settings
from precast_app.extensions import db
from precast_app.jobs.runner import run_job

ROOT = Path(__file__).resolve().parents[1]
_EQUAL_MISTAKES, _SINGLE_MISTAKES = 400, 5
_THICKNESS, _LENGTH = 5, 4


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.previews", description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000, help="element types in the file")
    parser.add_argument("--repeats", type=int, default=3, help="runs of each preview; the median counts")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, servers(Path(name), durable=False) as used:
        folder = Path(name)
        environment = {
            **os.environ, "DATABASE_URL": used.database_url, "REDIS_URL": used.redis_url,
            "SECRET_KEY": secrets.token_urlsafe(48), "REQUESTS_PER_MINUTE": "1000000", "UPLOADS_PER_MINUTE": "1000000",
        }  # fmt: skip
        subprocess.run([sys.executable, "-m", "flask", "db", "upgrade"], cwd=ROOT, env=environment, check=True)
        settings = Settings.from_environment(environment)
        with create_app(settings, connections=settings.job_connections, limits=settings.job_limits).app_context() as at:
            _measure(at.app.test_client(), folder, options.rows, options.repeats)
            db.session.remove()
            db.engine.dispose()


def _measure(client: FlaskClient, folder: Path, rows: int, repeats: int) -> None:
    admin = users.create("bench", secrets.token_urlsafe(24), is_admin=True)
    headers = {"Authorization": f"Bearer {tokens.create(admin, days=1)}"}
    clean = workbooks.make(folder / "clean.xlsx", rows)
    wrong = _with_mistakes(clean, folder / "wrong.xlsx", rows)
    empty, filled = (_project(client, headers, name) for name in ("Empty", "Filled"))
    first = _post(client, headers, f"/api/project/{filled}/import/excel?create_missing=true", clean)
    run_job(first)
    baseline = None
    for name, project, file in (("clean file", empty, clean), ("corrected", empty, wrong), ("reviewed", filled, wrong)):
        job = _post(client, headers, f"/api/project/{project}/import/excel?dry_run=true&create_missing=true", file)
        run_job(job)
        if file is wrong:
            _correct(client, headers, job)
        seconds = statistics.median(_preview_again(client, headers, job) for _ in range(repeats))
        baseline = baseline or seconds
        found = client.get(f"/api/jobs/{job}", headers=headers).get_json()["job"]
        print(
            f"{name}: {seconds:.2f} processor seconds, {seconds / baseline:.2f} × the first; {found['result']}, "
            f"{found['missing_count']} missing, {found['renamed_count']} renamed",
            flush=True,
        )


def _project(client: FlaskClient, headers: dict[str, str], name: str) -> int:
    created = client.post("/api/project", json={"name": name}, headers=headers).get_json()
    return int(created["project"]["id"])


def _post(client: FlaskClient, headers: dict[str, str], address: str, file: Path) -> int:
    with file.open("rb") as content:
        answer = client.post(address, data={"file": (content, file.name)}, headers=headers)
    if answer.status_code != 202:
        raise SystemExit(f"{address}: {answer.get_json()}")
    return int(answer.get_json()["job_id"])


def _with_mistakes(clean: Path, path: Path, rows: int) -> Path:
    """Write the file as another revision: with mistakes, 20 new names for old ones, and without the last 20 rows."""
    book = openpyxl.load_workbook(clean)
    sheet: Any = book.active
    for row in range(2, 2 + _EQUAL_MISTAKES):
        sheet.cell(row, _THICKNESS).value = "—"
    for row in range(rows // 2, rows // 2 + _SINGLE_MISTAKES):
        sheet.cell(row, _LENGTH).value = f"{row} cm"
    for row in range(rows - 60, rows - 40):
        sheet.cell(row, 2).value = f"{sheet.cell(row, 2).value}A"
    sheet.delete_rows(rows - 18, 20)
    book.save(path)
    return path


def _correct(client: FlaskClient, headers: dict[str, str], job: int) -> None:
    found = client.get(f"/api/jobs/{job}/rejected-rows?limit=1000", headers=headers).get_json()
    lengths = [row["row"] for row in found["rows"] if "cm" in str(row["cells"].get("D", ""))]
    cells = [{"row": row, "column": "D", "value": "4000"} for row in lengths]
    body = {"cells": cells, "rules": [{"column": "E", "from": "—", "to": ""}]}
    answer = client.put(f"/api/jobs/{job}/corrections", json=body, headers={**headers, "If-Match": '"0"'})
    if answer.status_code != 200:
        raise SystemExit(answer.get_json())


def _preview_again(client: FlaskClient, headers: dict[str, str], job: int) -> float:
    answer = client.post(f"/api/jobs/{job}/revalidate", headers=headers)
    if answer.status_code != 202:
        raise SystemExit(answer.get_json())
    own, database = time.process_time(), _database_seconds()
    run_job(job)
    return time.process_time() - own + _database_seconds() - database


def _database_seconds() -> float:
    """Return the processor seconds of PostgreSQL's running processes; the pool keeps its connections open."""
    backend = psutil.Process(db.session.execute(text("SELECT pg_backend_pid()")).scalar_one())
    db.session.rollback()
    times = [process.cpu_times() for process in psutil.Process(backend.ppid()).children()]
    return sum(each.user + each.system for each in times)


if __name__ == "__main__":
    main()
