"""Time limits of database sessions."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SessionLimits:
    """Time limits of the database sessions of one kind of process, in seconds; 0 means no limit.

    `pool_seconds` limits the wait for a connection of the process's own pool. PostgreSQL enforces the others.
    """

    pool_seconds: int
    statement_seconds: int
    lock_seconds: int
    idle_transaction_seconds: int

    def session_settings(self) -> dict[str, int]:
        """Return the limits as settings of a PostgreSQL session, in milliseconds."""
        return {
            "statement_timeout": self.statement_seconds * 1000,
            "lock_timeout": self.lock_seconds * 1000,
            "idle_in_transaction_session_timeout": self.idle_transaction_seconds * 1000,
        }
