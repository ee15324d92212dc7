"""Throttling of password guesses, at the sign-in and wherever else a password is checked.

Failed attempts are counted three times: per name and address, per address, and per name over all addresses from which
its user has not signed in recently. So guesses at a name are stopped, but cannot lock out its user, whose own address
is known. The counts are in Redis; without Redis each process counts for itself, so that people can still sign in.
"""

from __future__ import annotations

import hashlib
import threading
import time
from contextlib import suppress
from dataclasses import dataclass

from flask import Flask, current_app, request
from limits import RateLimitItem, RateLimitItemPerHour, RateLimitItemPerMinute
from limits.storage import MemoryStorage, Storage, storage_from_string
from limits.strategies import FixedWindowRateLimiter
from redis.exceptions import RedisError

from precast_app.auth.rate_limits import redis_options
from precast_app.errors import TooManyRequests
from precast_app.extensions import settings_of
from precast_app.messages import Message

_NAME_AND_ADDRESS = RateLimitItemPerMinute(5)
_ADDRESS = RateLimitItemPerMinute(30)
_NAME = RateLimitItemPerHour(50)
# For 30 days, an address from which a user has signed in is the user's own.
_KNOWN = RateLimitItemPerHour(1, 24 * 30)
_EXTENSION = "precast.throttle"
# Redis can't be reached, or holds something that is not a count.
_UNUSABLE = (RedisError, ValueError)

# A limit and the key that it counts.
Count = tuple[RateLimitItem, tuple[str, ...]]


class LockedMemoryStorage(MemoryStorage):
    """In-memory counts that several threads can use.

    The library's storage starts a timer in the thread that counts, and raises `RuntimeError` if two do so at once.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        super().__init__()

    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        """Add `amount` to the count of `key` and return the sum."""
        with self._lock:
            return super().incr(key, expiry, amount)

    def clear(self, key: str) -> None:
        """Delete the count of `key`."""
        with self._lock:
            super().clear(key)


@dataclass(frozen=True, slots=True)
class Throttle:
    """The counts in Redis, and the ones in memory that are used if Redis can't be reached."""

    shared: FixedWindowRateLimiter
    local: FixedWindowRateLimiter


@dataclass(frozen=True, slots=True)
class Attempt:
    """A password check in progress, counted as failed until `succeed` is called."""

    counts: FixedWindowRateLimiter
    name_key: str
    address: str
    counted: tuple[Count, ...]

    def succeed(self) -> None:
        """Remove the attempt from the counts, and remember the address as one of the user's own."""
        # If Redis has become unreachable, the counts there stay until their windows end.
        with suppress(*_UNUSABLE):
            for limit, key in self.counted:
                # The window may have ended since, and a count must not fall below zero.
                if self.counts.get_window_stats(limit, *key).remaining < limit.amount:
                    self.counts.hit(limit, *key, cost=-1)
            self.counts.clear(_NAME_AND_ADDRESS, self.name_key, self.address)
            self.counts.hit(_KNOWN, "known", self.name_key, self.address)


def init_app(app: Flask) -> None:
    """Create the application's counts."""
    settings = settings_of(app)
    shared = storage_from_string(
        settings.redis_url, key_prefix="sign-in", **redis_options(settings.redis_timeout_seconds)
    )
    assert isinstance(shared, Storage)
    app.extensions[_EXTENSION] = Throttle(FixedWindowRateLimiter(shared), FixedWindowRateLimiter(LockedMemoryStorage()))


def begin(name: str) -> Attempt:
    """Count an attempt at the password of `name` before the password is checked.

    Raise `TooManyRequests` if too many attempts with this name or from this address have failed recently or are in
    progress. Because attempts are counted before the check, parallel ones cannot exceed the limits.
    """
    throttle: Throttle = current_app.extensions[_EXTENSION]
    key, address = _hashed_name(name), request.remote_addr or ""
    try:
        return _begin(throttle.shared, key, address)
    except _UNUSABLE:
        return _begin(throttle.local, key, address)


def _begin(counts: FixedWindowRateLimiter, name_key: str, address: str) -> Attempt:
    counted: list[Count] = [(_NAME_AND_ADDRESS, (name_key, address)), (_ADDRESS, (address,))]
    if counts.test(_KNOWN, "known", name_key, address):
        counted.append((_NAME, (name_key,)))
    for limit, key in counted:
        # A rejected attempt stays counted: the window ends at the same time however high the count is, and removing the
        # attempt could lower the count of the next window.
        if not counts.hit(limit, *key):
            seconds = max(1, round(counts.get_window_stats(limit, *key).reset_time - time.time()))
            raise TooManyRequests(
                Message("Too many failed attempts. Try again in %(duration)s.", duration=_duration_text(seconds)),
                seconds,
            )
    return Attempt(counts, name_key, address, tuple(counted))


def _hashed_name(name: str) -> str:
    """Return a key of fixed length for the name, from which nobody with access to Redis can read it."""
    return hashlib.sha256(name.strip().encode(errors="replace")).hexdigest()[:32]


def _duration_text(seconds: int) -> str:
    if seconds < 100:
        return Message("%(count)s seconds", count=seconds)
    return Message("%(count)s minutes", count=round(seconds / 60))
