"""Real workers deliver messages to a real receiver, also if one of them is killed."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy import text

from precast_app.enums import NotificationEvent
from precast_app.extensions import db
from precast_app.jobs import service
from precast_app.jobs.creation import JobOptions
from precast_app.jobs.files import Upload
from precast_app.models import Role, Webhook
from precast_app.notifications import webhooks
from precast_app.projects import projects
from tests.app_settings import changed_settings
from tests.auth_headers import create_user
from tests.conftest import EXAMPLES, kill, run_import, submit, wait_for, worker
from tests.job_states import claim_or_fail, complete, submit_stages
from tests.mail_server import mail_server
from tests.webhook_receiver import Receiver, receiver

_ENDED = ("completed", "failed")


@pytest.fixture
def found() -> Iterator[Receiver]:
    with receiver() as running:
        yield running


@pytest.fixture
def sending(environment: dict[str, str]) -> dict[str, str]:
    """Return the environment of a worker that may send to this machine."""
    return {
        **environment,
        "WEBHOOK_ALLOWED_NETWORKS": "127.0.0.0/8",
        "DELIVERY_INTERVAL_SECONDS": "0.2",
        "DELIVERY_RETRY_SECONDS": "0.1",
    }


@pytest.fixture
def webhook(app: Flask, project_id: int, found: Receiver) -> Webhook:
    with changed_settings(app, webhook_allowed_networks="127.0.0.0/8"):
        return webhooks.create(project_id, found.url, [*NotificationEvent], "ada")


def wait_until_delivered(seconds: float = 30) -> None:
    """Wait until nothing is left to send."""
    stop = threading.Event()
    for _ in range(int(seconds / 0.1)):
        left = db.session.scalar(text("SELECT count(*) FROM outbox_messages WHERE delivered_at IS NULL"))
        db.session.rollback()
        if not left:
            return
        stop.wait(0.1)
    raise AssertionError(f"{left} messages are not delivered")


def test_a_worker_reports_the_end_of_a_job(
    project_id: int, sending: dict[str, str], found: Receiver, webhook: Webhook
) -> None:
    with worker(sending):
        job_id = submit(project_id, EXAMPLES / "stages.csv", "stage_import")
        (request,) = found.wait_for(1)
        wait_until_delivered()
    message = request.verify(webhook.secret)
    assert (message["type"], message["data"]["id"]) == ("job.completed", job_id)
    assert len(found.requests) == 1


def test_a_job_that_ended_before_its_worker_was_killed_is_reported(
    project_id: int, environment: dict[str, str], sending: dict[str, str], found: Receiver, webhook: Webhook
) -> None:
    """The first worker looks for messages when it starts, and not again before it is killed."""
    with worker({**sending, "DELIVERY_INTERVAL_SECONDS": "1000"}) as first:
        job_id = submit(project_id, EXAMPLES / "stages.csv", "stage_import")
        assert wait_for(job_id, lambda job: job.status in _ENDED).status == "completed"
        kill(first)
    assert not found.requests
    with worker(sending):
        (request,) = found.wait_for(1)
        wait_until_delivered()
    assert request.verify(webhook.secret)["data"]["id"] == job_id
    assert len(found.requests) == 1


def test_a_message_of_a_killed_sender_is_sent_again_with_the_same_id(
    project_id: int, sending: dict[str, str], found: Receiver, webhook: Webhook
) -> None:
    arrived, released = threading.Event(), threading.Event()

    def hold(handler: object) -> None:
        arrived.set()
        released.wait(30)

    found.before_answer = hold
    run_import(project_id, EXAMPLES / "stages.csv", "stage_import")
    with worker(sending) as first:
        assert arrived.wait(30)
        kill(first)
    released.set()
    db.session.execute(text("UPDATE outbox_messages SET next_attempt_at = now() WHERE delivered_at IS NULL"))
    db.session.commit()
    with worker(sending):
        requests = found.wait_for(2)
        wait_until_delivered()
    assert len({request.message_id for request in requests}) == 1
    assert all(request.verify(webhook.secret) for request in requests)


def test_a_receiver_that_fails_three_times_gets_the_message_in_the_end(
    project_id: int, sending: dict[str, str], found: Receiver, webhook: Webhook
) -> None:
    found.statuses = [500, 503, 404]
    run_import(project_id, EXAMPLES / "stages.csv", "stage_import")
    with worker(sending):
        requests = found.wait_for(4)
        wait_until_delivered()
    assert len({request.message_id for request in requests}) == 1
    assert db.session.scalar(text("SELECT attempts FROM outbox_messages")) == 4


def test_a_worker_sends_an_email(project_id: int, environment: dict[str, str], app: Flask) -> None:
    with mail_server() as server:
        address = {"SMTP_URL": server.url, "EMAIL_FROM": "p@example.com", "PUBLIC_URL": "https://precast.example"}
        user = create_user("eve")
        projects.set_role(project_id, "eve", Role.MANAGER)
        user.email, user.email_events = "eve@example.com", ["job.completed"]
        db.session.commit()
        with worker({**environment, **address, "DELIVERY_INTERVAL_SECONDS": "0.2"}):
            with (EXAMPLES / "stages.csv").open("rb") as stream:
                job_id = service.submit(
                    project_id=project_id,
                    job_type="stage_import",
                    created_by="eve",
                    options=JobOptions(),
                    upload=Upload(stream, "stages.csv"),
                    started_by_user_id=user.id,
                ).id
            wait_for(job_id, lambda job: job.status in _ENDED)
            wait_until_delivered()
    (email,) = server.emails
    assert email["Subject"] == f"Green Meadows: job {job_id} has ended"


def test_two_workers_deliver_each_message_once(
    project_id: int, sending: dict[str, str], found: Receiver, webhook: Webhook
) -> None:
    for _ in range(40):
        complete(claim_or_fail(submit_stages(project_id)))
    with worker(sending), worker(sending):
        found.wait_for(40)
        wait_until_delivered()
    assert set(Counter(request.message_id for request in found.requests).values()) == {1}
    assert len(found.requests) == 40


def test_a_worker_sends_nothing_to_a_private_address_unless_it_is_allowed(
    project_id: int, sending: dict[str, str], found: Receiver, webhook: Webhook
) -> None:
    run_import(project_id, EXAMPLES / "stages.csv", "stage_import")
    with worker({**sending, "WEBHOOK_ALLOWED_NETWORKS": "10.0.0.0/8"}):
        for _ in range(300):
            error = db.session.scalar(text("SELECT last_error FROM outbox_messages"))
            db.session.rollback()
            if error:
                break
            threading.Event().wait(0.1)
    assert "private address" in error
    assert not found.requests
