"""The mail server that a URL names."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from precast_app.errors import ConfigurationError

_DEFAULT_PORTS = {"smtps": 465, "smtp": 587}


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """A mail server; with `is_tls` the connection is encrypted from its start, else if the server offers it."""

    host: str
    port: int
    is_tls: bool
    user: str | None
    password: str | None


def parse_smtp_url(url: str) -> SmtpServer:
    """Return the mail server of a URL such as `smtps://user:password@mail.example`.

    Raise `ConfigurationError` if the URL is malformed, or its user or password is not ASCII. The message doesn't repeat
    the URL, because of the password.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, parts, port = None, urlsplit(""), None
    if host is None or parts.scheme not in _DEFAULT_PORTS:
        raise ConfigurationError(
            "SMTP_URL must look like smtps://user:password@mail.example or smtp://mail.example:25."
        )
    user = None if parts.username is None else unquote(parts.username)
    password = None if parts.password is None else unquote(parts.password)
    if not f"{user}{password}".isascii():
        raise ConfigurationError("The user and the password in SMTP_URL must be ASCII. Set a password without umlauts.")
    return SmtpServer(
        host,
        port or _DEFAULT_PORTS[parts.scheme],
        is_tls=parts.scheme == "smtps",
        user=user,
        password=password,
    )
