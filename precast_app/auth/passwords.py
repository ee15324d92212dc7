"""Passwords: what is good enough for one, and how it is kept.

Argon2id with the parameters of OWASP's Password Storage Cheat Sheet (19 MiB, two passes, one lane): sign-ins at
the same time each take that memory, and an installation may have half a gigabyte.
"""

from __future__ import annotations

import secrets

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from werkzeug.security import check_password_hash

from precast_app.errors import RequestError

_MIN_LENGTH, _MAX_LENGTH = 8, 1000
_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
# The ones that are tried first, of eight characters and more.
_COMMON = frozenset(
    {
        *("12345678", "123456789", "1234567890", "11111111", "00000000", "password", "password1", "passw0rd"),
        *("qwertyuiop", "qwerty123", "iloveyou", "sunshine", "princess", "football", "baseball", "trustno1"),
        *("superman", "letmein1", "welcome1", "admin123", "administrator", "changeme", "precast1", "precast123"),
    }
)


def hash_password(password: str, name: str) -> str:
    """What is kept of a new password of the user `name`; raises `RequestError` where it is no good."""
    if len(password) < _MIN_LENGTH:
        raise RequestError(f"The password is too short; it takes at least {_MIN_LENGTH} characters.")
    if len(password) > _MAX_LENGTH:
        raise RequestError(f"The password is too long; it takes at most {_MAX_LENGTH} characters.")
    if password.casefold() in _COMMON or password.casefold() == name.casefold() or len(set(password)) < 3:
        raise RequestError(
            "This password is among the first that anyone would try. Choose another one, such as four words."
        )
    return _HASHER.hash(password)


def verify(kept: str, password: str) -> bool:
    """Whether this is the password."""
    if len(password) > _MAX_LENGTH:
        return False
    if not kept.startswith("$argon2"):
        return check_password_hash(kept, password)
    try:
        return _HASHER.verify(kept, password)
    except (VerificationError, InvalidHashError):
        return False


def needs_rehash(kept: str) -> bool:
    """Whether it was kept in another way than is done today."""
    return not kept.startswith("$argon2") or _HASHER.check_needs_rehash(kept)


def rehash(password: str) -> str:
    """What is kept today of a password that was good enough when it was chosen."""
    return _HASHER.hash(password)


# Compared where there is no such user, so that the answer takes as long.
DUMMY_HASH = _HASHER.hash(secrets.token_hex())
