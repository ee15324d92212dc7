"""Deletion of a project with the statements of docs/operating.md."""

from __future__ import annotations

import time

from sqlalchemy import text

from precast_app.extensions import db
from tests.conftest import ROOT

LARGE_PROJECT_SQL = """
    INSERT INTO projects (id, name) VALUES (1, 'Large');
    INSERT INTO import_jobs (id, project_id, job_type, created_by, batch_size, concurrent_batches, phase, status,
                             completed_at, applies_job_id, undoes_job_id, undone_by_job_id)
    SELECT n, 1, 'stage_import', 'ada', 30, 15, 'done', 'failed', now(),
           CASE n % 3 WHEN 0 THEN n - 1 END, CASE WHEN n % 3 = 1 AND n > 1 THEN n - 1 END,
           CASE n % 3 WHEN 2 THEN n - 1 END
    FROM generate_series(1, {jobs}) AS n
"""


def delete_project() -> None:
    """Run the statements of the page, which delete the project 1."""
    page = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")
    statements = page.partition("## Deleting a project")[2].partition("```sql\n")[2].partition("```")[0]
    for statement in statements.split(";"):
        if statement.strip() not in ("", "BEGIN", "COMMIT"):
            db.session.execute(text(statement))
    db.session.commit()


def seconds_to_delete_large_project(jobs: int) -> float:
    """Create a project with `jobs` jobs that refer to each other in every way; return the seconds to delete it."""
    db.session.execute(text(LARGE_PROJECT_SQL.format(jobs=jobs)))
    db.session.commit()
    start = time.monotonic()
    db.session.execute(text("SET LOCAL statement_timeout = '120s'"))
    delete_project()
    assert db.session.execute(text("SELECT count(*) FROM import_jobs")).scalar_one() == 0
    return time.monotonic() - start
