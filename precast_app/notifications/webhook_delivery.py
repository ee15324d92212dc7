"""One attempt to deliver a message to a webhook, signed as Standard Webhooks specifies."""

from __future__ import annotations

import errno
import http.client
import json
import socket
import ssl
from datetime import UTC, datetime

from standardwebhooks import Webhook as Signer

from precast_app.errors import RequestError
from precast_app.messages import Message, as_message
from precast_app.notifications import http_post, webhook_url
from precast_app.notifications.address_policy import AddressPolicy
from precast_app.notifications.claims import ClaimedMessage, Outcome, WebhookTarget
from precast_app.notifications.http_post import Answer, PostFailed

_GONE = 410
_USER_AGENT = "Precast-Webhooks"


def deliver(message: ClaimedMessage, target: WebhookTarget, *, policy: AddressPolicy, timeout: float) -> Outcome:
    """Send the message and return what became of it. Needs no database connection."""
    if target.is_disabled:
        return Outcome(error=Message("The webhook is disabled."), is_final=True)
    body = json.dumps(message.payload, ensure_ascii=False, separators=(",", ":"))
    try:
        url = webhook_url.parse(target.url)
        headers = signed_headers(message.message_id, body, target.secrets)
        answer = http_post.post(url, body.encode(), headers, policy=policy, timeout=timeout)
    except RequestError as error:
        return Outcome(error=as_message(error.message), is_final=True)
    except PostFailed as error:
        return Outcome(error=error.message)
    except (OSError, http.client.HTTPException, ValueError) as error:
        return Outcome(error=Message("The receiver could not be reached: %(reason)s.", reason=_describe(error)))
    return _judge(answer)


def signed_headers(message_id: str, body: str, secrets: tuple[str, ...]) -> dict[str, str]:
    """Return the headers of a message that is sent now, with a signature for each secret."""
    now = datetime.now(UTC)
    return {
        "Content-Type": "application/json",
        "User-Agent": _USER_AGENT,
        "Connection": "close",
        "webhook-id": message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(Signer(secret).sign(message_id, now, body) for secret in secrets),
    }


def _judge(answer: Answer) -> Outcome:
    if 200 <= answer.status < 300:
        return Outcome(answer.status)
    if answer.status == _GONE:
        error = Message("The receiver answered 410 Gone, so the webhook was disabled.")
        return Outcome(answer.status, error, is_final=True, disables=True)
    if 300 <= answer.status < 400:
        error = Message(
            "The receiver answered %(status)s, a redirect. Redirects are not followed: enter the final URL.",
            status=answer.status,
        )
        return Outcome(answer.status, error)
    status = f"{answer.status} {http.client.responses.get(answer.status, '')}".rstrip()
    return Outcome(answer.status, Message("The receiver answered %(status)s.", status=status), answer.retry_after)


def _describe(error: Exception) -> Message | str:
    """Return the error in a few words, without what the receiver has sent."""
    match error:
        case TimeoutError():
            return Message("it did not answer in time")
        case socket.gaierror():
            return Message("its host name is not known")
        case ssl.SSLCertVerificationError():
            return Message("its certificate is not valid (%(reason)s)", reason=error.verify_message.rstrip("."))
        case ConnectionRefusedError():
            return Message("it refuses connections")
        case ConnectionError() | http.client.RemoteDisconnected():
            return Message("it closed the connection")
        case OSError(errno=errno.ENETUNREACH | errno.EHOSTUNREACH):
            return Message("there is no route to it")
        case OSError(strerror=str(reason)):
            return reason.rstrip(".")
        case _:
            return type(error).__name__
