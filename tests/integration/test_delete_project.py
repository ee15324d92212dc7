"""A project is deleted by the statements of docs/operating.md, with everything that belongs to it and nothing else."""

from __future__ import annotations

import time

from flask import Flask
from sqlalchemy import text

from precast_app.auth import users
from precast_app.extensions import db
from precast_app.models import Role
from precast_app.projects import projects
from tests import project_snapshot
from tests.conftest import EXAMPLES, ROOT, run_import

LARGE = """
    INSERT INTO projects (id, name) VALUES (1, 'Large');
    INSERT INTO import_jobs (id, project_id, job_type, created_by, batch_size, concurrent_batches, phase, status,
                             completed_at, applies_job_id, undoes_job_id, undone_by_job_id)
    SELECT n, 1, 'stage_import', 'ada', 30, 15, 'done', 'failed', now(),
           CASE n % 3 WHEN 0 THEN n - 1 END, CASE WHEN n % 3 = 1 AND n > 1 THEN n - 1 END,
           CASE n % 3 WHEN 2 THEN n - 1 END
    FROM generate_series(1, {jobs}) AS n
"""


def delete_project() -> None:
    """Run what the page says, for the project 1."""
    page = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")
    statements = page.partition("## Deleting a project")[2].partition("```sql\n")[2].partition("```")[0]
    for statement in statements.split(";"):
        if statement.strip() not in ("", "BEGIN", "COMMIT"):
            db.session.execute(text(statement))
    db.session.commit()


def seconds_to_delete(jobs: int) -> float:
    """Make a project with so many jobs, which refer to each other in every way, and delete it."""
    db.session.execute(text(LARGE.format(jobs=jobs)))
    db.session.commit()
    start = time.monotonic()
    db.session.execute(text("SET LOCAL statement_timeout = '120s'"))
    delete_project()
    assert db.session.execute(text("SELECT count(*) FROM import_jobs")).scalar_one() == 0
    return time.monotonic() - start


def test_a_project_goes_with_all_that_it_has(app: Flask, green_meadows: int) -> None:
    users.create("ada", "correct horse")
    projects.set_role(green_meadows, "ada", Role.EDITOR)
    other = projects.create("Harbour").id
    for project_id in (green_meadows, other):
        assert run_import(project_id, EXAMPLES / "element_types.csv", create_missing=True).created_count == 120
    kept = project_snapshot.snapshot_project(other)
    delete_project()
    project_snapshot.assert_same(project_snapshot.snapshot_project(other), kept)
    columns = text("SELECT table_name FROM information_schema.columns WHERE column_name = 'project_id'")
    for table in db.session.scalars(columns).all():
        left = db.session.scalar(text(f"SELECT count(*) FROM {table} WHERE project_id = {green_meadows}"))
        assert table == "audit_entries" or left == 0


def test_its_jobs_are_found_by_their_references(app: Flask) -> None:
    """Without indexes each job is looked for in the whole table, three times: minutes."""
    assert seconds_to_delete(jobs=20_000) < 30
