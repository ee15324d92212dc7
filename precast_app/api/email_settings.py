"""The e-mails that users get about their own jobs."""

from __future__ import annotations

from typing import Any

import marshmallow as ma

from precast_app.api.blueprint import Blueprint
from precast_app.api.schemas import RequestSchema, ResponseSchema
from precast_app.auth.permissions import Permission
from precast_app.auth.request_authentication import current_identity
from precast_app.auth.route_permissions import requires
from precast_app.models import NotificationEvent
from precast_app.notifications import email_settings

blueprint = Blueprint("email_settings", __name__, description="E-mails to users about their own jobs.")

_ADDRESS = "/api/me/email"


class EmailSettingsRequest(RequestSchema):
    """Where the user gets e-mails, and about which events; none by default."""

    example = {"address": "ada@example.com", "events": ["job.failed", "job.waiting"]}

    address = ma.fields.String(required=True, allow_none=True, validate=ma.validate.Length(1, 254))
    events = ma.fields.List(
        ma.fields.Enum(NotificationEvent, by_value=True),
        required=True,
        validate=ma.validate.Length(max=len(NotificationEvent)),
    )


class EmailSettings(ResponseSchema):
    """Where the user gets e-mails, and about which events."""

    address = ma.fields.String(allow_none=True)
    events = ma.fields.List(ma.fields.String(metadata={"enum": [*NotificationEvent]}))
    available = ma.fields.Boolean(metadata={"description": "whether this installation sends e-mail"})


@blueprint.route(_ADDRESS, methods=["GET"])
@requires(Permission.READ, all_projects=True)
@blueprint.response(200, EmailSettings)
def get_email_settings() -> email_settings.EmailSettings:
    """Return where you get e-mails, and about which events."""
    return email_settings.get(current_identity().user_id)


@blueprint.route(_ADDRESS, methods=["PUT"])
@requires(Permission.READ, unrestricted=True)
@blueprint.arguments(EmailSettingsRequest)
@blueprint.response(200, EmailSettings)
def change_email_settings(body: dict[str, Any]) -> email_settings.EmailSettings:
    """Set where you get e-mails, and about which events of your own jobs."""
    return email_settings.change(current_identity().user_id, body["address"], body["events"])
