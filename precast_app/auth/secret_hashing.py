"""Random secrets for tokens and sessions, of which only the hash is stored."""

from __future__ import annotations

import hashlib
import secrets


def generate_secret() -> str:
    """Return a new secret of 256 random bits, as URL-safe text."""
    return secrets.token_urlsafe(32)


def hash_secret(secret: str) -> str:
    """Return the SHA-256 of the secret in hexadecimal; a random secret needs neither a salt nor a slow hash."""
    return hashlib.sha256(secret.encode(errors="replace")).hexdigest()
