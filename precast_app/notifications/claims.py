"""Which messages are sent next, by one worker at a time, and what became of them.

The caller commits.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text

from precast_app.enums import NotificationEvent
from precast_app.extensions import current_settings, db
from precast_app.messages import Message, stored_parts
from precast_app.notifications import backoff

# Beside the time limit of an attempt: to resolve names, and to store what has become of it.
_LEASE_MARGIN_SECONDS = 60
# So that one project's slow receivers leave room for the others'.
_MAX_OF_PROJECT = 4

_CLAIM = text("""
    WITH first_due AS (
        SELECT id, project_id, next_attempt_at FROM outbox_messages
        WHERE next_attempt_at <= now() AND project_id <> ALL (CAST(:busy AS integer[]))
        ORDER BY next_attempt_at, id LIMIT 1000
    ), ranked AS (
        SELECT id, next_attempt_at,
               row_number() OVER (PARTITION BY project_id ORDER BY next_attempt_at, id) AS place
        FROM first_due
    ), claimed AS (
        SELECT id FROM outbox_messages
        WHERE id IN (SELECT id FROM ranked WHERE place <= :of_project ORDER BY next_attempt_at, id LIMIT :limit)
          AND next_attempt_at <= now()
        FOR UPDATE SKIP LOCKED
    )
    UPDATE outbox_messages message
    SET attempts = attempts + 1, last_attempt_at = clock_timestamp(), last_status = NULL, last_error = NULL,
        last_error_parts = NULL,
        next_attempt_at = clock_timestamp() + make_interval(secs => :lease)
    FROM claimed WHERE message.id = claimed.id
    RETURNING message.id, message.attempts, message.last_attempt_at, message.project_id, message.message_id,
              message.event, message.payload,
              message.webhook_id, message.user_id
""")
_WEBHOOKS = text("""
    SELECT id, url, secret, disabled_at IS NOT NULL AS is_disabled,
           CASE WHEN previous_secret_until > now() THEN previous_secret END AS previous_secret
    FROM webhooks WHERE id = ANY (:ids)
""")
# A user who has lost the project gets no messages about it.
_RECIPIENTS = text("""
    SELECT message.id, "user".id AS user_id, "user".email_events, "user".language,
           CASE WHEN "user".disabled_at IS NULL AND ("user".is_admin OR membership.user_id IS NOT NULL)
                THEN "user".email END AS email
    FROM outbox_messages message
    JOIN users "user" ON "user".id = message.user_id
    LEFT JOIN memberships membership
        ON membership.user_id = message.user_id AND membership.project_id = message.project_id
    WHERE message.id = ANY (:ids)
""")
# The condition on `last_attempt_at` keeps a worker that was too slow from overwriting the outcome of a later attempt.
_DELIVERED = text("""
    UPDATE outbox_messages
    SET delivered_at = clock_timestamp(), next_attempt_at = NULL, last_status = :status, last_error = NULL,
        last_error_parts = NULL
    WHERE id = :id AND last_attempt_at = :claimed_at
""")
_FAILED = text("""
    UPDATE outbox_messages
    SET last_status = :status, last_error = :error, last_error_parts = CAST(:error_parts AS json),
        next_attempt_at = CASE
            WHEN NOT :is_final AND clock_timestamp() + make_interval(secs => :delay) < expires_at
            THEN clock_timestamp() + make_interval(secs => :delay) END
    WHERE id = :id AND last_attempt_at = :claimed_at
""")
_DISABLE = text("""
    UPDATE webhooks SET disabled_at = clock_timestamp(), disabled_reason = :reason
    WHERE id = :webhook_id AND disabled_at IS NULL
""")
_GIVE_UP = text("""
    UPDATE outbox_messages SET next_attempt_at = NULL, last_error = :reason, last_error_parts = NULL
    WHERE webhook_id = :webhook_id AND next_attempt_at IS NOT NULL
""")


@dataclass(frozen=True, slots=True)
class WebhookTarget:
    """Where a message goes, and the secrets that sign it, the current one first."""

    webhook_id: int
    url: str
    secrets: tuple[str, ...]
    is_disabled: bool


@dataclass(frozen=True, slots=True)
class Recipient:
    """A user who gets an e-mail; `email` is None if there is no address or the user may not read the project now."""

    user_id: int
    email: str | None
    events: tuple[str, ...]
    language: str | None

    def wants(self, event: NotificationEvent) -> bool:
        """Return whether the user has chosen e-mails about the event."""
        return event in self.events


@dataclass(frozen=True, slots=True)
class ClaimedMessage:
    """A message that this worker sends now; `attempt` counts from 1."""

    id: int
    attempt: int
    claimed_at: datetime
    project_id: int
    message_id: str
    event: NotificationEvent
    payload: dict[str, Any]
    webhook: WebhookTarget | None
    recipient: Recipient | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an attempt: delivered, if there is no `error`.

    `status` is the HTTP status of the answer. `is_final` ends the attempts, and `disables` the webhook itself.
    """

    status: int | None = None
    error: Message | None = None
    retry_after: float | None = None
    is_final: bool = False
    disables: bool = False


def claim_due(limit: int, *, busy: Collection[int]) -> list[ClaimedMessage]:
    """Return at most `limit` due messages, which no other worker gets until their lease has expired.

    Messages of the `busy` projects are left for later, and at most four of any other project are returned.
    """
    rows = db.session.execute(
        _CLAIM,
        {
            "busy": sorted(busy),
            "limit": limit,
            "of_project": _MAX_OF_PROJECT,
            "lease": current_settings().delivery_timeout_seconds + _LEASE_MARGIN_SECONDS,
        },
    ).all()
    webhooks = _load_webhooks({row.webhook_id for row in rows if row.webhook_id is not None})
    recipients = _load_recipients([row.id for row in rows if row.user_id is not None])
    return [
        ClaimedMessage(
            id=row.id,
            attempt=row.attempts,
            claimed_at=row.last_attempt_at,
            project_id=row.project_id,
            message_id=row.message_id,
            event=NotificationEvent(row.event),
            payload=row.payload,
            webhook=webhooks.get(row.webhook_id),
            recipient=recipients.get(row.id),
        )
        for row in rows
    ]


def record_outcome(message: ClaimedMessage, outcome: Outcome) -> None:
    """Store what became of the attempt and when the next one is due, unless another worker has tried again since."""
    of_claim = {"id": message.id, "claimed_at": message.claimed_at, "status": outcome.status}
    if outcome.error is None:
        db.session.execute(_DELIVERED, of_claim)
        return
    delay = backoff.retry_delay(message.attempt, current_settings().delivery_retry_seconds, outcome.retry_after)
    parts = stored_parts(outcome.error)
    of_error = {"error": outcome.error, "error_parts": None if parts is None else json.dumps(parts)}
    db.session.execute(_FAILED, {**of_claim, **of_error, "is_final": outcome.is_final, "delay": delay})
    if outcome.disables and message.webhook is not None:
        disable_webhook(message.webhook.webhook_id, outcome.error)


def disable_webhook(webhook_id: int, reason: Message) -> None:
    """Disable the webhook and give up the messages that wait for it; the reason is a constant text."""
    parameters = {"webhook_id": webhook_id, "reason": reason}
    db.session.execute(_DISABLE, parameters)
    db.session.execute(_GIVE_UP, parameters)


def _load_webhooks(ids: set[int]) -> dict[int, WebhookTarget]:
    if not ids:
        return {}
    return {
        row.id: WebhookTarget(row.id, row.url, tuple(filter(None, (row.secret, row.previous_secret))), row.is_disabled)
        for row in db.session.execute(_WEBHOOKS, {"ids": sorted(ids)})
    }


def _load_recipients(ids: list[int]) -> dict[int, Recipient]:
    """Return the users of the messages with these ids, by the message's id."""
    if not ids:
        return {}
    return {
        row.id: Recipient(row.user_id, row.email, tuple(row.email_events), row.language)
        for row in db.session.execute(_RECIPIENTS, {"ids": ids})
    }
