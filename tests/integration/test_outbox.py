"""Messages are stored in the transaction of what they are about, and each is sent by one worker at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from precast_app.enums import NotificationEvent
from precast_app.extensions import db
from precast_app.jobs import lifecycle, reaper, retention, service
from precast_app.jobs.creation import JobOptions
from precast_app.messages import Message
from precast_app.models import OutboxMessage, Webhook
from precast_app.notifications import claims, webhooks
from precast_app.notifications.claims import ClaimedMessage, Outcome
from precast_app.notifications.sender import Sender
from precast_app.projects import projects
from tests.app_settings import changed_settings
from tests.conftest import EXAMPLES, run_import, submit
from tests.element_type_files import WriteCsv
from tests.job_states import age_job, cancel, claim_or_fail, complete, fail, submit_stages
from tests.webhook_receiver import Receiver, receiver

ALL_EVENTS = list(NotificationEvent)


def messages() -> list[OutboxMessage]:
    db.session.rollback()
    db.session.expire_all()
    return list(db.session.query(OutboxMessage).order_by(OutboxMessage.id))


def recorded() -> list[tuple[int, str]]:
    return [(message.job_id, message.event) for message in messages()]


def subscribe(project_id: int, url: str = "https://example.com/hooks", events: Any = ALL_EVENTS) -> Webhook:
    return webhooks.create(project_id, url, events, "ada")


@contextmanager
def local_receiver(app: Flask, **settings: Any) -> Iterator[Receiver]:
    """Run a receiver that webhooks may reach; a failed delivery is due again at once."""
    with (
        changed_settings(app, webhook_allowed_networks="127.0.0.0/8", delivery_retry_seconds=0.001, **settings),
        receiver() as found,
    ):
        yield found


def send_all(app: Flask) -> None:
    """Send what is due, until nothing is any more."""
    sender = Sender(app)
    while sender.send_due() or sender._in_flight:
        sender.record_outcomes(5)
    sender.close()


def test_each_end_of_a_job_and_each_wait_is_recorded_once(project_id: int) -> None:
    subscribe(project_id)
    completed = submit_stages(project_id)
    assert complete(claim_or_fail(completed))
    failed = submit_stages(project_id)
    assert fail(claim_or_fail(failed))
    cancelled = submit_stages(project_id)
    assert cancel(cancelled, "ada")
    assert not cancel(cancelled, "ada")
    lost = submit_stages(project_id)
    claim_or_fail(lost)
    db.session.execute(text("UPDATE import_jobs SET attempt = 3 WHERE id = :id"), {"id": lost})
    age_job(lost)
    overdue = service.submit(
        project_id=project_id, job_type="stage_import", created_by="ada", options=JobOptions(), upload=None
    ).id
    age_job(overdue, 90_000)
    reaper.sweep()
    assert sorted(recorded()) == [
        (completed, "job.completed"), (failed, "job.failed"), (cancelled, "job.failed"), (lost, "job.failed"),
        (overdue, "job.failed"),
    ]  # fmt: skip


def test_a_message_is_rolled_back_with_its_job(project_id: int) -> None:
    subscribe(project_id)
    lease = claim_or_fail(submit_stages(project_id))
    assert lifecycle.complete(lease, result="done")
    db.session.rollback()
    assert recorded() == []


def test_a_preview_with_changes_waits_for_a_person(green_meadows: int) -> None:
    subscribe(green_meadows)
    preview = run_import(green_meadows, EXAMPLES / "element_types.csv", dry_run=True).id
    imported = run_import(green_meadows, EXAMPLES / "element_types.csv").id
    unchanged = run_import(green_meadows, EXAMPLES / "element_types.csv", dry_run=True).id
    assert recorded() == [
        (preview, "job.completed"), (preview, "job.waiting"), (imported, "job.completed"), (unchanged, "job.completed")
    ]  # fmt: skip


def test_a_file_whose_columns_must_be_mapped_waits_for_a_person(green_meadows: int, write_csv: WriteCsv) -> None:
    subscribe(green_meadows)
    path = write_csv([], ["WALL", "W-1", "1"], base="Bauteil,Benennung,Masse circa")
    waiting = submit(green_meadows, path, mapping="ask")
    assert recorded() == [(waiting, "job.waiting")]
    cancel(waiting, "ada")
    service.retry(waiting, None)
    assert recorded() == [(waiting, "job.waiting"), (waiting, "job.failed"), (waiting, "job.waiting")]


def test_only_enabled_webhooks_of_the_project_get_the_events_they_subscribe_to(project_id: int) -> None:
    wanted = subscribe(project_id, events=[NotificationEvent.JOB_COMPLETED])
    subscribe(project_id, events=[NotificationEvent.JOB_FAILED])
    subscribe(projects.create("Harbour").id)
    disabled = subscribe(project_id)
    webhooks.change(project_id, disabled.id, disabled=True)
    complete(claim_or_fail(submit_stages(project_id)))
    assert [message.webhook_id for message in messages()] == [wanted.id]


def test_a_message_says_what_the_job_is_and_how_it_ended(app: Flask, project_id: int) -> None:
    with local_receiver(app, public_url="https://precast.example/") as found:
        webhook = subscribe(project_id, found.url)
        job_id = run_import(project_id, EXAMPLES / "stages.csv", "stage_import").id
        send_all(app)
        (request,) = found.requests
        message = request.verify(webhook.secret)
    assert list(message) == ["type", "timestamp", "data"]
    assert message["type"] == "job.completed"
    data = message["data"]
    assert (data["id"], data["project_id"], data["project_name"]) == (job_id, project_id, "Green Meadows")
    assert (data["status"], data["job_type"], data["created_count"]) == ("completed", "stage_import", 8)
    assert (data["url"], data["error"]) == (f"https://precast.example/jobs/{job_id}", None)
    (stored,) = messages()
    assert stored.message_id == request.message_id
    assert (stored.attempts, stored.last_status, stored.last_error) == (1, 204, None)
    assert stored.delivered_at is not None


def test_a_receiver_that_fails_three_times_gets_the_message_with_the_same_id(app: Flask, project_id: int) -> None:
    with local_receiver(app) as found:
        found.statuses = [500, 429, 302]
        subscribe(project_id, found.url)
        complete(claim_or_fail(submit_stages(project_id)))
        while len(found.requests) < 4:
            send_all(app)
    (stored,) = messages()
    assert (stored.attempts, stored.last_status) == (4, 204)
    assert {request.message_id for request in found.requests} == {stored.message_id}


def test_a_receiver_that_is_gone_gets_nothing_more(app: Flask, project_id: int) -> None:
    with local_receiver(app) as found:
        found.statuses = [410]
        webhook_id = subscribe(project_id, found.url).id
        for _ in range(2):
            complete(claim_or_fail(submit_stages(project_id)))
        send_all(app)
        complete(claim_or_fail(submit_stages(project_id)))
        send_all(app)
    assert len(messages()) == 2
    assert all(message.next_attempt_at is None for message in messages())
    webhook = db.session.get_one(Webhook, webhook_id)
    assert webhook.disabled_at is not None
    assert "410 Gone" in str(webhook.disabled_reason)


def test_a_host_name_that_leads_to_this_machine_is_refused_and_tried_again(app: Flask, project_id: int) -> None:
    with receiver() as found, changed_settings(app, delivery_retry_seconds=1000):
        with changed_settings(app, webhook_allowed_networks="127.0.0.0/8"):
            subscribe(project_id, f"https://localhost:{found.port}/hooks")
        complete(claim_or_fail(submit_stages(project_id)))
        send_all(app)
        assert not found.requests
    (stored,) = messages()
    assert "private address" in str(stored.last_error)
    assert stored.last_status is None
    assert stored.next_attempt_at is not None


def claim_messages(limit: int = 16, busy: tuple[int, ...] = ()) -> list[ClaimedMessage]:
    found = claims.claim_due(limit, busy=busy)
    db.session.commit()
    return found


def test_a_claimed_message_is_nobody_elses_until_its_lease_expires(project_id: int) -> None:
    subscribe(project_id)
    complete(claim_or_fail(submit_stages(project_id)))
    (first,) = claim_messages()
    assert claim_messages() == []
    db.session.execute(text("UPDATE outbox_messages SET next_attempt_at = now()"))
    db.session.commit()
    (second,) = claim_messages()
    assert (first.message_id, second.attempt) == (second.message_id, 2)
    # The first worker was only slow. What it says now does not count.
    claims.record_outcome(first, Outcome(500, Message("The webhook is disabled."), is_final=True))
    db.session.commit()
    assert messages()[0].next_attempt_at is not None
    claims.record_outcome(second, Outcome(204))
    db.session.commit()
    assert messages()[0].delivered_at is not None


def rename_table(old: str, new: str) -> None:
    db.session.execute(text(f"ALTER TABLE {old} RENAME TO {new}"))
    db.session.commit()


def test_an_outcome_is_stored_when_the_database_can_be_written_again(app: Flask, project_id: int) -> None:
    with local_receiver(app) as found:
        subscribe(project_id, found.url)
        complete(claim_or_fail(submit_stages(project_id)))
        sender = Sender(app)
        assert sender.send_due() == 1
        rename_table("outbox_messages", "not_available")
        try:
            with pytest.raises(ProgrammingError):
                sender.record_outcomes(5)
        finally:
            rename_table("not_available", "outbox_messages")
        sender.record_outcomes(5)
        sender.close()
    (stored,) = messages()
    assert (stored.attempts, stored.last_status, stored.next_attempt_at) == (1, 204, None)
    assert len(found.requests) == 1


def test_a_project_takes_a_part_of_the_sender_only(project_id: int) -> None:
    other = projects.create("Harbour").id
    for each in (project_id, project_id, other):
        for _ in range(3):
            subscribe(each)
        complete(claim_or_fail(submit_stages(each)))
    counts = [message.project_id for message in claim_messages()]
    assert (counts.count(project_id), counts.count(other)) == (4, 3)
    assert claim_messages(busy=(project_id,)) == []
    assert len(claim_messages()) == 4


def test_messages_are_given_up_after_a_day_and_can_be_sent_again(app: Flask, project_id: int) -> None:
    with local_receiver(app) as found:
        found.statuses = [500]
        webhook_id = subscribe(project_id, found.url).id
        complete(claim_or_fail(submit_stages(project_id)))
        db.session.execute(text("UPDATE outbox_messages SET expires_at = now()"))
        db.session.commit()
        send_all(app)
        (given_up,) = messages()
        assert (given_up.next_attempt_at, given_up.delivered_at) == (None, None)
        assert given_up.last_error == "The receiver answered 500 Internal Server Error."
        webhooks.send_again(project_id, webhook_id, given_up.id)
        send_all(app)
    assert messages()[0].delivered_at is not None
    assert len({request.message_id for request in found.requests}) == 1


@pytest.mark.parametrize(("column", "kept"), [("delivered_at", 0), ("next_attempt_at", 1)])
def test_delivered_messages_are_deleted_after_their_days(project_id: int, column: str, kept: int) -> None:
    subscribe(project_id)
    complete(claim_or_fail(submit_stages(project_id)))
    db.session.execute(
        text("UPDATE outbox_messages SET created_at = now() - interval '31 days', next_attempt_at = NULL")
    )
    db.session.execute(text(f"UPDATE outbox_messages SET {column} = now()"))
    db.session.commit()
    retention.delete_expired()
    assert len(messages()) == kept
