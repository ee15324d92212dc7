"""The outbox: messages about a job, stored in the transaction of what they are about."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import uuid4

from sqlalchemy import Row, text

from precast_app.enums import NotificationEvent
from precast_app.extensions import current_settings, db
from precast_app.notifications import payloads

_WEBHOOKS = text("""
    SELECT webhook.id, webhook.events FROM webhooks webhook JOIN import_jobs job ON job.project_id = webhook.project_id
    WHERE job.id = :job_id AND webhook.disabled_at IS NULL AND webhook.events && CAST(:events AS varchar[])
    ORDER BY webhook.id
""")
_USER = text("""
    SELECT "user".id, "user".email_events FROM users "user" JOIN import_jobs job ON job.started_by_user_id = "user".id
    WHERE job.id = :job_id AND "user".disabled_at IS NULL AND "user".email IS NOT NULL
      AND "user".email_events && CAST(:events AS varchar[])
""")
_INSERT = text("""
    INSERT INTO outbox_messages (message_id, project_id, webhook_id, user_id, job_id, event, payload, expires_at)
    SELECT message_id, job.project_id, webhook_id, user_id, job.id, event, payload,
           clock_timestamp() + make_interval(hours => :hours)
    FROM import_jobs job,
         unnest(CAST(:message_ids AS varchar[]), CAST(:webhook_ids AS integer[]), CAST(:user_ids AS integer[]),
                CAST(:events AS varchar[]), CAST(:payloads AS json[]))
             AS message (message_id, webhook_id, user_id, event, payload)
    WHERE job.id = :job_id
""")


def record(job_id: int, events: Sequence[NotificationEvent]) -> None:
    """Add a message about each event to the outbox for every webhook of the job's project that subscribes to it.

    The user who started the job gets one e-mail, about the last of the events that the user has chosen. The caller
    commits, together with the change that the events are about.
    """
    wanted = {"job_id": job_id, "events": list(events)}
    webhooks = db.session.execute(_WEBHOOKS, wanted).all()
    user = db.session.execute(_USER, wanted).first() if current_settings().sends_email else None
    if not webhooks and user is None:
        return
    _insert(job_id, [*_to_webhooks(webhooks, events), *_to_user(user, events)])


def _to_webhooks(
    webhooks: Sequence[Row[Any]], events: Sequence[NotificationEvent]
) -> list[tuple[int | None, int | None, NotificationEvent]]:
    return [(webhook.id, None, event) for webhook in webhooks for event in events if event in webhook.events]


def _to_user(
    user: Row[Any] | None, events: Sequence[NotificationEvent]
) -> list[tuple[int | None, int | None, NotificationEvent]]:
    chosen = [event for event in events if user is not None and event in user.email_events]
    return [(None, user.id, chosen[-1])] if user is not None and chosen else []


def _insert(job_id: int, messages: list[tuple[int | None, int | None, NotificationEvent]]) -> None:
    webhook_ids, user_ids, events = (list(column) for column in zip(*messages, strict=True))
    # Receivers of webhooks get English; an e-mail is written in the user's language when it is sent.
    kinds = [(event, user_id is not None) for event, user_id in zip(events, user_ids, strict=True)]
    payload_of = {kind: payloads.dump(job_id, kind[0], with_parts=kind[1]) for kind in dict.fromkeys(kinds)}
    db.session.execute(
        _INSERT,
        {
            "job_id": job_id,
            "message_ids": [f"msg_{uuid4().hex}" for _ in messages],
            "webhook_ids": webhook_ids,
            "user_ids": user_ids,
            "events": events,
            "payloads": [payload_of[kind] for kind in kinds],
            "hours": current_settings().delivery_retry_hours,
        },
    )
