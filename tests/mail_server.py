"""A mail server for tests, which keeps what it gets."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path
from typing import Any
from urllib.parse import quote

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

from devstack import process


@dataclass
class MailServer:
    """A running mail server; `refusals` are its next answers to a recipient, then it accepts everyone."""

    url: str = ""
    refusals: list[str] = field(default_factory=list)
    emails: list[EmailMessage] = field(default_factory=list)
    # Of each e-mail: whether its connection was encrypted, and the user who had signed in.
    sessions: list[tuple[bool, str | None]] = field(default_factory=list)
    envelopes: list[tuple[str, list[str]]] = field(default_factory=list)

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802
        if self.refusals:
            return self.refusals.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        message = BytesParser(policy=policy.default).parsebytes(envelope.content)
        assert isinstance(message, EmailMessage)
        self.emails.append(message)
        user = session.auth_data.decode() if session.authenticated else None
        self.sessions.append((server.transport.get_extra_info("ssl_object") is not None, user))
        self.envelopes.append((envelope.mail_from, envelope.rcpt_tos))
        return "250 OK"


@contextmanager
def mail_server(
    *, certificate: tuple[Path, Path] | None = None, is_tls: bool = False, password: str | None = None
) -> Iterator[MailServer]:
    """Run a mail server on a free port of 127.0.0.1.

    With a certificate of localhost, connections are encrypted from their start (`is_tls`) or by STARTTLS. With a
    `password`, the user `precast` must sign in.
    """
    found = MailServer()
    port = process.free_port()
    sign_in = "" if password is None else f"precast:{quote(password, safe='')}@"
    found.url = f"{'smtps' if is_tls else 'smtp'}://{sign_in}localhost:{port}"
    options: dict[str, Any] = {}
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
        options = {"ssl_context": context} if is_tls else {"tls_context": context, "require_starttls": True}
    if password is not None:
        # aiosmtpd does not count a connection that is encrypted from its start as encrypted.
        requires_tls = certificate is not None and not is_tls
        options |= {"auth_required": True, "auth_require_tls": requires_tls, "authenticator": _only(password)}
    controller = Controller(found, hostname="127.0.0.1", port=port, **options)
    controller.start()
    try:
        yield found
    finally:
        controller.stop()


def _only(password: str) -> Any:
    """Return an authenticator that knows the user `precast` with this password."""

    def authenticate(server: Any, session: Any, envelope: Any, mechanism: str, given: Any) -> AuthResult:
        assert isinstance(given, LoginPassword)
        is_known = (given.login, given.password) == (b"precast", password.encode())
        return AuthResult(success=is_known, handled=False, auth_data=given.login)

    return authenticate
