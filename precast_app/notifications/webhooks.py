"""Webhooks of a project: create, change, rotate the secret, delete, and send a message again.

Each function is one transaction.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import func, select, text

from precast_app.auth import audit
from precast_app.enums import NotificationEvent
from precast_app.errors import Conflict, NotFound
from precast_app.extensions import current_settings, db
from precast_app.messages import Message
from precast_app.models import OutboxMessage, Webhook
from precast_app.notifications import claims, webhook_url
from precast_app.notifications.address_policy import AddressPolicy

_SECRET_BYTES = 32
_MAX_ID = 2**63
# How long messages are signed with the previous secret, too.
_OVERLAP = timedelta(days=1)

_SEND_AGAIN = text("""
    UPDATE outbox_messages
    SET next_attempt_at = clock_timestamp(), delivered_at = NULL, attempts = 0,
        expires_at = clock_timestamp() + make_interval(hours => :hours)
    WHERE id = :id AND (next_attempt_at IS NULL OR last_error IS NOT NULL) RETURNING id
""")


def create(project_id: int, url: str, events: Sequence[NotificationEvent], created_by: str) -> Webhook:
    """Create a webhook; its secret is shown to its creator only.

    Raise `RequestError` if no message may be sent to the URL, `Conflict` if the project has too many webhooks.
    """
    settings = current_settings()
    webhook_url.check(url, AddressPolicy.parse(settings.webhook_allowed_networks))
    count = db.session.scalar(select(func.count()).where(Webhook.project_id == project_id)) or 0
    if count >= settings.max_webhooks:
        raise Conflict(
            Message(
                "The project has %(count)s webhooks already (MAX_WEBHOOKS). Delete one that is not used.", count=count
            )
        )
    webhook = Webhook(
        project_id=project_id, url=url, events=_ordered(events), secret=_new_secret(), created_by=created_by
    )
    db.session.add(webhook)
    db.session.flush()
    _record("create", webhook)
    db.session.commit()
    return webhook


def change(
    project_id: int,
    webhook_id: int,
    *,
    url: str | None = None,
    events: Sequence[NotificationEvent] | None = None,
    disabled: bool | None = None,
) -> Webhook:
    """Change what is given; raise `NotFound` for an unknown webhook, `RequestError` as `create` does.

    While a webhook is disabled, no messages are stored for it.
    """
    webhook = get(project_id, webhook_id)
    if url is not None:
        webhook_url.check(url, AddressPolicy.parse(current_settings().webhook_allowed_networks))
        webhook.url = url
    if events is not None:
        webhook.events = _ordered(events)
    if disabled is False:
        webhook.disabled_at = webhook.disabled_reason = None
    _record("change", webhook, disabled=bool(disabled))
    if disabled:
        db.session.flush()
        claims.disable_webhook(webhook_id, Message("The webhook was disabled."))
    db.session.commit()
    return webhook


def rotate_secret(project_id: int, webhook_id: int) -> Webhook:
    """Give the webhook a new secret; for a day, messages are signed with the previous one, too. Raise `NotFound`."""
    webhook = get(project_id, webhook_id)
    webhook.previous_secret, webhook.previous_secret_until = webhook.secret, datetime.now(UTC) + _OVERLAP
    webhook.secret = _new_secret()
    _record("rotate", webhook)
    db.session.commit()
    return webhook


def delete(project_id: int, webhook_id: int) -> None:
    """Delete the webhook with its messages; raise `NotFound` if the project has no such webhook."""
    webhook = get(project_id, webhook_id)
    _record("delete", webhook)
    db.session.delete(webhook)
    db.session.commit()


def send_again(project_id: int, webhook_id: int, delivery_id: int) -> OutboxMessage:
    """Make a message due that was delivered, has failed or was given up; it keeps its id.

    Raise `NotFound` if there is none, `Conflict` if it is still being sent or its webhook is disabled.
    """
    webhook = get(project_id, webhook_id)
    message = db.session.get(OutboxMessage, delivery_id) if delivery_id < _MAX_ID else None
    if message is None or message.webhook_id != webhook_id:
        raise NotFound(Message("The webhook has no delivery %(delivery_id)s.", delivery_id=delivery_id))
    if webhook.disabled_at is not None:
        raise Conflict("The webhook is disabled. Enable it, then send the message again.")
    hours = current_settings().delivery_retry_hours
    if db.session.execute(_SEND_AGAIN, {"id": delivery_id, "hours": hours}).first() is None:
        raise Conflict("The message is already being sent.")
    _record("send_again", webhook, message_id=message.message_id)
    db.session.commit()
    db.session.refresh(message)
    return message


def get(project_id: int, webhook_id: int) -> Webhook:
    """Return the webhook; raise `NotFound` if the project has none with this id."""
    webhook = db.session.get(Webhook, webhook_id)
    if webhook is None or webhook.project_id != project_id:
        raise NotFound(Message("There is no webhook %(webhook_id)s in this project.", webhook_id=webhook_id))
    return webhook


def _ordered(events: Sequence[NotificationEvent]) -> list[str]:
    return [event for event in NotificationEvent if event in events]


def _new_secret() -> str:
    return f"whsec_{base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()}"


def _record(verb: str, webhook: Webhook, **details: Any) -> None:
    # A URL may contain a token of the receiver, so only its host is recorded.
    audit.record(
        audit.Action(f"webhook.{verb}"), project_id=webhook.project_id, about=webhook_url.parse(webhook.url).host,
        webhook_id=webhook.id, events=list(webhook.events), **details,
    )  # fmt: skip
