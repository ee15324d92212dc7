"""Webhooks of a project, and the messages that they got."""

from __future__ import annotations

from typing import Any

import marshmallow as ma

from precast_app.api.blueprint import PROJECT, Blueprint
from precast_app.api.schemas import (
    CursorQuery,
    PageQuery,
    RequestSchema,
    ResponseSchema,
    StrictBoolean,
    Timestamp,
    TranslatedText,
    requested_page,
)
from precast_app.auth.permissions import Permission
from precast_app.auth.request_authentication import current_identity
from precast_app.auth.route_permissions import requires
from precast_app.models import DeliveryStatus, NotificationEvent
from precast_app.notifications import webhooks
from precast_app.projects import projects
from precast_app.queries import webhooks as webhook_queries

blueprint = Blueprint("webhooks", __name__, description="Messages to other systems when a job ends or waits.")

_WEBHOOKS = f"{PROJECT}/webhooks"
_WEBHOOK = f"{_WEBHOOKS}/<int(max=2147483647):webhook_id>"
_EXAMPLE_URL = "https://erp.example/hooks/precast"


def _url(**options: Any) -> ma.fields.String:
    description = "an https URL without a user name and a fragment, whose host has public addresses"
    return ma.fields.String(metadata={"description": description}, validate=ma.validate.Length(1, 2_000), **options)


def _events(**options: Any) -> ma.fields.Field[Any]:
    return ma.fields.List(
        ma.fields.Enum(NotificationEvent, by_value=True),
        validate=ma.validate.Length(1, len(NotificationEvent)),
        **options,
    )


class WebhookRequest(RequestSchema):
    """A new webhook."""

    example = {"url": _EXAMPLE_URL, "events": ["job.completed", "job.failed"]}

    url = _url(required=True)
    events = _events(required=True)


class WebhookUpdateRequest(RequestSchema):
    """Changes to a webhook; fields that are left out stay the same."""

    example = {"events": ["job.failed"], "disabled": False}

    url = _url()
    events = _events()
    disabled = StrictBoolean()


class Webhook(ResponseSchema):
    """A webhook without its secret."""

    id = ma.fields.Integer()
    url = ma.fields.String()
    events = ma.fields.List(ma.fields.String(metadata={"enum": [*NotificationEvent]}))
    created_by = ma.fields.String()
    created_at = Timestamp()
    disabled_at = Timestamp(allow_none=True)
    disabled_reason = TranslatedText(allow_none=True)
    previous_secret_until = Timestamp(
        allow_none=True, metadata={"description": "until when messages are signed with the previous secret, too"}
    )


class OneWebhook(ResponseSchema):
    """A webhook in its envelope."""

    webhook = ma.fields.Nested(Webhook)


class WebhookWithSecret(ResponseSchema):
    """A webhook with the secret that signs its messages, which can't be read again."""

    webhook = ma.fields.Nested(Webhook)
    secret = ma.fields.String(metadata={"description": "`whsec_` and 32 random bytes in base64"})


class Webhooks(ResponseSchema):
    """A page of webhooks."""

    webhooks = ma.fields.List(ma.fields.Nested(Webhook))
    count = ma.fields.Integer()


class Delivery(ResponseSchema):
    """A message to a webhook, and what became of it."""

    id = ma.fields.Integer()
    message_id = ma.fields.String(metadata={"description": "the header `webhook-id`, the same for each attempt"})
    event = ma.fields.String(metadata={"enum": [*NotificationEvent]})
    job_id = ma.fields.Integer()
    status = ma.fields.String(metadata={"enum": [*DeliveryStatus]})
    attempts = ma.fields.Integer()
    last_status = ma.fields.Integer(
        allow_none=True, metadata={"description": "HTTP status of the last answer; null if there was none"}
    )
    last_error = TranslatedText(attribute="last_error_text", allow_none=True)
    created_at = Timestamp()
    last_attempt_at = Timestamp(allow_none=True)
    next_attempt_at = Timestamp(allow_none=True)
    delivered_at = Timestamp(allow_none=True)


class OneDelivery(ResponseSchema):
    """A delivery in its envelope."""

    delivery = ma.fields.Nested(Delivery)


class Deliveries(ResponseSchema):
    """A page of deliveries, newest first."""

    deliveries = ma.fields.List(ma.fields.Nested(Delivery))
    count = ma.fields.Integer()


@blueprint.route(_WEBHOOKS, methods=["GET"])
@requires(Permission.MANAGE)
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, Webhooks)
def list_webhooks(query: dict[str, Any], project_id: int) -> dict[str, Any]:
    """List the webhooks of a project."""
    projects.get(project_id)
    found, count = webhook_queries.list_webhooks(project_id, requested_page(query))
    return {"webhooks": found, "count": count}


@blueprint.route(_WEBHOOKS, methods=["POST"])
@requires(Permission.MANAGE)
@blueprint.arguments(WebhookRequest)
@blueprint.response(201, WebhookWithSecret)
def create_webhook(body: dict[str, Any], project_id: int) -> dict[str, Any]:
    """Create a webhook. The response has its secret, which can't be read again."""
    projects.get(project_id)
    created = webhooks.create(project_id, body["url"], body["events"], current_identity().name)
    return {"webhook": created, "secret": created.secret}


@blueprint.route(_WEBHOOK, methods=["PATCH"])
@requires(Permission.MANAGE)
@blueprint.arguments(WebhookUpdateRequest)
@blueprint.response(200, OneWebhook)
def change_webhook(body: dict[str, Any], project_id: int, webhook_id: int) -> dict[str, Any]:
    """Change the URL or the events of a webhook, disable it, or enable it again."""
    return {"webhook": webhooks.change(project_id, webhook_id, **body)}


@blueprint.route(_WEBHOOK, methods=["DELETE"])
@requires(Permission.MANAGE)
@blueprint.response(204)
def delete_webhook(project_id: int, webhook_id: int) -> None:
    """Delete a webhook with all of its messages."""
    webhooks.delete(project_id, webhook_id)


@blueprint.route(f"{_WEBHOOK}/secret", methods=["POST"])
@requires(Permission.MANAGE)
@blueprint.response(200, WebhookWithSecret)
def rotate_webhook_secret(project_id: int, webhook_id: int) -> dict[str, Any]:
    """Give a webhook a new secret. For a day, messages are signed with the previous one, too."""
    rotated = webhooks.rotate_secret(project_id, webhook_id)
    return {"webhook": rotated, "secret": rotated.secret}


@blueprint.route(f"{_WEBHOOK}/deliveries", methods=["GET"])
@requires(Permission.MANAGE)
@blueprint.arguments(CursorQuery, location="query")
@blueprint.response(200, Deliveries)
def list_deliveries(query: dict[str, Any], project_id: int, webhook_id: int) -> dict[str, Any]:
    """List the messages of a webhook, newest first."""
    webhooks.get(project_id, webhook_id)
    found, count = webhook_queries.list_deliveries(webhook_id, requested_page(query))
    return {"deliveries": found, "count": count}


@blueprint.route(f"{_WEBHOOK}/deliveries/<int:delivery_id>/retry", methods=["POST"])
@requires(Permission.MANAGE)
@blueprint.response(202, OneDelivery)
def send_delivery_again(project_id: int, webhook_id: int, delivery_id: int) -> dict[str, Any]:
    """Send a message again that was delivered, has failed or was given up. It keeps its id."""
    return {"delivery": webhooks.send_again(project_id, webhook_id, delivery_id)}
