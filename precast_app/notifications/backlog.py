"""How many messages of the outbox wait to be delivered, and for how long."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import text

from precast_app.extensions import db

_BACKLOG = text("""
    SELECT CASE WHEN webhook_id IS NULL THEN 'email' ELSE 'webhook' END AS channel, count(*) AS waiting,
           extract(epoch FROM clock_timestamp() - min(created_at)) AS oldest_seconds,
           greatest(extract(epoch FROM clock_timestamp() - min(next_attempt_at)), 0) AS overdue_seconds
    FROM outbox_messages WHERE next_attempt_at IS NOT NULL GROUP BY channel
""")
CHANNELS = ("webhook", "email")


@dataclass(frozen=True, slots=True)
class Backlog:
    """The messages of a channel that are not delivered yet.

    `oldest_seconds` is the time since the first of them was written: a receiver may be away. `overdue_seconds` is the
    time since an attempt was due that no worker has begun: the sender has stopped, or has too much to do.
    """

    waiting: int = 0
    oldest_seconds: float = 0.0
    overdue_seconds: float = 0.0


def load() -> dict[str, Backlog]:
    """Return the backlog of each channel as it is now."""
    found = {
        row.channel: Backlog(row.waiting, float(row.oldest_seconds), float(row.overdue_seconds))
        for row in db.session.execute(_BACKLOG)
    }
    return {channel: found.get(channel, Backlog()) for channel in CHANNELS}
