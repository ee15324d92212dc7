"""A project is deleted by the statements of docs/operating.md, with everything that belongs to it and nothing else."""

from __future__ import annotations

from flask import Flask
from sqlalchemy import text

from precast_app.auth import users
from precast_app.extensions import db
from precast_app.models import Role
from precast_app.projects import projects
from tests import project_snapshot
from tests.conftest import EXAMPLES, run_import
from tests.project_deletion import delete_project, seconds_to_delete_large_project


def test_deleting_a_project_deletes_all_of_its_rows(app: Flask, green_meadows: int) -> None:
    users.create("ada", "correct cement")
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
    assert seconds_to_delete_large_project(jobs=20_000) < 30
