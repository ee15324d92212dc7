"""The address of Redis, as redis-py reads it."""

from __future__ import annotations

_OPTION = "ssl_cert_reqs="


def disable_certificate_verification(url: str) -> str:
    """Return the address with the option that accepts any certificate; unchanged if it has the option, or no TLS."""
    if not url.startswith("rediss://") or _OPTION in url:
        return url
    return f"{url}{'&' if '?' in url else '?'}{_OPTION}none"
