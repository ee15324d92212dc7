"""Guessing passwords is slowed down, at the sign-in and wherever else a password is asked for.

Three counts of attempts that failed: of a name from one address, of an address whatever the name, and of a name from
all addresses from which its user has not signed in lately. So a stranger who guesses at a name is stopped, yet can't
keep its user out, whose own address is known. Counts are kept in Redis; where Redis is away each process counts for
itself, so that people can still sign in.
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

_NAME_AND_ADDRESS = RateLimitItemPerMinute(5)
_ADDRESS = RateLimitItemPerMinute(30)
_NAME = RateLimitItemPerHour(50)
# How long an address from which a user has signed in counts as the user's own, in days.
_KNOWN = RateLimitItemPerHour(1, 24 * 30)
_EXTENSION = "precast.throttle"
# Redis is away, or holds something that is no count.
_UNUSABLE = (RedisError, ValueError)

# A limit, and whose attempts it counts.
Count = tuple[RateLimitItem, tuple[str, ...]]


class LockedMemoryStorage(MemoryStorage):
    """Counts in memory for many threads.

    The library's storage starts a timer in whichever thread counts, and raises `RuntimeError` if two do so at once.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        super().__init__()

    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        """Add `amount` to the count of `key` and return the sum."""
        with self._lock:
            return super().incr(key, expiry, amount)

    def clear(self, key: str) -> None:
        """Forget the count of `key`."""
        with self._lock:
            super().clear(key)


@dataclass(frozen=True, slots=True)
class Throttle:
    """The counts, in Redis and, for when that is away, in memory."""

    shared: FixedWindowRateLimiter
    own: FixedWindowRateLimiter


@dataclass(frozen=True, slots=True)
class Attempt:
    """A password that is about to be checked, counted as a failure until it turns out to be right."""

    counts: FixedWindowRateLimiter
    name_key: str
    address: str
    counted: tuple[Count, ...]

    def succeed(self) -> None:
        """Take the attempt back from the counts, and remember that this address is the user's own."""
        # Where Redis has gone meanwhile, what was counted there stays until its time is over.
        with suppress(*_UNUSABLE):
            for limit, key in self.counted:
                # The window may have ended since, and a count must not fall below zero.
                if self.counts.get_window_stats(limit, *key).remaining < limit.amount:
                    self.counts.hit(limit, *key, cost=-1)
            self.counts.clear(_NAME_AND_ADDRESS, self.name_key, self.address)
            self.counts.hit(_KNOWN, "known", self.name_key, self.address)


def init_app(app: Flask) -> None:
    """Give the application its counts."""
    settings = settings_of(app)
    shared = storage_from_string(
        settings.redis_url, key_prefix="sign-in", **redis_options(settings.redis_timeout_seconds)
    )
    assert isinstance(shared, Storage)
    app.extensions[_EXTENSION] = Throttle(FixedWindowRateLimiter(shared), FixedWindowRateLimiter(LockedMemoryStorage()))


def begin(name: str) -> Attempt:
    """Count an attempt at the password of `name` before it is checked.

    Raise `TooManyRequests` if too many with this name, or from this address, have failed lately or are under way:
    attempts that
    come at the same moment are counted one after another, so that no more of them than allowed are checked.
    """
    throttle: Throttle = current_app.extensions[_EXTENSION]
    key, address = _hashed_name(name), request.remote_addr or ""
    try:
        return _begin(throttle.shared, key, address)
    except _UNUSABLE:
        return _begin(throttle.own, key, address)


def _begin(counts: FixedWindowRateLimiter, name_key: str, address: str) -> Attempt:
    wanted: list[Count] = [(_NAME_AND_ADDRESS, (name_key, address)), (_ADDRESS, (address,))]
    if counts.test(_KNOWN, "known", name_key, address):
        wanted.append((_NAME, (name_key,)))
    for limit, key in wanted:
        # A refused attempt stays counted: it changes nothing, since a count is forgotten when its time is over, however
        # high it is. Taken back, it could lower the next one.
        if not counts.hit(limit, *key):
            seconds = max(1, round(counts.get_window_stats(limit, *key).reset_time - time.time()))
            raise TooManyRequests(
                f"Too many wrong passwords were tried. Try again in {_duration_text(seconds)}.", seconds
            )
    return Attempt(counts, name_key, address, tuple(wanted))


def _hashed_name(name: str) -> str:
    """The name as a key: of one length whatever was typed, and told to nobody who can read Redis."""
    return hashlib.sha256(name.strip().encode(errors="replace")).hexdigest()[:32]


def _duration_text(seconds: int) -> str:
    return f"{seconds} seconds" if seconds < 100 else f"{round(seconds / 60)} minutes"
