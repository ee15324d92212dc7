"""Options of the SQLAlchemy engine: the connection pool, time limits, and detection of vanished machines."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

from precast_app.config.session_limits import SessionLimits
from precast_app.config.settings import Settings


def engine_options(settings: Settings, connections: int, limits: SessionLimits) -> dict[str, Any]:
    """Return the options of an engine with at most `connections` open connections, whose sessions have the limits."""
    silence = settings.database_silence_seconds
    connect_args: dict[str, Any] = {
        "connect_timeout": max(2, min(limits.pool_seconds, 10)),
        # Without these, it would take hours to notice that the machine of the server has vanished.
        "keepalives_idle": max(1, silence // 2),
        "keepalives_interval": max(1, silence // 6),
        "keepalives_count": 3,
        "tcp_user_timeout": silence * 1000,
    }
    if settings.database_session_settings:
        wanted = {**_silence_settings(silence), **limits.session_settings()}
        options = [f"-c {name}={value}" for name, value in wanted.items()]
        # Options in the address come first, so that these override them.
        given = parse_qs(urlsplit(settings.database_url).query).get("options", [])
        connect_args["options"] = " ".join([*given, *options])
    return {
        "pool_size": connections,
        "max_overflow": 0,
        "pool_timeout": limits.pool_seconds,
        # Errors are logged, but not the parameters of statements: names, cells and hashes.
        "hide_parameters": True,
        "connect_args": connect_args,
    }


def _silence_settings(silence: int) -> dict[str, int]:
    """Return the session settings by which the database server notices that this machine has vanished.

    Keepalives detect an idle session, `tcp_user_timeout` one that is sending, and `client_connection_check_interval`
    one that executes a statement or waits for a lock.
    """
    return {
        "tcp_keepalives_idle": max(1, silence // 2),
        "tcp_keepalives_interval": max(1, silence // 6),
        "tcp_keepalives_count": 3,
        "tcp_user_timeout": silence * 1000,
        "client_connection_check_interval": max(1, silence // 6) * 1000,
    }
