"""The states of a job, its lease and its position in the queue."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import psycopg2
import pytest
from sqlalchemy import text

from precast_app.errors import LeaseLost
from precast_app.extensions import db
from precast_app.jobs import broker, lifecycle
from precast_app.jobs.lifecycle import Lease, Progress
from precast_app.jobs.runner import run_job
from precast_app.models import Phase
from precast_app.projects import projects
from precast_app.queries.jobs import queue_positions
from tests.conftest import EXAMPLES, get_job, run_import, submit
from tests.job_states import age_job, claim, claim_or_fail, complete, fail, submit_stages


def test_a_job_is_claimed_once(project_id: int) -> None:
    number = submit_stages(project_id)
    claim_or_fail(number)
    assert claim(number) is None
    found = get_job(number)
    assert (found.status, found.attempt) == ("processing", 1)


def test_a_worker_whose_lease_was_taken_over_can_not_write_any_more(project_id: int) -> None:
    number = submit_stages(project_id)
    first = claim_or_fail(number)
    age_job(number)
    second = claim_or_fail(number)
    with pytest.raises(LeaseLost):
        lifecycle.fence(db.session(), first)
    db.session.rollback()
    with pytest.raises(LeaseLost):
        lifecycle.write_progress(first, Progress(Phase.WRITING), lease_seconds=30)
    assert complete(first) is False
    assert fail(first) is False
    lifecycle.fence(db.session(), second)
    db.session.rollback()
    assert complete(second) is True
    assert (get_job(number).status, get_job(number).result) == ("completed", "done")


def test_the_percentage_never_falls_and_reaches_100_only_on_completion(project_id: int) -> None:
    number = submit_stages(project_id)
    lease = claim_or_fail(number)
    stored = []
    for processed in (10, 50, 40, 100):
        lifecycle.write_progress(lease, Progress(Phase.WRITING, total=100, processed=processed), lease_seconds=30)
        db.session.commit()
        stored.append((get_job(number).progress, get_job(number).processed_items))
    assert stored == [(10, 10), (50, 50), (50, 50), (99, 100)]
    complete(lease)
    assert get_job(number).progress == 100


@pytest.mark.parametrize("ended", ["completed", "failed"])
def test_a_job_that_has_ended_does_not_change_any_more(project_id: int, ended: str) -> None:
    number = submit_stages(project_id)
    lease = claim_or_fail(number)
    assert complete(lease) if ended == "completed" else fail(lease)
    age_job(number)
    assert claim(number) is None
    assert lifecycle.fail_overdue(number) is False
    assert lifecycle.fail_exhausted(number, 1, error="It was interrupted.") is False
    assert lifecycle.mark_queued(number, waiting=Phase.WAITING_FOR_FILE) is False
    assert complete(Lease(number, uuid4())) is False
    run_job(number)
    assert get_job(number).status == ended


def test_jobs_of_a_project_run_one_at_a_time_in_the_order_of_upload(project_id: int) -> None:
    first, second = submit_stages(project_id), submit(project_id, EXAMPLES / "drawing_types.csv", "drawing_type_import")
    elsewhere = submit_stages(projects.create("Other").id)
    assert claim(second) is None
    lease = claim_or_fail(first)
    assert claim(second) is None
    assert claim_or_fail(elsewhere)
    complete(lease)
    assert claim_or_fail(second)


def test_a_running_job_is_resumed_before_one_that_was_queued_earlier(project_id: int) -> None:
    """A slow upload is queued before a job that was stored, and begun, while it was being uploaded."""
    second, first = submit_stages(project_id), submit_stages(project_id)
    claim_or_fail(second)
    db.session.execute(
        text("UPDATE import_jobs SET queued_at = queued_at - interval '1 hour' WHERE id = :id"), {"id": first}
    )
    db.session.commit()
    age_job(second)
    assert claim(first) is None
    assert claim_or_fail(second)


def test_a_lock_that_is_not_released_does_not_block_a_claim_for_long(project_id: int) -> None:
    number = submit_stages(project_id)
    with db.engine.connect() as other:
        other.execute(
            text("SELECT pg_advisory_xact_lock_shared(:locks, :id)"),
            {"locks": lifecycle.ADVISORY_LOCK_CLASS, "id": number},
        )
        assert claim(number) is None
    assert claim_or_fail(number)


def test_the_next_job_is_enqueued_when_the_one_before_it_ends(project_id: int) -> None:
    first, second = submit_stages(project_id), submit_stages(project_id)
    broker.redis_connection().flushdb()
    run_job(second)
    assert get_job(second).status == "pending"
    run_job(first)
    (rq_job,) = broker.rq_queue().get_jobs()
    assert list(rq_job.args) == [second]
    run_job(second)
    assert (get_job(second).status, get_job(second).unchanged_count) == ("completed", 8)


def test_positions_in_the_queue(project_id: int) -> None:
    numbers = [submit_stages(project_id) for _ in range(3)]
    claim_or_fail(numbers[0])
    jobs = [get_job(number) for number in numbers]
    assert queue_positions(jobs) == {numbers[1]: 1, numbers[2]: 2}


def test_a_second_attempt_maps_the_columns_as_the_first_one_did(project_id: int, tmp_path: Path) -> None:
    """A node that the headings name is deleted between the two attempts."""
    nodes = tmp_path / "hierarchy.csv"
    nodes.write_text("Name,NamingConvention\nA,A\nB,B\n")
    assert run_import(project_id, nodes, "hierarchy_import").status == "completed"
    path = tmp_path / "types.csv"
    base = "Element Type,Element Type Name,Height,Length,Thickness,Mass,Volume,Area,Width,Element Type Version"
    path.write_text(f"{base},A,B\n" + "".join(f"T,N{number},,,,,,,,,1,{number // 3 % 2}\n" for number in range(9)))
    number = submit(project_id, path, batch_size=3, concurrent_batches=1)

    # The server becomes unreachable after the first batch.
    db.session.execute(
        text("""
            CREATE FUNCTION go_away() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                IF EXISTS (SELECT FROM import_batches) THEN
                    RAISE EXCEPTION 'gone' USING ERRCODE = 'admin_shutdown';
                END IF;
                RETURN NEW;
            END $$;
            CREATE TRIGGER go_away BEFORE INSERT ON import_batches FOR EACH ROW EXECUTE FUNCTION go_away()
        """)
    )
    db.session.commit()
    try:
        with pytest.raises(psycopg2.OperationalError):
            run_job(number)
    finally:
        db.session.rollback()
        db.session.execute(text("DROP TRIGGER go_away ON import_batches; DROP FUNCTION go_away()"))
        db.session.commit()
    assert db.session.execute(text("SELECT number FROM import_batches")).scalars().all() == [1]
    db.session.execute(text("DELETE FROM hierarchy_nodes WHERE name = 'B'"))
    db.session.commit()
    age_job(number)
    run_job(number)
    ended = get_job(number)
    assert (ended.status, ended.attempt, ended.created_count, ended.rejected_count) == ("completed", 2, 6, 3)
    assert (ended.processed_items, ended.total_items, ended.pieces_added) == (9, 9, 6)
    codes = db.session.execute(text("SELECT code FROM pieces ORDER BY code")).scalars().all()
    assert codes == [f"T/A/{piece:04}" for piece in (1, 2, 3, 7, 8, 9)]


def test_a_job_that_hits_a_bug_fails_and_names_the_log(project_id: int, caplog: pytest.LogCaptureFixture) -> None:
    """A batch size of 0, which no request can set, is a bug."""
    number = submit(project_id, EXAMPLES / "element_types.csv")
    db.session.execute(text("UPDATE import_jobs SET batch_size = 0"))
    db.session.commit()
    run_job(number)
    failed = get_job(number)
    assert (failed.status, failed.phase) == ("failed", "done")
    assert failed.error is not None
    assert f"in the log under job {number}" in failed.error
    assert f"Job {number} failed." in caplog.text


def test_a_job_of_an_unknown_type_fails(project_id: int) -> None:
    number = submit_stages(project_id)
    db.session.execute(text("UPDATE import_jobs SET job_type = 'magic'"))
    db.session.commit()
    run_job(number)
    assert get_job(number).status == "failed"
    assert "There is no job type 'magic'" in str(get_job(number).error)
