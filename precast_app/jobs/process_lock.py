"""Locks that let one process of the installation at a time do something."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import text

from precast_app.extensions import db
from precast_app.jobs.lifecycle import ADVISORY_LOCK_CLASS

# Job ids are positive, so these numbers are free in the class.
REAPER = 0
RETENTION = -1


@contextmanager
def try_lock(number: int) -> Iterator[bool]:
    """Yield whether this process has got the lock, which it then holds until the end of the block.

    The lock belongs to a transaction on a connection of its own. So it outlasts the commits in the block, is released
    if the process is killed, and works behind a pooler that gives each transaction another session.
    """
    parameters = {"locks": ADVISORY_LOCK_CLASS, "number": number}
    with db.engine.begin() as connection:
        yield bool(connection.execute(text("SELECT pg_try_advisory_xact_lock(:locks, :number)"), parameters).scalar())
