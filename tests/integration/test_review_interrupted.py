"""The import of a new revision is interrupted between batches: it is cancelled, or breaks and is retried."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from precast_app.extensions import db
from precast_app.jobs.runner import run_job
from precast_app.models import ImportJob
from tests import project_snapshot
from tests.conftest import ROOT, run_import
from tests.export_round_trip import exported_files
from tests.job_requests import Headers, undo_job

REVISIONS = ROOT / "tests" / "files" / "revisions"
REVISION_A, REVISION_B = REVISIONS / "element_types.xlsx", REVISIONS / "element_types_rev_b.xlsx"


@pytest.mark.parametrize("finished_batches", [1, 8, 15])
def test_a_cancelled_import_brings_back_what_it_has_renamed_and_removed(
    client: FlaskClient, admin: Headers, revision_a: int, finished_batches: int
) -> None:
    """Each batch is one of 14 changed rows, the first ones of which rename, and then one of 3 removals."""
    db.session.execute(text("UPDATE pieces SET status = 'planned'"))
    db.session.commit()
    before, pieces = exported_files(client, admin), project_snapshot.snapshot_pieces(revision_a)
    db.session.execute(
        text(f"""
            CREATE FUNCTION cancel_job() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                IF (SELECT count(*) FROM import_batches WHERE job_id = NEW.job_id) = {finished_batches} THEN
                    UPDATE import_jobs SET cancelled_by = 'admin' WHERE id = NEW.job_id;
                END IF;
                RETURN NEW;
            END $$;
            CREATE TRIGGER cancel_job BEFORE INSERT ON import_batches FOR EACH ROW EXECUTE FUNCTION cancel_job();
        """)
    )
    db.session.commit()
    try:
        cancelled = run_import(
            revision_a, REVISION_B, missing="remove", renames="accept", batch_size=1, concurrent_batches=1
        )
    finally:
        db.session.rollback()
        db.session.execute(text("DROP TRIGGER cancel_job ON import_batches; DROP FUNCTION cancel_job()"))
        db.session.commit()
    assert (cancelled.status, cancelled.error) == ("failed", "Cancelled by admin; nothing was changed")
    assert (cancelled.removed_count, cancelled.renamed_count) == (0, 0)
    assert exported_files(client, admin) == before
    project_snapshot.assert_same(project_snapshot.snapshot_pieces(revision_a), pieces)
    again = run_import(revision_a, REVISION_B, missing="remove", renames="accept")
    assert (again.removed_count, again.renamed_count) == (3, 1), again.error


@contextmanager
def broken_batches(number: int) -> Iterator[None]:
    """Let every batch with this number fail."""
    db.session.execute(
        text(f"""
            CREATE FUNCTION break_batch() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                IF NEW.number = {number} THEN RAISE EXCEPTION 'broken'; END IF;
                RETURN NEW;
            END $$;
            CREATE TRIGGER break_batch BEFORE INSERT ON import_batches FOR EACH ROW EXECUTE FUNCTION break_batch();
        """)
    )
    db.session.commit()
    try:
        yield
    finally:
        db.session.rollback()
        db.session.execute(text("DROP TRIGGER break_batch ON import_batches; DROP FUNCTION break_batch()"))
        db.session.commit()


@pytest.mark.parametrize("broken_batch", [2, 5, 8])
def test_a_job_that_breaks_between_batches_is_retried_to_the_same_result(
    client: FlaskClient, admin: Headers, revision_a: int, broken_batch: int
) -> None:
    """Batches 1 to 7 are those of the rows, the others remove what the file lacks."""
    db.session.execute(text("UPDATE pieces SET status = 'planned'"))
    db.session.commit()
    before = exported_files(client, admin)
    options: dict[str, Any] = {"missing": "remove", "renames": "accept", "batch_size": 20, "concurrent_batches": 1}
    clean = run_import(revision_a, REVISION_B, **options)
    assert clean.removed_count == 3, clean.error
    expected, job = project_snapshot.snapshot_project(revision_a), project_snapshot.snapshot_job(clean.id)
    assert undo_job(client, admin, clean.id).status == "completed"

    with broken_batches(broken_batch):
        failed = run_import(revision_a, REVISION_B, **options)
    assert failed.status == "failed"
    assert client.post(f"/api/jobs/{failed.id}/retry", headers=admin).status_code == 202
    run_job(failed.id)
    project_snapshot.assert_same(project_snapshot.snapshot_project(revision_a), expected)
    found = project_snapshot.snapshot_job(failed.id)
    assert found["job"] == job["job"]
    project_snapshot.assert_same(found, {key: job[key] for key in ("issues", "changes")})
    assert undo_job(client, admin, failed.id).status == "completed"
    assert exported_files(client, admin) == before


@pytest.mark.parametrize(("missing", "broken_batch"), [("keep", 3), ("remove", 3), ("remove", 26)])
def test_a_preview_whose_rename_is_not_accepted_is_applied_in_two_attempts(
    client: FlaskClient, admin: Headers, revision_a: int, missing: str, broken_batch: int
) -> None:
    """The new name is in batch 3, after others that change rows; batch 26 removes."""
    db.session.execute(text("UPDATE pieces SET status = 'planned'"))
    db.session.commit()
    options: dict[str, Any] = {"dry_run": True, "batch_size": 5, "concurrent_batches": 1}
    assert apply(client, admin, run_import(revision_a, REVISION_B, **options).id, missing).status == "completed"
    expected = project_snapshot.snapshot_project(revision_a)
    done = db.session.scalars(text("SELECT max(id) FROM import_jobs")).one()
    assert undo_job(client, admin, done).status == "completed"

    previewed = run_import(revision_a, REVISION_B, **options)
    assert previewed.renamed_count == 1
    with broken_batches(broken_batch):
        failed = apply(client, admin, previewed.id, missing)
    assert (failed.status, failed.rejected_count) == ("failed", 0)
    assert client.post(f"/api/jobs/{failed.id}/retry", headers=admin).status_code == 202
    run_job(failed.id)
    found = db.session.get_one(ImportJob, failed.id, populate_existing=True)
    assert (found.status, found.rejected_count, found.renamed_count) == ("completed", 0, 0), found.error
    project_snapshot.assert_same(project_snapshot.snapshot_project(revision_a), expected)


def apply(client: FlaskClient, admin: Headers, dry_run_id: int, missing: str) -> ImportJob:
    """Apply a dry run without its renames, and return the job when it has ended."""
    answer = client.post(f"/api/jobs/{dry_run_id}/apply", json={"missing": missing}, headers=admin)
    assert answer.status_code == 202, answer.get_json()
    run_job(answer.get_json()["job_id"])
    return db.session.get_one(ImportJob, answer.get_json()["job_id"], populate_existing=True)
