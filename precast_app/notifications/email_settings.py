"""A user's choice of e-mails about the user's own jobs. Each function that changes it is one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from precast_app import languages
from precast_app.auth import audit
from precast_app.enums import NotificationEvent
from precast_app.errors import RequestError, invalid_field
from precast_app.extensions import current_settings, db
from precast_app.messages import Message
from precast_app.models import User
from precast_app.notifications.unsubscribe_links import UnsubscribeLink

_MAX_LENGTH = 254
_FORBIDDEN = frozenset(' ,;:<>()[]\\"')


@dataclass(frozen=True, slots=True)
class EmailSettings:
    """Where a user gets e-mails and about which events; `available` tells whether the installation can send any."""

    address: str | None
    events: list[str]
    available: bool


def get(user_id: int) -> EmailSettings:
    """Return the user's settings."""
    user = db.session.get_one(User, user_id)
    return EmailSettings(user.email, list(user.email_events), current_settings().sends_email)


def change(user_id: int, address: str | None, events: Sequence[NotificationEvent]) -> EmailSettings:
    """Set where the user gets e-mails and about which events, in the language of the page where they are chosen.

    Raise `RequestError` if the address is malformed, or missing although there are events.
    """
    if address is not None:
        _check(address)
    elif events:
        raise _refusal(Message("Enter the e-mail address that the messages are sent to."))
    user = db.session.get_one(User, user_id)
    user.email, user.email_events = address, [event for event in NotificationEvent if event in events]
    # English is what a user without a language gets.
    if events and user.language is None and languages.current() != languages.DEFAULT:
        user.language = languages.current()
    audit.record(audit.Action.USER_EMAIL, about=user.name, events=list(user.email_events))
    db.session.commit()
    return get(user_id)


def stop(link: UnsubscribeLink) -> None:
    """Stop all e-mails to the address of the link; nothing if the user has another address by now."""
    user = db.session.get(User, link.user_id)
    if user is not None and user.email == link.address and user.email_events:
        user.email_events = []
        audit.record(audit.Action.USER_EMAIL_STOP, who=user.name, about=user.name)
    db.session.commit()


def _check(address: str) -> None:
    name, _, domain = address.rpartition("@")
    is_plain = address.isascii() and address.isprintable() and not _FORBIDDEN & set(address)
    if not (is_plain and name and "@" not in name and "." in domain.strip(".") and len(address) <= _MAX_LENGTH):
        raise _refusal(Message("This is not an e-mail address. Enter one such as ada@example.com."))


def _refusal(message: Message) -> RequestError:
    return invalid_field("address", message)
