"""Webhooks reach public addresses and those of allowed networks, and no others, however they are written."""

from __future__ import annotations

import pytest

from precast_app.errors import ConfigurationError, RequestError
from precast_app.notifications import http_post, webhook_url
from precast_app.notifications.address_policy import AddressPolicy
from precast_app.notifications.http_post import AddressRefused

PUBLIC = ["1.1.1.1", "8.8.8.8", "93.184.216.34", "172.15.255.255", "172.32.0.0", "2606:4700::1111", "2a00:1450::1"]
PRIVATE = [
    "127.0.0.1", "127.255.255.254", "0.0.0.0", "10.0.0.1", "10.255.255.255", "172.16.0.1", "172.31.255.255",
    "192.168.0.1", "100.64.0.1", "100.100.100.200", "169.254.169.254", "169.254.0.1", "192.0.0.192", "192.0.2.1",
    "192.88.99.1", "198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255",
    "240.0.0.1", "255.255.255.255", "168.63.129.16",
    "::1", "::", "fe80::1", "fe80::1%eth0", "fec0::1", "fc00::1", "fd00:ec2::254", "ff02::1", "2001:db8::1",
    "2001::1", "2002:7f00:1::", "2002:a9fe:a9fe::", "64:ff9b::7f00:1", "64:ff9b:1::1", "100::1", "3fff::1",
    "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:a9fe:a9fe", "::127.0.0.1", "::ffff:0:7f00:1",
]  # fmt: skip


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_reachable(address: str) -> None:
    assert AddressPolicy().is_reachable(address)


@pytest.mark.parametrize("address", PRIVATE)
def test_other_addresses_are_refused(address: str) -> None:
    assert not AddressPolicy().is_reachable(address)


@pytest.mark.parametrize("text", ["", "localhost", "127.1", "0x7f000001", "1.1.1.1.1", "::g"])
def test_what_is_no_address_is_refused(text: str) -> None:
    assert not AddressPolicy().is_reachable(text)


def test_a_mapped_public_address_is_reachable() -> None:
    assert AddressPolicy().is_reachable("::ffff:8.8.8.8")


def test_allowed_networks_are_reachable_and_their_neighbours_are_not() -> None:
    policy = AddressPolicy.parse("10.20.0.0/16, 192.168.7.5,fd12::/16")
    for address in ("10.20.0.1", "10.20.255.255", "192.168.7.5", "::ffff:10.20.0.1", "fd12::1", "8.8.8.8"):
        assert policy.is_reachable(address)
    for address in ("10.21.0.1", "192.168.7.6", "fd13::1", "127.0.0.1"):
        assert not policy.is_reachable(address)
    assert policy.is_allowed("10.20.0.1")
    assert not policy.is_allowed("8.8.8.8")


def test_a_malformed_network_is_named() -> None:
    with pytest.raises(ConfigurationError, match=r"10\.20\.0\.1/16 has host bits set"):
        AddressPolicy.parse("10.20.0.1/16")


# The resolver of the system turns all of them into 127.0.0.1 or ::1.
THIS_MACHINE = ["localhost", "127.0.0.1", "127.1", "2130706433", "0x7f.1", "0177.0.0.1", "[::1]", "[::ffff:127.0.0.1]"]


@pytest.mark.parametrize("host", [*THIS_MACHINE, "LOCALHOST.", "a.localhost", "167772161", "10.1"])
def test_a_host_that_needs_no_dns_is_refused_when_the_webhook_is_created(host: str) -> None:
    with pytest.raises(RequestError, match="private address"):
        webhook_url.check(f"https://{host}/hooks", AddressPolicy.parse("192.168.7.5"))


@pytest.mark.parametrize("host", THIS_MACHINE)
def test_a_host_that_leads_to_this_machine_is_refused_before_anything_is_sent(host: str) -> None:
    url = webhook_url.parse(f"https://{host}/hooks")
    with pytest.raises(AddressRefused, match="private address"):
        http_post.post(url, b"{}", {}, policy=AddressPolicy(), timeout=5)


def test_a_public_address_needs_https_even_if_some_network_is_allowed() -> None:
    url = webhook_url.parse("http://8.8.8.8/hooks")
    with pytest.raises(AddressRefused, match="without encryption"):
        http_post.post(url, b"{}", {}, policy=AddressPolicy.parse("10.20.0.0/16"), timeout=5)


def test_the_parts_of_a_url() -> None:
    assert webhook_url.parse("https://example.com") == webhook_url.WebhookUrl(True, "example.com", 443, "/")
    assert webhook_url.parse("http://[::1]:8080/a/b?c=d") == webhook_url.WebhookUrl(False, "::1", 8080, "/a/b?c=d")


@pytest.mark.parametrize(
    "url",
    [
        "", "example.com", "ftp://example.com", "file:///etc/passwd", "https://", "https://user:pw@example.com/",
        "https://user@example.com/", "https://example.com/#part", "https://example.com:99999/", "https://[::1/",
        "https://exa mple.com/", "https://example.com/\r\nX: y", "https://bücher.example/", "javascript:alert(1)",
        "https://e.com/" + "a" * 2_000,
    ],
)  # fmt: skip
def test_urls_that_no_message_can_be_sent_to_are_refused(url: str) -> None:
    with pytest.raises(RequestError):
        webhook_url.parse(url)


@pytest.mark.parametrize("url", ["http://example.com/", "https://127.0.0.1/", "https://[::1]/", "https://10.1.2.3/"])
def test_a_new_webhook_with_a_url_that_is_refused_later_is_refused_at_once(url: str) -> None:
    with pytest.raises(RequestError):
        webhook_url.check(url, AddressPolicy())


def test_http_is_accepted_if_the_operator_allows_networks() -> None:
    webhook_url.check("http://erp.intern/hooks", AddressPolicy.parse("10.20.0.0/16"))
    webhook_url.check("http://10.20.1.1/hooks", AddressPolicy.parse("10.20.0.0/16"))
