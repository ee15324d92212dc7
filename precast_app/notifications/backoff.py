"""When a delivery that failed is tried again."""

from __future__ import annotations

import random

_MAX_SECONDS = 3 * 3600.0
# After so many doublings, every first delay has reached the longest one.
_MAX_DOUBLINGS = 30


def retry_delay(attempt: int, first_seconds: float, retry_after: float | None = None) -> float:
    """Return the seconds between the failed `attempt`, counted from 1, and the next one.

    The delay doubles with each attempt, up to three hours. A random part of up to a quarter is taken off, so that
    messages that failed together are not all sent together again. A receiver's `retry_after` is a minimum.
    """
    longest = min(first_seconds * 2.0 ** min(attempt - 1, _MAX_DOUBLINGS), _MAX_SECONDS)
    return max(longest * random.uniform(0.75, 1.0), retry_after or 0.0)
