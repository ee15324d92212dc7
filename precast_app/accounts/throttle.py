"""Sign-ins are slowed down for who guesses, and for nobody else.

Three counts of attempts that failed: of a name from one address, of an address whatever the name, and of a name from
all addresses from which its user has not signed in lately. So a stranger who guesses at a name is stopped, yet can't
keep its user out, whose own address is known. Counts are kept in Redis; where Redis is away each process counts for
itself, so that people can still sign in.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from flask import Flask, current_app, request
from limits import RateLimitItem, RateLimitItemPerHour, RateLimitItemPerMinute
from limits.storage import MemoryStorage, Storage, storage_from_string
from limits.strategies import FixedWindowRateLimiter
from redis.exceptions import RedisError

from precast_app.accounts.limits import redis_options
from precast_app.config import Settings
from precast_app.errors import TooMany

_NAME_AND_ADDRESS = RateLimitItemPerMinute(5)
_ADDRESS = RateLimitItemPerMinute(30)
_NAME = RateLimitItemPerHour(50)
# How long an address from which a user has signed in counts as the user's own, in days.
_KNOWN = RateLimitItemPerHour(1, 24 * 30)
_EXTENSION = "precast.throttle"
_AWAY_SECONDS = 5
# Redis is away, or holds something that is no count.
_UNUSABLE = (RedisError, ValueError)

Answer = TypeVar("Answer")


class Throttle:
    """The counts, in Redis and, for when that is away, in memory."""

    def __init__(self, redis_url: str, seconds: float = 2.0) -> None:
        """Wait for Redis no longer than `seconds`."""
        shared = storage_from_string(redis_url, key_prefix="sign-in", **redis_options(seconds))
        assert isinstance(shared, Storage)
        self._shared = FixedWindowRateLimiter(shared)
        self._own = FixedWindowRateLimiter(MemoryStorage())
        self._away_until = 0.0

    def test(self, limit: RateLimitItem, *key: str) -> bool:
        """Whether another one is allowed."""
        return self._ask(lambda counts: counts.test(limit, *key))

    def hit(self, limit: RateLimitItem, *key: str) -> bool:
        """Count one and return whether it was still allowed."""
        return self._ask(lambda counts: counts.hit(limit, *key))

    def refund(self, hits: Sequence[tuple[RateLimitItem, tuple[str, ...]]]) -> None:
        """Take one hit of each limit back."""
        for limit, key in hits:
            self._ask(lambda counts, limit=limit, key=key: counts.hit(limit, *key, cost=-1))  # type: ignore[misc]

    def clear(self, limit: RateLimitItem, *key: str) -> None:
        """Forget the count."""
        self._ask(lambda counts: counts.clear(limit, *key))
        self._own.clear(limit, *key)

    def seconds_left(self, limit: RateLimitItem, *key: str) -> int:
        """How long until another one is allowed."""
        reset = self._ask(lambda counts: counts.get_window_stats(limit, *key).reset_time)
        return max(1, round(reset - time.time()))

    def _ask(self, ask: Callable[[FixedWindowRateLimiter], Answer]) -> Answer:
        """Ask the counts in Redis, or those in memory for some seconds once Redis has not answered."""
        if time.monotonic() >= self._away_until:
            try:
                return ask(self._shared)
            except _UNUSABLE:
                # A sign-in asks several times, and would wait each time.
                self._away_until = time.monotonic() + _AWAY_SECONDS
        return ask(self._own)


def init_app(app: Flask) -> None:
    """Give the application its counts."""
    settings: Settings = app.config["PRECAST"]
    app.extensions[_EXTENSION] = Throttle(settings.redis_url, settings.redis_seconds)


@dataclass(frozen=True, slots=True)
class Attempt:
    """A password that is about to be checked, counted as a failure until it turns out to be right."""

    name_key: str
    address: str
    counted: tuple[tuple[RateLimitItem, tuple[str, ...]], ...]

    def succeed(self) -> None:
        """Take the attempt back from the counts, and remember that this address is the user's own."""
        counts = _counts()
        counts.refund(self.counted)
        counts.clear(_NAME_AND_ADDRESS, self.name_key, self.address)
        counts.hit(_KNOWN, "known", self.name_key, self.address)


def begin(name: str) -> Attempt:
    """Count an attempt at the password of `name` before it is checked.

    Raise `TooMany` if too many with this name, or from this address, have failed lately or are under way: attempts that
    come at the same moment are counted one after another, so that no more of them than allowed are checked.
    """
    counts, key, address = _counts(), _short(name), request.remote_addr or ""
    limits: list[tuple[RateLimitItem, tuple[str, ...]]] = [
        (_NAME_AND_ADDRESS, (key, address)),
        (_ADDRESS, (address,)),
    ]
    if counts.test(_KNOWN, "known", key, address):
        limits.append((_NAME, (key,)))
    for place, (limit, parts) in enumerate(limits):
        if not counts.hit(limit, *parts):
            counts.refund(limits[: place + 1])
            seconds = counts.seconds_left(limit, *parts)
            raise TooMany(f"Too many sign-ins have failed. Try again in {_in_words(seconds)}.", seconds)
    return Attempt(key, address, tuple(limits))


def _counts() -> Throttle:
    counts: Throttle = current_app.extensions[_EXTENSION]
    return counts


def _short(name: str) -> str:
    """The name as a key: of one length whatever was typed, and told to nobody who can read Redis."""
    return hashlib.sha256(name.strip().encode(errors="replace")).hexdigest()[:32]


def _in_words(seconds: int) -> str:
    return f"{seconds} seconds" if seconds < 100 else f"{round(seconds / 60)} minutes"
