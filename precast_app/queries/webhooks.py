"""Webhooks and their deliveries, as the API and pages show them."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import func, select

from precast_app.extensions import db
from precast_app.models import OutboxMessage, Webhook
from precast_app.queries.paging import PageRequest, paginate


def list_webhooks(project_id: int, page: PageRequest) -> tuple[list[Webhook], int]:
    """Return a page of the project's webhooks, in the order of their creation, and their number."""
    return paginate(select(Webhook).where(Webhook.project_id == project_id).order_by(Webhook.id), page)


def list_deliveries(webhook_id: int, page: PageRequest) -> tuple[list[OutboxMessage], int]:
    """Return a page of the webhook's messages, newest first, and their number."""
    query = select(OutboxMessage).where(OutboxMessage.webhook_id == webhook_id).order_by(OutboxMessage.id.desc())
    return paginate(query, page, lambda last_id: OutboxMessage.id < last_id)


def last_deliveries(webhook_ids: Collection[int]) -> dict[int, OutboxMessage]:
    """Return the newest message of each webhook that has one."""
    newest = (
        select(func.max(OutboxMessage.id))
        .where(OutboxMessage.webhook_id.in_(webhook_ids))
        .group_by(OutboxMessage.webhook_id)
    )
    found = db.session.scalars(select(OutboxMessage).where(OutboxMessage.id.in_(newest)))
    return {message.webhook_id: message for message in found if message.webhook_id is not None}
