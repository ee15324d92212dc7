"""Password rules and hashing.

Argon2id with the parameters of OWASP's Password Storage Cheat Sheet: 19 MiB, two passes, one lane. Every concurrent
sign-in takes that memory, and an installation may have only half a gigabyte.
"""

from __future__ import annotations

import secrets

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from werkzeug.security import check_password_hash

from precast_app.errors import RequestError
from precast_app.messages import Message

_MIN_LENGTH, _MAX_LENGTH = 8, 1000
_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
# Common passwords of at least eight characters.
_COMMON = frozenset(
    {
        *("12345678", "123456789", "1234567890", "11111111", "00000000", "password", "password1", "passw0rd"),
        *("qwertyuiop", "qwerty123", "iloveyou", "sunshine", "princess", "football", "baseball", "trustno1"),
        *("superman", "letmein1", "welcome1", "admin123", "administrator", "changeme", "precast1", "precast123"),
    }
)


def hash_password(password: str, name: str) -> str:
    """Return the hash of a new password for the user `name`; raise `RequestError` if the password breaks a rule."""
    if len(password) < _MIN_LENGTH:
        raise RequestError(Message("The password is too short. Use at least %(limit)s characters.", limit=_MIN_LENGTH))
    if len(password) > _MAX_LENGTH:
        raise RequestError(Message("The password is too long. Use at most %(limit)s characters.", limit=_MAX_LENGTH))
    if password.casefold() in _COMMON or password.casefold() == name.casefold() or len(set(password)) < 3:
        raise RequestError("This password is too easy to guess. Choose another one, for example four random words.")
    return _HASHER.hash(password)


def verify(password_hash: str, password: str) -> bool:
    """Return whether the password matches the hash."""
    if len(password) > _MAX_LENGTH:
        return False
    if not password_hash.startswith("$argon2"):
        return check_password_hash(password_hash, password)
    try:
        return _HASHER.verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False


def needs_rehash(password_hash: str) -> bool:
    """Return whether the hash was made by another algorithm or with other parameters than the current ones."""
    return not password_hash.startswith("$argon2") or _HASHER.check_needs_rehash(password_hash)


def rehash(password: str) -> str:
    """Return the current kind of hash of a valid password, without checking the rules for new ones."""
    return _HASHER.hash(password)


# Verified if there is no such user, so that the response takes as long as for one that exists.
DUMMY_HASH = _HASHER.hash(secrets.token_hex())
