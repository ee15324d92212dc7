"""Limits of database sessions."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SessionLimits:
    """Limits of the database sessions of one kind of process: times in seconds, where 0 means no limit.

    `pool_seconds` limits the wait for a connection of the process's own pool. PostgreSQL enforces the others. Without
    `parallel_queries`, PostgreSQL plans no query for several of its processes: to start them takes longer than most
    queries of a page.
    """

    pool_seconds: int
    statement_seconds: int
    lock_seconds: int
    idle_transaction_seconds: int
    parallel_queries: bool = True

    def session_settings(self) -> dict[str, int]:
        """Return the limits as settings of a PostgreSQL session; times are in milliseconds."""
        without_workers = {} if self.parallel_queries else {"max_parallel_workers_per_gather": 0}
        return {
            "statement_timeout": self.statement_seconds * 1000,
            "lock_timeout": self.lock_seconds * 1000,
            "idle_in_transaction_session_timeout": self.idle_transaction_seconds * 1000,
            **without_workers,
        }
