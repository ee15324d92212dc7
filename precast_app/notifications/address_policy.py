"""Which addresses webhooks may reach: public ones, and those of networks that the operator allows."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from precast_app.errors import ConfigurationError

# The networks of the IANA registries for special purposes, multicast, and an address that Azure's machines have for
# their metadata. Listed here, because what `ipaddress` takes for global differs between versions of Python.
_REFUSED_IPV4 = tuple(
    IPv4Network(text)
    for text in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
        "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
        "224.0.0.0/4", "240.0.0.0/4", "168.63.129.16/32",
    )
)  # fmt: skip
# Only these are public. So loopback, private, link-local and multicast addresses, and IPv4 addresses that are written
# as IPv6 or translated by NAT64, are not.
_PUBLIC_IPV6 = IPv6Network("2000::/3")
# Special purposes, Teredo, documentation, and 6to4, which has an IPv4 address in it.
_REFUSED_IPV6 = tuple(IPv6Network(text) for text in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"))


@dataclass(frozen=True, slots=True)
class AddressPolicy:
    """The addresses that webhooks can reach: public ones, and those in the `allowed` networks."""

    allowed: tuple[IPv4Network | IPv6Network, ...] = ()

    @classmethod
    def parse(cls, text: str) -> AddressPolicy:
        """Return the policy that the setting describes; raise `ConfigurationError` if a network in it is malformed."""
        if text == "none":
            return cls()
        try:
            return cls(tuple(ipaddress.ip_network(part.strip()) for part in text.split(",")))
        except ValueError as error:
            raise ConfigurationError(
                f"WEBHOOK_ALLOWED_NETWORKS must be networks separated by commas, such as 10.20.0.0/16: {error}."
            ) from None

    def is_allowed(self, address: str) -> bool:
        """Return whether the address, which a resolver has returned, is in a network that the operator allows."""
        found = _parse(address)
        return found is not None and any(found in network for network in self.allowed)

    def is_reachable(self, address: str) -> bool:
        """Return whether webhooks can reach the address: it is public, or allowed."""
        found = _parse(address)
        if found is None:
            return False
        return _is_public(found) or any(found in network for network in self.allowed)


def _parse(address: str) -> IPv4Address | IPv6Address | None:
    try:
        # An address of one link, such as fe80::1%eth0, is checked without the link's name.
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return None
    # The system connects to the IPv4 address in ::ffff:127.0.0.1.
    return found.ipv4_mapped or found if isinstance(found, IPv6Address) else found


def _is_public(address: IPv4Address | IPv6Address) -> bool:
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _REFUSED_IPV4)
    return address in _PUBLIC_IPV6 and not any(address in network for network in _REFUSED_IPV6)
