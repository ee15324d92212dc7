"""A job's states, its lease, its place in the queue, and which lost jobs the reaper finds."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import psycopg2
import pytest
from flask import Flask
from sqlalchemy import text

from precast_app.errors import LeaseLost
from precast_app.extensions import db
from precast_app.jobs import broker, lifecycle, reaper, service
from precast_app.jobs.lifecycle import Lease, Progress
from precast_app.jobs.runner import run_job
from precast_app.models import Phase
from precast_app.projects import projects
from precast_app.queries.jobs import queue_positions
from tests.app_settings import changed_settings
from tests.conftest import EXAMPLES, get_job, run_import, submit
from tests.job_states import age_job, claim, claim_or_fail, submit_stages


def test_a_job_is_taken_once(project_id: int) -> None:
    number = submit_stages(project_id)
    claim_or_fail(number)
    assert claim(number) is None
    found = get_job(number)
    assert (found.status, found.attempt) == ("processing", 1)


def test_a_lease_that_ran_out_is_anothers_and_the_first_may_write_no_more(project_id: int) -> None:
    number = submit_stages(project_id)
    first = claim_or_fail(number)
    age_job(number)
    second = claim_or_fail(number)
    with pytest.raises(LeaseLost):
        lifecycle.fence(db.session(), first)
    db.session.rollback()
    with pytest.raises(LeaseLost):
        lifecycle.write_progress(first, Progress(Phase.WRITING), lease_seconds=30)
    assert lifecycle.complete(first, result="done") is False
    assert lifecycle.fail(first, error="broken") is False
    lifecycle.fence(db.session(), second)
    db.session.rollback()
    assert lifecycle.complete(second, result="done") is True
    assert (get_job(number).status, get_job(number).result) == ("completed", "done")


def test_the_percentage_never_falls_and_is_100_only_when_completed(project_id: int) -> None:
    number = submit_stages(project_id)
    lease = claim_or_fail(number)
    told = []
    for processed in (10, 50, 40, 100):
        lifecycle.write_progress(lease, Progress(Phase.WRITING, total=100, processed=processed), lease_seconds=30)
        told.append((get_job(number).progress, get_job(number).processed_items))
    assert told == [(10, 10), (50, 50), (50, 50), (99, 100)]
    lifecycle.complete(lease, result="done")
    assert get_job(number).progress == 100


@pytest.mark.parametrize("ended", ["completed", "failed"])
def test_what_has_ended_stays_as_it_is(project_id: int, ended: str) -> None:
    number = submit_stages(project_id)
    lease = claim_or_fail(number)
    if ended == "completed":
        lifecycle.complete(lease, result="done")
    else:
        lifecycle.fail(lease, error="broken")
    age_job(number)
    assert claim(number) is None
    assert lifecycle.fail_without_file(number) is False
    assert lifecycle.fail_exhausted(number, 1) is False
    assert lifecycle.mark_queued(number) is False
    assert lifecycle.complete(Lease(number, uuid4()), result="again") is False
    run_job(number)
    assert get_job(number).status == ended


def test_one_import_at_a_time_in_a_project_in_the_order_of_upload(project_id: int) -> None:
    first, second = submit_stages(project_id), submit(project_id, EXAMPLES / "drawing_types.csv", "drawing_type_import")
    elsewhere = submit_stages(projects.create("Other").id)
    assert claim(second) is None
    lease = claim_or_fail(first)
    assert claim(second) is None
    assert claim_or_fail(elsewhere)
    lifecycle.complete(lease, result="done")
    assert claim_or_fail(second)


def test_a_job_that_has_begun_is_not_held_up_by_one_that_came_late(project_id: int) -> None:
    """An upload that took long: its place is before that of a job that was stored, and begun, meanwhile."""
    second, first = submit_stages(project_id), submit_stages(project_id)
    claim_or_fail(second)
    db.session.execute(
        text("UPDATE import_jobs SET queued_at = queued_at - interval '1 hour' WHERE id = :id"), {"id": first}
    )
    db.session.commit()
    age_job(second)
    assert claim(first) is None
    assert claim_or_fail(second)


def test_a_lock_that_is_not_given_back_holds_up_no_worker_for_long(project_id: int) -> None:
    number = submit_stages(project_id)
    with db.engine.connect() as other:
        other.execute(
            text("SELECT pg_advisory_xact_lock_shared(:locks, :id)"),
            {"locks": lifecycle.ADVISORY_LOCK_CLASS, "id": number},
        )
        assert claim(number) is None
    assert claim_or_fail(number)


def test_the_next_job_is_rung_when_the_one_before_it_ends(project_id: int) -> None:
    first, second = submit_stages(project_id), submit_stages(project_id)
    broker.redis_connection().flushdb()
    run_job(second)
    assert get_job(second).status == "pending"
    run_job(first)
    (ring,) = broker.rq_queue().get_jobs()
    assert list(ring.args) == [second]
    run_job(second)
    assert (get_job(second).status, get_job(second).unchanged_count) == ("completed", 8)


def test_places_in_the_queue(project_id: int) -> None:
    numbers = [submit_stages(project_id) for _ in range(3)]
    claim_or_fail(numbers[0])
    jobs = [get_job(number) for number in numbers]
    assert queue_positions(jobs) == {numbers[1]: 1, numbers[2]: 2}


def test_a_second_attempt_reads_the_file_as_the_first_one_did(project_id: int, tmp_path: Path) -> None:
    """Between the two a node is deleted and another one renamed, as far as that is possible meanwhile."""
    nodes = tmp_path / "hierarchy.csv"
    nodes.write_text("Name,NamingConvention\nA,A\nB,B\n")
    assert run_import(project_id, nodes, "hierarchy_import").status == "completed"
    path = tmp_path / "types.csv"
    base = "Element Type,Element Type Name,Height,Length,Thickness,Mass,Volume,Area,Width,Element Type Version"
    path.write_text(f"{base},A,B\n" + "".join(f"T,N{number},,,,,,,,,1,{number // 3 % 2}\n" for number in range(9)))
    number = submit(project_id, path, batch_size=3, concurrent_batches=1)

    # The server goes away after the first batch.
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
    assert codes == [f"T/A/{place:04}" for place in (1, 2, 3, 7, 8, 9)]


def test_what_redis_lost_is_rung_for_again(project_id: int) -> None:
    number = submit_stages(project_id)
    age_job(number)
    assert reaper.sweep() == []
    broker.redis_connection().flushdb()
    assert reaper.sweep() == [number]
    assert broker.rq_queue().count == 1
    assert reaper.sweep() == []


def test_a_job_whose_turn_it_is_not_is_not_rung_for(project_id: int) -> None:
    first, second = submit_stages(project_id), submit_stages(project_id)
    for number in (first, second):
        age_job(number)
    broker.redis_connection().flushdb()
    assert reaper.sweep() == [first]


def test_a_job_whose_worker_went_silent_is_rung_for_again(project_id: int) -> None:
    number = submit_stages(project_id)
    claim_or_fail(number)
    # It had heard the ring.
    broker.redis_connection().flushdb()
    assert reaper.sweep() == []
    age_job(number)
    assert reaper.sweep() == [number]
    age_job(number)
    assert reaper.sweep() == []
    run_job(number)
    assert (get_job(number).status, get_job(number).attempt) == ("completed", 2)


def test_a_job_that_is_lost_each_time_is_given_up_and_the_next_one_rung(app: Flask, project_id: int) -> None:
    number, following = submit_stages(project_id), submit_stages(project_id)
    with changed_settings(app, max_attempts=3):
        for _ in range(3):
            claim_or_fail(number, attempts=3)
            age_job(number)
        assert claim(number, attempts=3) is None
        broker.redis_connection().flushdb()
        reaper.sweep()
    lost = get_job(number)
    assert lost.status == "failed"
    assert lost.error is not None
    assert "interrupted 3 times" in lost.error
    assert [list(ring.args) for ring in broker.rq_queue().get_jobs()] == [[following]]


def test_a_job_that_is_never_fed_fails(app: Flask, project_id: int) -> None:
    number = service.submit(
        project_id=project_id,
        job_type="stage_import",
        created_by="tester",
        options=service.JobOptions(),
        upload=None,
    ).id
    reaper.sweep()
    assert get_job(number).status == "pending"
    age_job(number, app.config["PRECAST"].file_wait_seconds + 1)
    reaper.sweep()
    expired = get_job(number)
    assert (expired.status, expired.phase) == ("failed", "done")
    assert expired.error is not None
    assert "No file was uploaded" in expired.error


def test_an_upload_is_accepted_while_redis_is_away(app: Flask, project_id: int) -> None:
    with changed_settings(app, redis_url="redis://127.0.0.1:1/0"):
        number = submit_stages(project_id)
    assert get_job(number).status == "pending"
    assert broker.rq_queue().count == 0
    age_job(number)
    assert reaper.sweep() == [number]


def test_old_files_are_dropped_and_the_job_stays(app: Flask, project_id: int) -> None:
    number = submit_stages(project_id)
    run_job(number)
    chunks = text("SELECT count(*) FROM import_file_chunks WHERE job_id = :id")
    reaper.sweep()
    assert db.session.execute(chunks, {"id": number}).scalar_one() == 1
    age_job(number, app.config["PRECAST"].file_retention_days * 86_400 + 1)
    reaper.sweep()
    assert db.session.execute(chunks, {"id": number}).scalar_one() == 0
    assert get_job(number).status == "completed"


def test_old_issues_are_dropped_in_small_steps(app: Flask, project_id: int) -> None:
    number = submit_stages(project_id)
    run_job(number)
    db.session.execute(
        text("""
            INSERT INTO import_issues (job_id, severity, code, message)
            SELECT :id, 'warning', 'a_code', 'text' FROM generate_series(1, 7000)
        """),
        {"id": number},
    )
    db.session.commit()
    issues = text("SELECT count(*) FROM import_issues WHERE job_id = :id")
    reaper.sweep()
    before = db.session.execute(issues, {"id": number}).scalar_one()
    assert before >= 7_000
    age_job(number, app.config["PRECAST"].issue_retention_days * 86_400 + 1)
    reaper.sweep()
    assert db.session.execute(issues, {"id": number}).scalar_one() == before - 5_000
    reaper.sweep()
    assert db.session.execute(issues, {"id": number}).scalar_one() == 0
    assert get_job(number).status == "completed"


def test_two_watchmen_do_not_look_at_the_same_time(project_id: int) -> None:
    number = submit_stages(project_id)
    age_job(number)
    broker.redis_connection().flushdb()
    with db.engine.connect() as other:
        other.execute(text("SELECT pg_advisory_lock(:locks, 0)"), {"locks": lifecycle.ADVISORY_LOCK_CLASS})
        assert reaper.sweep() == []
        other.execute(text("SELECT pg_advisory_unlock(:locks, 0)"), {"locks": lifecycle.ADVISORY_LOCK_CLASS})
    assert reaper.sweep() == [number]


def test_a_bug_ends_the_job_and_says_where_to_look(project_id: int, caplog: pytest.LogCaptureFixture) -> None:
    """Batches of no rows: a value that nothing of ours lets in, and so a bug."""
    number = submit(project_id, EXAMPLES / "element_types.csv")
    db.session.execute(text("UPDATE import_jobs SET batch_size = 0"))
    db.session.commit()
    run_job(number)
    failed = get_job(number)
    assert (failed.status, failed.phase) == ("failed", "done")
    assert failed.error is not None
    assert f"in the log under job {number}" in failed.error
    assert f"Job {number} failed." in caplog.text


def test_a_job_type_that_is_known_no_longer(project_id: int) -> None:
    number = submit_stages(project_id)
    db.session.execute(text("UPDATE import_jobs SET job_type = 'magic'"))
    db.session.commit()
    run_job(number)
    assert get_job(number).status == "failed"
    assert "There is no job type 'magic'" in str(get_job(number).error)
