"""Passwords: what is good enough for one, and how it is kept.

Argon2id with the parameters of OWASP's Password Storage Cheat Sheet (19 MiB, two passes, one lane): sign-ins at
the same time each take that memory, and an installation may have half a gigabyte.
"""

from __future__ import annotations

import secrets

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from werkzeug.security import check_password_hash

from precast_app.errors import Refused

_SHORTEST, _LONGEST = 8, 1000
_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
# The ones that are tried first, of eight characters and more.
_COMMON = frozenset(
    {
        *("12345678", "123456789", "1234567890", "11111111", "00000000", "password", "password1", "passw0rd"),
        *("qwertyuiop", "qwerty123", "iloveyou", "sunshine", "princess", "football", "baseball", "trustno1"),
        *("superman", "letmein1", "welcome1", "admin123", "administrator", "changeme", "precast1", "precast123"),
    }
)


def hashed(password: str, name: str) -> str:
    """What is kept of a new password of the user `name`; raises `Refused` where it is no good."""
    if len(password) < _SHORTEST:
        raise Refused(f"The password is too short; it takes at least {_SHORTEST} characters.")
    if len(password) > _LONGEST:
        raise Refused(f"The password is too long; it takes at most {_LONGEST} characters.")
    if password.casefold() in _COMMON or password.casefold() == name.casefold() or len(set(password)) < 3:
        raise Refused("This password is among the first that anyone would try. Choose another one, such as four words.")
    return _HASHER.hash(password)


def matches(kept: str, password: str) -> bool:
    """Whether this is the password."""
    if len(password) > _LONGEST:
        return False
    if not kept.startswith("$argon2"):
        return check_password_hash(kept, password)
    try:
        return _HASHER.verify(kept, password)
    except (VerificationError, InvalidHashError):
        return False


def is_old(kept: str) -> bool:
    """Whether it was kept in another way than is done today."""
    return not kept.startswith("$argon2") or _HASHER.check_needs_rehash(kept)


def renewed(password: str) -> str:
    """What is kept today of a password that was good enough when it was chosen."""
    return _HASHER.hash(password)


# Compared where there is no such user, so that the answer takes as long.
NOBODYS = _HASHER.hash(secrets.token_hex())
