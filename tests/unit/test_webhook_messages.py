"""Messages are signed as Standard Webhooks specifies, and failed deliveries are repeated ever more rarely."""

from __future__ import annotations

import base64
import os
import socket
import ssl
import time
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook as Verifier
from standardwebhooks import WebhookVerificationError

from precast_app.notifications import backoff, http_post, webhook_delivery, webhook_url
from precast_app.notifications.address_policy import AddressPolicy
from precast_app.notifications.http_post import AddressRefused, DeadlineExceeded
from tests.certificates import needs_openssl, write_certificate
from tests.webhook_receiver import receiver

LOCAL = AddressPolicy.parse("127.0.0.0/8")


def new_secret() -> str:
    return f"whsec_{base64.b64encode(os.urandom(32)).decode()}"


def test_a_message_is_verified_with_either_secret_and_no_other() -> None:
    current, previous = new_secret(), new_secret()
    body = '{"type": "job.completed", "data": {"name": "Hafenstraße"}}'
    headers = webhook_delivery.signed_headers("msg_1", body, (current, previous))
    for secret in (current, previous):
        assert Verifier(secret).verify(body.encode(), headers)["type"] == "job.completed"
    for secret, text, given in (
        (new_secret(), body, headers),
        (current, body.replace("completed", "failed"), headers),
        (current, body, {**headers, "webhook-id": "msg_2"}),
        (current, body, {**headers, "webhook-timestamp": str(int(time.time()) - 1)}),
    ):
        with pytest.raises(WebhookVerificationError):
            Verifier(secret).verify(text, given)


def test_delays_double_up_to_three_hours_and_vary_by_a_quarter() -> None:
    for attempt, longest in ((1, 10), (2, 20), (3, 40), (10, 5_120), (12, 10_800), (1_000, 10_800)):
        delays = [backoff.retry_delay(attempt, 10) for _ in range(200)]
        assert 0.75 * longest <= min(delays) < max(delays) <= longest
        assert max(delays) - min(delays) > 0.1 * longest


def test_a_message_is_tried_about_fifteen_times_a_day() -> None:
    passed, attempts = 0.0, 1
    while (passed := passed + backoff.retry_delay(attempts, 10)) < 86_400:
        attempts += 1
    assert 15 <= attempts <= 21


def test_the_receiver_can_ask_for_a_longer_delay_only() -> None:
    assert backoff.retry_delay(1, 10, retry_after=600) == 600
    assert backoff.retry_delay(10, 10, retry_after=1) > 3_000


def test_a_request_has_the_path_host_and_headers_of_its_url() -> None:
    with receiver() as found:
        url = webhook_url.parse(found.url)
        answer = http_post.post(url, b"{}", {"webhook-id": "msg_1"}, policy=LOCAL, timeout=5)
        (request,) = found.requests
    assert (answer.status, answer.retry_after) == (204, None)
    assert (request.path, request.body, request.message_id) == ("/hooks?token=1", b"{}", "msg_1")
    assert request.headers["host"] == f"127.0.0.1:{found.port}"


@needs_openssl
def test_a_certificate_must_be_of_the_host_and_of_a_known_authority(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate, key = write_certificate(tmp_path)
    with receiver(tls=(certificate, key)) as found:
        by_name = webhook_url.parse(f"https://localhost:{found.port}/hooks")
        by_address = webhook_url.parse(f"https://127.0.0.1:{found.port}/hooks")
        policy = AddressPolicy.parse("127.0.0.0/8,::1")
        with pytest.raises(ssl.SSLCertVerificationError):
            http_post.post(by_name, b"{}", {}, policy=policy, timeout=5)
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        assert http_post.post(by_name, b"{}", {}, policy=policy, timeout=5).status == 204
        with pytest.raises(ssl.SSLCertVerificationError):
            http_post.post(by_address, b"{}", {}, policy=policy, timeout=5)
        (request,) = found.requests
        assert request.headers["host"] == f"localhost:{found.port}"


def test_a_redirect_is_an_answer_and_is_not_followed() -> None:
    with receiver() as found, receiver() as other:
        found.statuses, found.headers = [307], {"Location": other.url}
        answer = http_post.post(webhook_url.parse(found.url), b"{}", {}, policy=LOCAL, timeout=5)
        assert answer.status == 307
        assert len(found.requests) == 1
        assert not other.requests


def answer_names(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> list[str]:
    """Let the resolver of names give one answer after the other; return the list of names that it is asked for."""
    asked: list[str] = []
    resolve = socket.getaddrinfo

    def getaddrinfo(host: str, port: int, *options: Any, **named: Any) -> list[Any]:
        if host[0].isdigit():
            return resolve(host, port, *options, **named)
        addresses = answers[len(asked)]
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return asked


def test_the_address_that_was_checked_is_the_one_that_is_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that leads elsewhere when it is asked for a second time (DNS rebinding) changes nothing."""
    with receiver() as found:
        asked = answer_names(monkeypatch, ["127.0.0.1"], ["127.0.0.2"])
        url = webhook_url.parse(f"http://receiver.example:{found.port}/hooks")
        policy = AddressPolicy.parse("127.0.0.1")
        assert http_post.post(url, b"{}", {}, policy=policy, timeout=5).status == 204
        assert asked == ["receiver.example"]
        with pytest.raises(AddressRefused):
            http_post.post(url, b"{}", {}, policy=policy, timeout=5)
        assert len(found.requests) == 1


def test_a_name_is_refused_if_one_of_its_addresses_is_private(monkeypatch: pytest.MonkeyPatch) -> None:
    answer_names(monkeypatch, ["93.184.216.34", "169.254.169.254"])
    with pytest.raises(AddressRefused):
        http_post.post(webhook_url.parse("https://r.example/"), b"{}", {}, policy=AddressPolicy(), timeout=5)


@pytest.mark.parametrize(
    ("header", "expected"), [("120", 120), ("Wed, 21 Oct 2015 07:28:00 GMT", 0), ("soon", None), ("²", None)]
)
def test_retry_after_is_read_as_a_number_or_a_date(header: str, expected: float | None) -> None:
    assert http_post._retry_after(header) == expected


def test_a_slow_receiver_is_cut_off() -> None:
    """It sends a byte of a header at a time, so that no single read takes long."""

    def trickle(handler: BaseHTTPRequestHandler) -> None:
        try:
            for _ in range(100):
                handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: " if _ == 0 else b"x")
                time.sleep(0.1)
        except OSError:
            pass

    with receiver() as found:
        found.before_answer = trickle
        start = time.monotonic()
        with pytest.raises(DeadlineExceeded, match="within 1 seconds"):
            http_post.post(webhook_url.parse(found.url), b"{}", {}, policy=LOCAL, timeout=1)
        assert time.monotonic() - start < 3


def test_an_endless_answer_is_not_read() -> None:
    def flood(handler: BaseHTTPRequestHandler) -> None:
        try:
            handler.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
            while True:
                handler.wfile.write(b"x" * 65_536)
        except OSError:
            pass

    with receiver() as found:
        found.before_answer = flood
        start = time.monotonic()
        assert http_post.post(webhook_url.parse(found.url), b"{}", {}, policy=LOCAL, timeout=5).status == 200
        assert time.monotonic() - start < 2
