"""Random texts that open a door: the one who holds it has the text, we have only its hash."""

from __future__ import annotations

import hashlib
import secrets


def generate_secret() -> str:
    """A new text of 256 random bits."""
    return secrets.token_urlsafe(32)


def hash_secret(text: str) -> str:
    """What is kept of it. No salt and no slow hash: it can't be guessed as a password can."""
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()
