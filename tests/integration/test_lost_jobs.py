"""Detection of lost jobs, each of which is enqueued again once."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

from flask import Flask

from precast_app.extensions import db
from precast_app.jobs import broker, dispatch, lost_jobs, reaper
from precast_app.jobs.lost_jobs import DueJob
from tests.app_settings import changed_settings
from tests.conftest import get_job
from tests.job_states import age_job, claim_or_fail, submit_stages


def find_lost() -> list[DueJob]:
    return lost_jobs.filter_lost(lost_jobs.find_due())


def test_a_job_whose_worker_was_killed_at_pick_up_is_found(project_id: int) -> None:
    """Its id was popped from the queue, and its hash still says that it is queued."""
    number = submit_stages(project_id)
    redis, imports = broker.redis_connection(), broker.rq_queue()
    rq_id = broker.rq_job_id(number, 1)
    age_job(number)
    assert find_lost() == [], "it is in the queue"
    popped = imports.dequeue_any([imports], None, broker.redis_connection())
    assert popped[0].id == rq_id
    assert redis.hget(f"rq:job:{rq_id}", "status") == b"queued"
    assert [lost.rq_id for lost in find_lost()] == [rq_id]
    assert reaper.sweep() == [number]
    assert not redis.exists(f"rq:job:{rq_id}")
    assert imports.job_ids == [broker.rq_job_id(number, 2)]
    age_job(number)
    assert find_lost() == []


def test_a_job_that_is_being_picked_up_is_not_lost(app: Flask, project_id: int) -> None:
    """A worker takes a moment between popping the id and claiming the job."""
    number = submit_stages(project_id)
    age_job(number)
    imports = broker.rq_queue()
    imports.dequeue_any([imports], None, broker.redis_connection())

    def claim_a_moment_later() -> None:
        time.sleep(0.3)
        with app.app_context():
            claim_or_fail(number)
            db.session.remove()

    with ThreadPoolExecutor() as pool:
        claiming = pool.submit(claim_a_moment_later)
        assert reaper.sweep() == []
        claiming.result()
    assert (get_job(number).status, get_job(number).enqueue_count) == ("processing", 1)


def test_a_job_that_two_processes_found_lost_is_enqueued_once(project_id: int) -> None:
    number = submit_stages(project_id)
    assert [dispatch.enqueue(number, expected_count=1), dispatch.enqueue(number, expected_count=1)] == [True, False]
    assert get_job(number).enqueue_count == 2


def test_a_job_is_given_up_even_if_no_worker_takes_its_id_from_the_queue(app: Flask, project_id: int) -> None:
    number = submit_stages(project_id)
    with changed_settings(app, max_attempts=1):
        claim_or_fail(number, attempts=1)
        age_job(number)
        reaper.sweep()
    assert broker.rq_queue().job_ids == [broker.rq_job_id(number, 1)]
    assert get_job(number).status == "failed"
