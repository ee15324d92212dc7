"""The links in e-mails that stop them, without signing in."""

from __future__ import annotations

from dataclasses import dataclass

from itsdangerous import BadData, URLSafeSerializer

from precast_app.config import Settings
from precast_app.errors import NotFound

_SALT = "stop-email"


@dataclass(frozen=True, slots=True)
class UnsubscribeLink:
    """What a link is for: the e-mails of a user to an address."""

    user_id: int
    address: str


def make_url(settings: Settings, link: UnsubscribeLink) -> str:
    """Return the address of the link. It never expires, since people open old e-mails."""
    token = _serializer(settings).dumps([link.user_id, link.address])
    return f"{settings.public_url.rstrip('/')}/email/stop/{token if isinstance(token, str) else token.decode()}"


def read(settings: Settings, token: str) -> UnsubscribeLink:
    """Return what the link is for; raise `NotFound` if this installation has not made it."""
    try:
        user_id, address = _serializer(settings).loads(token)
    except (BadData, ValueError):
        message = "This link is incomplete. Copy the whole address from the e-mail, or sign in and open your account."
        raise NotFound(message) from None
    return UnsubscribeLink(user_id, address)


def _serializer(settings: Settings) -> URLSafeSerializer:
    return URLSafeSerializer(settings.secret_key, _SALT)
