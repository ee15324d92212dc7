"""A backup that `pg_dump` makes in the middle of an import is consistent, and the import ends where it is restored."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from devstack import postgres
from precast_app import create_app
from precast_app.config import Settings, database_uri, libpq_url
from precast_app.extensions import db
from precast_app.models import ImportJob
from tests import project_snapshot
from tests.conftest import get_job, submit, wait_for, worker
from tests.element_type_files import write_large_workbook

ROWS = 3_000
_WRITTEN = """
    SELECT (SELECT count(*) FROM element_types), (SELECT sum(created_count) FROM import_batches WHERE job_id = :job_id)
"""


def has_ended(job: ImportJob) -> bool:
    return job.status in ("completed", "failed")


def program(name: str) -> Path:
    """Return a program of the PostgreSQL that the tests run on; skip the test if it lacks it."""
    path = postgres.programs_folder() / name
    if not path.exists():
        pytest.skip(f"this PostgreSQL has no {name}")
    return path


def test_an_import_ends_in_a_database_that_was_restored_from_its_middle(
    green_meadows: int, environment: dict[str, str], empty_database: dict[str, str], tmp_path: Path
) -> None:
    dump, restore, backup = program("pg_dump"), program("pg_restore"), tmp_path / "backup"
    path = write_large_workbook(tmp_path / "types.xlsx", ROWS, 200, 1)
    job_id = submit(green_meadows, path, batch_size=30, concurrent_batches=2)
    with worker(environment):
        wait_for(job_id, lambda job: has_ended(job) or job.progress >= 10)
        subprocess.run(
            [dump, "--format=custom", f"--file={backup}", libpq_url(environment["DATABASE_URL"])], check=True
        )
        original = wait_for(job_id, has_ended)
    assert (original.status, original.created_count) == ("completed", ROWS)
    expected = project_snapshot.snapshot_project(green_meadows)

    restored_url = libpq_url(empty_database["DATABASE_URL"])
    subprocess.run([restore, "--no-owner", "--exit-on-error", f"--dbname={restored_url}", backup], check=True)
    engine = create_engine(database_uri(restored_url))
    with engine.connect() as connection:
        stored, counted = connection.execute(text(_WRITTEN), {"job_id": job_id}).one()
    engine.dispose()
    # Each batch is there with all of its rows, or not at all.
    assert stored == counted
    assert 0 < stored < ROWS

    settings = Settings.from_environment(empty_database)
    restored = create_app(settings, limits=settings.job_limits)
    with restored.app_context():
        assert get_job(job_id).status == "processing"
        with worker(empty_database):
            done = wait_for(job_id, has_ended)
        assert (done.status, done.created_count, done.attempt) == ("completed", ROWS, 2), done.error
        project_snapshot.assert_same(project_snapshot.snapshot_project(green_meadows), expected)
        db.session.remove()
        db.engine.dispose()
