"""The pages of a project's webhooks and of the messages that one of them got."""

from __future__ import annotations

from flask import Blueprint, render_template

from precast_app.auth.permissions import Permission
from precast_app.auth.route_permissions import requires
from precast_app.languages import gettext_noop
from precast_app.models import DeliveryStatus, NotificationEvent
from precast_app.notifications import webhooks
from precast_app.queries import webhooks as webhook_queries
from precast_app.queries.paging import PageRequest
from precast_app.web import paging, project_context

blueprint = Blueprint("webhook_pages", __name__)

_PAGE_SIZE = 50
_WEBHOOKS = "/projects/<int(max=2147483647):project_id>/webhooks"

EVENT_LABELS = {
    NotificationEvent.JOB_COMPLETED: gettext_noop("Job completed"),
    NotificationEvent.JOB_FAILED: gettext_noop("Job failed"),
    NotificationEvent.JOB_WAITING: gettext_noop("Job waits for a person"),
}
_STATUS_LABELS = {
    DeliveryStatus.PENDING: gettext_noop("pending"),
    DeliveryStatus.DELIVERED: gettext_noop("delivered"),
    DeliveryStatus.FAILED: gettext_noop("given up"),
}
_STATUS_TONES = {DeliveryStatus.PENDING: "warn", DeliveryStatus.DELIVERED: "good", DeliveryStatus.FAILED: "bad"}
_CONTEXT = {"event_labels": EVENT_LABELS, "status_labels": _STATUS_LABELS, "status_tones": _STATUS_TONES}


@blueprint.get(_WEBHOOKS)
@requires(Permission.MANAGE)
def list_webhooks(project_id: int) -> str:
    """Show the project's webhooks, each with its newest message, and the form for a new one."""
    found, _ = webhook_queries.list_webhooks(project_id, PageRequest())
    return render_template(
        "webhooks/list.html",
        **project_context.for_project(project_id, "Webhooks"),
        **_CONTEXT,
        webhooks=found,
        last_deliveries=webhook_queries.last_deliveries([webhook.id for webhook in found]),
    )


@blueprint.get(f"{_WEBHOOKS}/<int(max=2147483647):webhook_id>")
@requires(Permission.MANAGE)
def show_webhook(project_id: int, webhook_id: int) -> str:
    """Show a webhook's settings and messages."""
    webhook = webhooks.get(project_id, webhook_id)
    page = paging.requested_page(_PAGE_SIZE)
    found, count = webhook_queries.list_deliveries(webhook_id, page)
    return render_template(
        "webhooks/show.html",
        **project_context.for_project(project_id, "Webhooks"),
        **_CONTEXT,
        webhook=webhook,
        deliveries=found,
        count=count,
        page=page,
        link=paging.links(),
    )
