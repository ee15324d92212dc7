"""Check that PostgreSQL allows as many connections as a worker may open."""

from __future__ import annotations

import psycopg2

from precast_app.config import Settings, libpq_url
from precast_app.errors import ConfigurationError

# The reaper holds its lock on one and works on the other.
REAPER_CONNECTIONS = 2

_AVAILABLE = """
    SELECT least(
        (SELECT setting::int FROM pg_settings WHERE name = 'max_connections')
            - (SELECT sum(setting::int) FROM pg_settings
               WHERE name IN ('superuser_reserved_connections', 'reserved_connections')),
        (SELECT nullif(rolconnlimit, -1) FROM pg_roles WHERE rolname = current_user),
        (SELECT nullif(datconnlimit, -1) FROM pg_database WHERE datname = current_database()))
"""


def required_connections(settings: Settings, processes: int) -> int:
    """Return the maximum number of connections of a worker with this many job processes."""
    return processes * settings.job_connections + REAPER_CONNECTIONS


def check_available(settings: Settings, processes: int) -> None:
    """Raise `ConfigurationError` if PostgreSQL allows fewer connections than the worker may open."""
    with (
        psycopg2.connect(libpq_url(settings.database_url), connect_timeout=10) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute(_AVAILABLE)
        (available,) = cursor.fetchone() or (None,)
    connection.close()
    required = required_connections(settings, processes)
    if available is not None and required > available:
        raise ConfigurationError(
            f"{processes} processes with JOB_CONNECTIONS={settings.job_connections} may open {required} "
            f"connections, but PostgreSQL allows this user {available}. Use fewer processes (WORKER_PROCESSES, "
            "--processes), set a smaller JOB_CONNECTIONS, or let PostgreSQL allow more; the web server needs some too."
        )
