"""A cancelled job leaves the project as it was, no matter when it is cancelled."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from precast_app.extensions import db
from precast_app.models import ImportJob
from tests import project_snapshot
from tests.conftest import EXAMPLES, get_job, kill, run_import, submit, wait_for, worker
from tests.element_type_files import write_large_workbook

Headers = dict[str, str]


def has_ended(job: ImportJob) -> bool:
    return job.status in ("completed", "failed")


def cancel(client: FlaskClient, admin: Headers, job_id: int) -> int:
    answer = client.post(f"/api/jobs/{job_id}/cancel", headers=admin)
    assert answer.status_code in (202, 409), answer.get_json()
    return answer.status_code


def test_a_cancelled_pending_job_fails_and_the_next_one_is_enqueued(
    client: FlaskClient, admin: Headers, green_meadows: int
) -> None:
    job_id = submit(green_meadows, EXAMPLES / "element_types.xlsx")
    next_id = submit(green_meadows, EXAMPLES / "element_types.csv")
    answer = client.post(f"/api/jobs/{job_id}/cancel", headers=admin)
    assert (answer.status_code, answer.get_json()["status"]) == (202, "failed")
    found = get_job(job_id)
    assert (found.phase, found.error) == ("done", "Cancelled by admin; nothing was changed")
    assert get_job(next_id).enqueue_count == 2
    assert cancel(client, admin, job_id) == 409


@pytest.mark.parametrize("on_error", ["skip", "abort"])
def test_a_job_that_is_cancelled_while_it_writes_is_reverted(
    client: FlaskClient,
    admin: Headers,
    green_meadows: int,
    environment: Headers,
    tmp_path: Path,
    on_error: str,
) -> None:
    assert (
        run_import(green_meadows, write_large_workbook(tmp_path / "before.xlsx", 1_000, 100, 2)).status == "completed"
    )
    before = project_snapshot.snapshot_project(green_meadows)
    after = write_large_workbook(tmp_path / "after.xlsx", 4_000, 200, 0)
    with worker(environment):
        job_id = submit(green_meadows, after, concurrent_batches=2, on_error=on_error)
        wait_for(job_id, lambda job: has_ended(job) or job.phase == "writing")
        assert cancel(client, admin, job_id) == 202
        start = time.monotonic()
        ended = wait_for(job_id, has_ended)
        assert time.monotonic() - start < 10
        assert (ended.status, ended.error) == ("failed", "Cancelled by admin; nothing was changed")
        project_snapshot.assert_same(project_snapshot.snapshot_project(green_meadows), before)
        counts = ("created_count", "updated_count", "pieces_added", "pieces_removed")
        assert [getattr(ended, name) for name in counts] == [0] * 4
        assert ended.failure_reason == "cancelled"
        # Both describe the same point in the file.
        assert ended.progress <= 100 * ended.processed_items // ended.total_items
        left = "SELECT (SELECT count(*) FROM import_batches WHERE job_id = :id) + (SELECT count(*) FROM "
        left += "element_type_changes WHERE job_id = :id)"
        assert db.session.scalar(text(left), {"id": job_id}) == 0
        # The next job of the project can run.
        again = wait_for(submit(green_meadows, after), has_ended)
    assert (again.status, again.created_count, again.updated_count) == ("completed", 3_000, 1_000)


def test_a_cancelled_job_is_reverted_by_the_next_worker_if_its_worker_is_killed(
    client: FlaskClient, admin: Headers, green_meadows: int, environment: Headers, tmp_path: Path
) -> None:
    assert (
        run_import(green_meadows, write_large_workbook(tmp_path / "before.xlsx", 1_000, 100, 2)).status == "completed"
    )
    before = project_snapshot.snapshot_project(green_meadows)
    job_id = submit(green_meadows, write_large_workbook(tmp_path / "after.xlsx", 4_000, 200, 0), concurrent_batches=2)
    with worker(environment) as first:
        wait_for(job_id, lambda job: has_ended(job) or job.progress > 20)
        kill(first)
    assert cancel(client, admin, job_id) == 202
    assert (get_job(job_id).status, get_job(job_id).phase) == ("processing", "cancelling")
    with worker(environment):
        ended = wait_for(job_id, has_ended)
    assert (ended.status, ended.error) == ("failed", "Cancelled by admin; nothing was changed")
    project_snapshot.assert_same(project_snapshot.snapshot_project(green_meadows), before)


@pytest.mark.parametrize("moment", [0.2, 0.5, 0.8])
def test_a_job_that_is_cancelled_at_any_moment_is_completed_or_reverted(
    client: FlaskClient, admin: Headers, green_meadows: int, environment: Headers, moment: float
) -> None:
    before = project_snapshot.snapshot_project(green_meadows)
    with worker(environment):
        warm = wait_for(submit(green_meadows, EXAMPLES / "stages.csv", "stage_import"), has_ended)
        assert warm.status == "completed"
        job_id = submit(green_meadows, EXAMPLES / "element_types.xlsx")
        time.sleep(moment)
        status = cancel(client, admin, job_id)
        ended = wait_for(job_id, has_ended)
    if ended.status == "completed":
        assert status == 409
        assert len(project_snapshot.snapshot_project(green_meadows)["element_types"]) == 120
    else:
        assert status == 202
        project_snapshot.assert_same(project_snapshot.snapshot_project(green_meadows), before)


def test_pieces_in_production_are_kept_when_their_job_is_cancelled(
    client: FlaskClient, admin: Headers, green_meadows: int, environment: Headers, tmp_path: Path
) -> None:
    job_id = submit(green_meadows, write_large_workbook(tmp_path / "types.xlsx", 3_000, 200, 1), concurrent_batches=2)
    with worker(environment):
        wait_for(job_id, lambda job: has_ended(job) or job.created_count > 0)
        moved = db.session.execute(
            text("""
                UPDATE pieces SET status = 'in_production' WHERE id = (SELECT min(id) FROM pieces) RETURNING code
            """)
        ).scalar_one()
        db.session.commit()
        assert cancel(client, admin, job_id) == 202
        ended = wait_for(job_id, has_ended)
    assert ended.status == "failed"
    assert "1 element type left as imported" in str(ended.error)
    assert ended.created_count == 1
    left = project_snapshot.snapshot_project(green_meadows)
    assert len(left["element_types"]) == 1
    assert any(moved in row for row in left["pieces"])
    assert len(left["pieces"]) == sum(int(row.rpartition(", ")[2].strip("')")) for row in left["quantities"])
