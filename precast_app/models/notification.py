"""Webhooks, and the outbox of messages to webhooks and to users."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, CheckConstraint, DateTime, ForeignKey, Index, String, Text, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from precast_app.enums import DeliveryStatus, NotificationEvent
from precast_app.extensions import Model
from precast_app.messages import Message, Parts, restore
from precast_app.models.column_types import CreatedAt, Id, ProjectId, Timestamp, one_of


class Webhook(Model):
    """An address of another system that gets a project's events, each signed with the secret.

    `secret` and `previous_secret` are base64 with the prefix `whsec_`. After a rotation, messages are signed with both
    until `previous_secret_until`. A disabled webhook gets no messages.
    """

    __tablename__ = "webhooks"

    id: Mapped[Id]
    project_id: Mapped[ProjectId]
    url: Mapped[str] = mapped_column(Text)
    events: Mapped[list[str]] = mapped_column(ARRAY(String(20)))
    secret: Mapped[str] = mapped_column(String(80))
    previous_secret: Mapped[str | None] = mapped_column(String(80))
    previous_secret_until: Mapped[Timestamp | None]
    created_by: Mapped[str] = mapped_column(String(100))
    created_at: Mapped[CreatedAt]
    disabled_at: Mapped[Timestamp | None]
    disabled_reason: Mapped[str | None] = mapped_column(Text)


class OutboxMessage(Model):
    """A message to a webhook or, as an e-mail, to a user; written in the transaction of the event that it is about.

    A message is due at `next_attempt_at`, which is null once it is delivered or given up. While it is being sent, that
    is the time at which another worker may send it. `expires_at` ends the attempts.
    """

    __tablename__ = "outbox_messages"
    __table_args__ = (
        one_of("event", NotificationEvent),
        CheckConstraint("(webhook_id IS NULL) <> (user_id IS NULL)", name="one_recipient"),
        CheckConstraint("delivered_at IS NULL OR next_attempt_at IS NULL", name="delivered"),
        Index("ix_outbox_messages_due", "next_attempt_at", postgresql_where=text("next_attempt_at IS NOT NULL")),
        Index("ix_outbox_messages_ended", "created_at", postgresql_where=text("next_attempt_at IS NULL")),
        Index(None, "webhook_id", "id", postgresql_where=text("webhook_id IS NOT NULL")),
        Index(None, "user_id", postgresql_where=text("user_id IS NOT NULL")),
    )

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    # The same for every attempt, so that a receiver recognizes a message that it has already got.
    message_id: Mapped[str] = mapped_column(String(40), unique=True)
    project_id: Mapped[ProjectId]
    webhook_id: Mapped[int | None] = mapped_column(ForeignKey("webhooks.id", ondelete="CASCADE"))
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    # No foreign key: it would add a check, and an index, to every deletion of a job.
    job_id: Mapped[int]
    event: Mapped[str] = mapped_column(String(20))
    payload: Mapped[dict[str, Any]] = mapped_column(JSON)
    created_at: Mapped[CreatedAt]
    expires_at: Mapped[Timestamp]
    next_attempt_at: Mapped[datetime | None] = mapped_column(
        DateTime(timezone=True), server_default=text("CURRENT_TIMESTAMP")
    )
    attempts: Mapped[int] = mapped_column(server_default="0")
    last_attempt_at: Mapped[Timestamp | None]
    last_status: Mapped[int | None]
    last_error: Mapped[str | None] = mapped_column(Text)
    # What the error is made from in other languages; null for a constant text.
    last_error_parts: Mapped[Parts | None] = mapped_column(JSON(none_as_null=True))
    delivered_at: Mapped[Timestamp | None]

    @property
    def last_error_text(self) -> Message | None:
        """The error of the last attempt, to be shown in any language."""
        return None if self.last_error is None else restore(self.last_error, self.last_error_parts)

    @property
    def status(self) -> DeliveryStatus:
        """How far the message is."""
        if self.delivered_at is not None:
            return DeliveryStatus.DELIVERED
        return DeliveryStatus.FAILED if self.next_attempt_at is None else DeliveryStatus.PENDING
