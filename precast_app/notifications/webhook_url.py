"""The URL of a webhook: what it may look like, and its parts."""

from __future__ import annotations

import ipaddress
import socket
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

from precast_app.errors import RequestError, invalid_field
from precast_app.messages import Message
from precast_app.notifications.address_policy import AddressPolicy

_MAX_LENGTH = 2_000
_DEFAULT_PORTS = {"https": 443, "http": 80}


@dataclass(frozen=True, slots=True)
class WebhookUrl:
    """The parts of a URL that a request needs; `target` is the path with the query."""

    is_https: bool
    host: str
    port: int
    target: str


def parse(url: str) -> WebhookUrl:
    """Return the parts of the URL; raise `RequestError` if it is not a plain http or https URL."""
    if len(url) > _MAX_LENGTH or not url.isascii() or not url.isprintable() or " " in url:
        raise _refusal(
            Message(
                "The URL is longer than 2000 characters, or has blanks or letters beyond ASCII. Encode them, and write "
                "the host name in its ASCII form (xn--…)."
            )
        )
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise _refusal(Message("The URL is malformed. Write it as https://example.com/hooks/precast.")) from None
    if parts.scheme not in _DEFAULT_PORTS or not host:
        raise _refusal(
            Message("The URL must begin with https:// and name a host, as in https://example.com/hooks/precast.")
        )
    if parts.username is not None or parts.fragment:
        raise _refusal(Message("The URL can't contain a user name, a password or a fragment (#…). Remove it."))
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return WebhookUrl(parts.scheme == "https", host, port or _DEFAULT_PORTS[parts.scheme], target)


def check(url: str, policy: AddressPolicy) -> None:
    """Raise `RequestError` if no message could be sent to the URL, as far as that is known without asking for the host.

    Whatever the host name leads to is checked again for each message.
    """
    parts = parse(url)
    if not parts.is_https and not policy.allowed:
        raise _refusal(Message("The URL must begin with https://, so that nobody can read the messages on their way."))
    address = _address_of(parts.host)
    if address is not None and not policy.is_reachable(address):
        raise _refusal(
            Message("The URL leads to a private address. Use a public one, or ask the operator to allow its network.")
        )


def _address_of(host: str) -> str | None:
    """Return the IP address that a host stands for without DNS; None for any other name.

    Resolvers also take the short, decimal and hexadecimal forms of IPv4 addresses: `127.1`, `2130706433`.
    """
    name = host.rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return "127.0.0.1"
    with suppress(ValueError):
        return str(ipaddress.ip_address(host))
    with suppress(OSError):
        return socket.inet_ntoa(socket.inet_aton(name))
    return None


def _refusal(message: Message) -> RequestError:
    return invalid_field("url", message)
