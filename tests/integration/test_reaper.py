"""The reaper enqueues jobs that Redis or a worker has lost, and gives up jobs that can't be recovered."""

from __future__ import annotations

from flask import Flask
from sqlalchemy import text

from precast_app import worker
from precast_app.extensions import db
from precast_app.jobs import broker, process_lock, reaper, service
from precast_app.jobs.creation import JobOptions
from precast_app.jobs.runner import run_job
from tests.app_settings import changed_settings
from tests.conftest import get_job
from tests.job_states import age_job, claim, claim_or_fail, submit_stages


def test_a_job_that_redis_has_lost_is_enqueued_again(project_id: int) -> None:
    number = submit_stages(project_id)
    age_job(number)
    assert reaper.sweep() == []
    broker.redis_connection().flushdb()
    assert reaper.sweep() == [number]
    assert broker.rq_queue().count == 1
    assert reaper.sweep() == []


def test_a_job_that_waits_for_its_turn_is_not_enqueued_again(project_id: int) -> None:
    first, second = submit_stages(project_id), submit_stages(project_id)
    for number in (first, second):
        age_job(number)
    broker.redis_connection().flushdb()
    assert reaper.sweep() == [first]


def test_a_job_whose_lease_has_expired_is_enqueued_again(project_id: int) -> None:
    number = submit_stages(project_id)
    claim_or_fail(number)
    # The worker has popped the id.
    broker.redis_connection().flushdb()
    assert reaper.sweep() == []
    age_job(number)
    assert reaper.sweep() == [number]
    age_job(number)
    assert reaper.sweep() == []
    run_job(number)
    assert (get_job(number).status, get_job(number).attempt) == ("completed", 2)


def test_a_job_that_is_lost_too_often_is_given_up_and_the_next_one_enqueued(app: Flask, project_id: int) -> None:
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
    assert [list(rq_job.args) for rq_job in broker.rq_queue().get_jobs()] == [[following]]


def test_a_job_whose_file_is_not_uploaded_in_time_fails(app: Flask, project_id: int) -> None:
    number = service.submit(
        project_id=project_id,
        job_type="stage_import",
        created_by="tester",
        options=JobOptions(),
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


def test_one_process_sweeps_at_a_time(project_id: int) -> None:
    number = submit_stages(project_id)
    age_job(number)
    broker.redis_connection().flushdb()
    with process_lock.try_lock(process_lock.REAPER) as locked:
        assert locked
        assert reaper.sweep() == []
    assert reaper.sweep() == [number]


def test_jobs_are_recovered_although_expired_data_can_not_be_deleted(app: Flask, project_id: int) -> None:
    ended, lost = submit_stages(project_id), submit_stages(project_id)
    run_job(ended)
    age_job(ended, app.config["PRECAST"].file_retention_days * 86_400 + 1)
    age_job(lost)
    broker.redis_connection().flushdb()
    db.session.execute(
        text("""
            CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN RAISE EXCEPTION 'this row can not be deleted'; END $$;
            CREATE TRIGGER refuse BEFORE DELETE ON import_file_chunks FOR EACH ROW EXECUTE FUNCTION refuse()
        """)
    )
    db.session.commit()
    chunks = text("SELECT count(*) FROM import_file_chunks WHERE job_id = :id")
    try:
        worker.maintain(app)
        assert broker.rq_queue().job_ids == [broker.rq_job_id(lost, get_job(lost).enqueue_count)]
        assert db.session.execute(chunks, {"id": ended}).scalar_one() == 1
    finally:
        db.session.rollback()
        db.session.execute(text("DROP TRIGGER refuse ON import_file_chunks; DROP FUNCTION refuse()"))
        db.session.commit()
    worker.maintain(app)
    assert db.session.execute(chunks, {"id": ended}).scalar_one() == 0
