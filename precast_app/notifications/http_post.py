"""A POST request to an address that users have chosen: checked, limited in time, and without redirects."""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from precast_app.messages import Message
from precast_app.notifications.address_policy import AddressPolicy
from precast_app.notifications.webhook_url import WebhookUrl

# Some of the body is read, so that the receiver can finish sending its answer. Nothing of it is kept.
_MAX_BODY_BYTES = 4_096
_MAX_ADDRESSES = 3
_CONNECT_SECONDS = 5.0


class PostFailed(Exception):
    """A request that was not sent, or not answered; `message` says why."""

    def __init__(self, message: Message) -> None:
        super().__init__(message)
        self.message = message


class AddressRefused(PostFailed):
    """The host leads to an address that webhooks may not reach."""


class DeadlineExceeded(PostFailed):
    """The receiver has not answered completely in time."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The status of a response, and the seconds that its `Retry-After` asks to wait; None if it has none."""

    status: int
    retry_after: float | None


def post(url: WebhookUrl, body: bytes, headers: Mapping[str, str], *, policy: AddressPolicy, timeout: float) -> Answer:
    """Send the body and return the answer, whatever its status; redirects are not followed.

    The host name is resolved once, and the connection is made to the addresses that were checked. The whole exchange
    takes at most `timeout` seconds after that.
    Raise `AddressRefused`, `DeadlineExceeded`, or an `OSError` or `HTTPException` if the receiver can't be reached.
    """
    connection = _CheckedConnection(url, _resolve(url, policy), timeout)
    try:
        connection.request("POST", url.target, body, dict(headers))
        response = connection.getresponse()
        response.read(_MAX_BODY_BYTES)
        # The end of the connection can look like the end of the headers.
        if connection.is_expired:
            raise TimeoutError
        return Answer(response.status, _retry_after(response.headers.get("Retry-After")))
    # ValueError: of a TLS connection that was shut down while it was read.
    except (OSError, http.client.HTTPException, ValueError) as error:
        if connection.is_expired:
            message = Message("No complete answer within %(seconds)s seconds.", seconds=f"{timeout:g}")
            raise DeadlineExceeded(message) from error
        raise
    finally:
        connection.close()


def _resolve(url: WebhookUrl, policy: AddressPolicy) -> list[str]:
    """Return the addresses of the host; raise `AddressRefused` if one of them may not be reached."""
    found = socket.getaddrinfo(url.host, url.port, type=socket.SOCK_STREAM)
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    if not all(policy.is_reachable(address) for address in addresses):
        raise AddressRefused(
            Message(
                "The URL leads to a private address. Use a public one, or ask the operator to allow its network "
                "(WEBHOOK_ALLOWED_NETWORKS)."
            )
        )
    if not url.is_https and not all(policy.is_allowed(address) for address in addresses):
        raise AddressRefused(Message("The URL leads to a public address without encryption. Use https://."))
    return addresses[:_MAX_ADDRESSES]


class _CheckedConnection(http.client.HTTPConnection):
    """A connection to one of the given addresses; the host name is only used for TLS and the Host header.

    After `seconds` the connection is shut down, however slowly the receiver sends.
    """

    def __init__(self, url: WebhookUrl, addresses: list[str], seconds: float) -> None:
        self.default_port = 443 if url.is_https else 80
        super().__init__(url.host, url.port)
        self.is_expired = False
        self._is_https = url.is_https
        self._addresses = addresses
        self._end = time.monotonic() + seconds
        self._timer = threading.Timer(seconds, self._expire)
        self._timer.daemon = True

    def connect(self) -> None:
        """Connect to the first of the addresses that accepts; raise `OSError` if none does."""
        self._timer.start()
        self.sock = self._connect_to_any()
        if self._is_https:
            self.sock = ssl.create_default_context().wrap_socket(
                self.sock, server_hostname=self.host, do_handshake_on_connect=False
            )
            self.sock.do_handshake()

    def close(self) -> None:
        """Close the connection and stop its timer."""
        self._timer.cancel()
        super().close()

    def _connect_to_any(self) -> socket.socket:
        failure: OSError | None = None
        for address in self._addresses:
            left = self._end - time.monotonic()
            if left <= 0:
                break
            try:
                connected = socket.create_connection((address, self.port), min(_CONNECT_SECONDS, left))
            except OSError as error:
                failure = error
            else:
                connected.settimeout(max(self._end - time.monotonic(), 0.1))
                return connected
        raise failure or TimeoutError("timed out")

    def _expire(self) -> None:
        self.is_expired = True
        with suppress(OSError):
            if self.sock is not None:
                # Not the method of the TLS socket, which is not made for another thread.
                socket.socket.shutdown(self.sock, socket.SHUT_RDWR)


def _retry_after(header: str | None) -> float | None:
    """Return the seconds that a `Retry-After` header asks for, as a number or a date; None if it is malformed."""
    if header is None:
        return None
    if header.strip().isascii() and header.strip().isdigit():
        return float(header.strip()[:9])
    try:
        return max(parsedate_to_datetime(header).timestamp() - time.time(), 0.0)
    except (TypeError, ValueError, OverflowError):
        return None
