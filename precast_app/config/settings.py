"""Every setting of the application, read from the environment: its unit and its effect.

A setting is named here once; `Settings.from_environment` turns the environment into a frozen value and says which
variable is wrong and what it should look like. Flask's own keys follow from it in `Settings.flask`.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any
from urllib.parse import parse_qs, urlsplit

from precast_app.errors import ConfigurationError

log = logging.getLogger(__name__)

MIB = 1024 * 1024
# How long workers and commands wait for a connection of their pool: its other users are their own threads.
_PATIENT_POOL_SECONDS = 30
_MIN_KEY_LENGTH = 32
_KEY_HINT = 'Make one with `python -c "import secrets; print(secrets.token_urlsafe(48))"`. '


def _setting(variable: str, default: Any, effect: str, *, deprecated_variable: str = "") -> Any:
    """Declare a setting; its `deprecated_variable` is still read, with a warning, until the next release."""
    metadata = {"variable": variable, "effect": effect, "deprecated_variable": deprecated_variable}
    return field(default=default, metadata=metadata)


@dataclass(frozen=True, slots=True)
class SessionLimits:
    """How long the database sessions of one kind of process may take, in seconds; 0 is no limit.

    `pool_seconds` is the wait for a connection of the process's own pool; the others hold in PostgreSQL.
    """

    pool_seconds: int
    statement_seconds: int
    lock_seconds: int
    idle_transaction_seconds: int

    def session_settings(self) -> dict[str, int]:
        """Return them as settings of a PostgreSQL session, in milliseconds."""
        return {
            "statement_timeout": self.statement_seconds * 1000,
            "lock_timeout": self.lock_seconds * 1000,
            "idle_in_transaction_session_timeout": self.idle_transaction_seconds * 1000,
        }


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one process. Times in seconds, sizes in bytes unless the field says otherwise."""

    database_url: str = _setting("DATABASE_URL", "", "PostgreSQL, `postgresql://user:password@host:port/name`")
    redis_url: str = _setting("REDIS_URL", "", "Redis, `redis://…` or `rediss://…`; only ids of jobs go there")
    secret_key: str = _setting("SECRET_KEY", "", "signs the session cookie; long, random, the same in every process")

    max_upload_bytes: int = _setting(
        "MAX_UPLOAD_BYTES",
        50 * MIB,
        "largest upload; a larger one is answered with 413",
        deprecated_variable="UPLOAD_BYTES",
    )
    upload_chunk_bytes: int = _setting("UPLOAD_CHUNK_BYTES", MIB, "size of the pieces in which uploads are stored")
    max_unpacked_bytes: int = _setting(
        "MAX_UNPACKED_BYTES",
        1024 * MIB,
        "largest total that a workbook may unpack to",
        deprecated_variable="UNPACKED_BYTES",
    )
    max_sheet_rows: int = _setting("MAX_SHEET_ROWS", 200_000, "most rows in a sheet", deprecated_variable="SHEET_ROWS")
    max_sheet_columns: int = _setting(
        "MAX_SHEET_COLUMNS", 2_000, "most columns in a sheet", deprecated_variable="SHEET_COLUMNS"
    )
    parse_seconds: float = _setting(
        "PARSE_SECONDS", 20.0, "longest time that a web process reads one file; a file that needs longer is refused"
    )
    parse_memory_bytes: int = _setting(
        "PARSE_MEMORY_BYTES", 512 * MIB, "most memory that reading one file takes in a child of a web process"
    )
    parse_processes: int = _setting("PARSE_PROCESSES", 2, "files that one web process reads at once")
    parse_wait_seconds: float = _setting(
        "PARSE_WAIT_SECONDS", 5.0, "how long a request waits for its file to be read before it is answered with 503"
    )
    pieces_per_cell: int = _setting(
        "PIECES_PER_CELL", 10_000, "most pieces of one element type at one node; 100000 can't be exceeded"
    )
    pieces_per_file: int = _setting("PIECES_PER_FILE", 1_000_000, "most pieces that one file may add")
    pieces_per_project: int = _setting("PIECES_PER_PROJECT", 5_000_000, "most pieces of one project")
    max_stored_issues: int = _setting(
        "MAX_STORED_ISSUES",
        10_000,
        "issues stored for one job; beyond that they are only counted",
        deprecated_variable="ISSUES_KEPT",
    )

    queue_name: str = _setting("QUEUE_NAME", "imports", "the RQ queue that web and worker share")
    worker_processes: int = _setting("WORKER_PROCESSES", 1, "jobs that one worker.py works on at a time")
    job_connections: int = _setting(
        "JOB_CONNECTIONS", 8, "most database connections of one job; its batches share them"
    )
    web_threads: int = _setting("WEB_THREADS", 8, "requests that one web process works on at once")
    web_uploads: int = _setting(
        "WEB_UPLOADS", 24, "uploads that one web process receives at once; half of them may be one user's"
    )
    web_clients: int = _setting("WEB_CLIENTS", 250, "most connections of clients to one web process")
    web_clients_per_address: int = _setting(
        "WEB_CLIENTS_PER_ADDRESS", 100, "most of them from one address; with `TRUSTED_PROXIES` there is no such bound"
    )
    request_seconds: int = _setting(
        "REQUEST_SECONDS", 10, "longest wait for the head of a request, and again for a body that is no upload"
    )
    request_bytes: int = _setting(
        "REQUEST_BYTES", MIB, "largest body that is no upload; a larger one is answered with 413"
    )
    web_silence_seconds: int = _setting(
        "WEB_SILENCE_SECONDS", 20, "how long a client may stop in the middle of an upload or of an answer"
    )
    web_bytes_per_second: int = _setting(
        "WEB_BYTES_PER_SECOND", 4_096, "lowest average rate of an upload or an answer; a slower one is cut off"
    )
    web_connections: int = _setting("WEB_CONNECTIONS", 4, "most database connections of one web process")
    web_exports: int = _setting(
        "WEB_EXPORTS", 2, "exports that one web process makes at once; each keeps a database connection meanwhile"
    )
    job_timeout_seconds: int = _setting(
        "JOB_TIMEOUT_SECONDS", 3_600, "longest run of one job before RQ ends it", deprecated_variable="JOB_SECONDS"
    )
    job_memory_bytes: int = _setting(
        "JOB_MEMORY_BYTES",
        1024 * MIB,
        "most memory of one job; a file that needs more fails its job",
        deprecated_variable="JOB_BYTES",
    )
    lease_seconds: int = _setting("LEASE_SECONDS", 30, "how long a job belongs to a worker that has gone silent")
    reaper_interval_seconds: float = _setting(
        "REAPER_INTERVAL_SECONDS",
        5.0,
        "how often the reaper looks for lost jobs",
        deprecated_variable="WATCH_SECONDS",
    )
    progress_interval_seconds: float = _setting(
        "PROGRESS_INTERVAL_SECONDS",
        1.0,
        "shortest time between two writes of a job's progress",
        deprecated_variable="PROGRESS_SECONDS",
    )
    max_attempts: int = _setting(
        "MAX_ATTEMPTS",
        3,
        "runs of one job, crashes included, before it is given up as failed",
        deprecated_variable="ATTEMPTS",
    )
    file_wait_seconds: int = _setting(
        "FILE_WAIT_SECONDS",
        86_400,
        "how long a job waits for its file before it fails",
        deprecated_variable="FEED_SECONDS",
    )
    file_retention_days: int = _setting(
        "FILE_RETENTION_DAYS", 30, "how long the file of an ended job is kept, in days", deprecated_variable="FILE_DAYS"
    )
    issue_retention_days: int = _setting(
        "ISSUE_RETENTION_DAYS",
        365,
        "how long the issues of an ended job are kept, in days",
        deprecated_variable="ISSUE_DAYS",
    )

    database_session_settings: bool = _setting(
        "DATABASE_SESSION_SETTINGS",
        True,
        "send the time-outs below to PostgreSQL with each connection; false behind PgBouncer (docs/operating.md)",
    )
    database_silence_seconds: int = _setting(
        "DATABASE_SILENCE_SECONDS", 30, "when either side gives up a connection whose other machine has vanished"
    )
    web_pool_seconds: int = _setting(
        "WEB_POOL_SECONDS", 5, "how long a request waits for a database connection before it is answered with 503"
    )
    web_statement_seconds: int = _setting(
        "WEB_STATEMENT_SECONDS", 20, "longest SQL statement of a request before it is answered with 503"
    )
    web_lock_seconds: int = _setting("WEB_LOCK_SECONDS", 5, "longest wait of a request for a lock in the database")
    web_idle_transaction_seconds: int = _setting(
        "WEB_IDLE_TRANSACTION_SECONDS", 15, "when PostgreSQL ends a transaction in which a request does nothing"
    )
    job_lock_seconds: int = _setting("JOB_LOCK_SECONDS", 60, "longest wait of a job for a lock in the database")
    job_idle_transaction_seconds: int = _setting(
        "JOB_IDLE_TRANSACTION_SECONDS", 300, "when PostgreSQL ends a transaction in which a job does nothing"
    )
    migration_lock_seconds: int = _setting(
        "MIGRATION_LOCK_SECONDS", 5, "longest wait of `flask db upgrade` for a table that is in use"
    )
    redis_timeout_seconds: float = _setting("REDIS_TIMEOUT_SECONDS", 2.0, "longest wait for an answer of Redis")
    health_timeout_seconds: float = _setting(
        "HEALTH_TIMEOUT_SECONDS", 1.5, "when a check of /readyz that has no answer has failed"
    )

    requests_per_minute: int = _setting("REQUESTS_PER_MINUTE", 1_200, "most requests of one user or strange address")
    uploads_per_minute: int = _setting("UPLOADS_PER_MINUTE", 60, "most uploads of one user")
    max_open_jobs: int = _setting(
        "MAX_OPEN_JOBS", 100, "most jobs of one project that wait or are under way", deprecated_variable="WAITING_JOBS"
    )

    token_lifetime_days: int = _setting(
        "TOKEN_LIFETIME_DAYS", 365, "life of a new API token, in days", deprecated_variable="TOKEN_DAYS"
    )
    session_lifetime_hours: int = _setting(
        "SESSION_LIFETIME_HOURS",
        12,
        "longest life of a session in the browser, in hours",
        deprecated_variable="SESSION_HOURS",
    )
    session_idle_minutes: int = _setting(
        "SESSION_IDLE_MINUTES", 120, "how long a session lasts that nobody uses, in minutes"
    )
    cookie_secure: bool = _setting("COOKIE_SECURE", False, "send the session cookie over https only (true/false)")
    trusted_proxies: int = _setting(
        "TRUSTED_PROXIES",
        0,
        "reverse proxies in front whose X-Forwarded headers are believed",
        deprecated_variable="PROXIES",
    )

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Settings:
        """Read the settings; a missing or malformed one raises `ConfigurationError` with its name."""
        source = os.environ if environment is None else environment
        values: dict[str, Any] = {}
        for setting in fields(cls):
            variable, text = _find_value(source, setting.metadata)
            if text:
                values[setting.name] = _parse(variable, text, type(setting.default))
        settings = cls(**values)
        for setting in fields(cls):
            if setting.default == "" and not getattr(settings, setting.name):
                raise ConfigurationError(
                    f"Set {setting.metadata['variable']}: {setting.metadata['effect']}. "
                    + (_KEY_HINT if setting.name == "secret_key" else "`.env.example` shows one. ")
                    + "`make run` sets all of them by itself."
                )
        if len(settings.secret_key) < _MIN_KEY_LENGTH or len(set(settings.secret_key)) < 8:
            raise ConfigurationError(
                f"SECRET_KEY is too easy to guess; it takes at least {_MIN_KEY_LENGTH} random characters. {_KEY_HINT}"
            )
        return settings

    @property
    def web_limits(self) -> SessionLimits:
        """Return the limits of a web process's sessions."""
        return SessionLimits(
            self.web_pool_seconds, self.web_statement_seconds, self.web_lock_seconds, self.web_idle_transaction_seconds
        )

    @property
    def job_limits(self) -> SessionLimits:
        """Return the limits of a worker's sessions; a statement may take as long as its job."""
        return SessionLimits(
            _PATIENT_POOL_SECONDS, self.job_timeout_seconds, self.job_lock_seconds, self.job_idle_transaction_seconds
        )

    @property
    def command_limits(self) -> SessionLimits:
        """Return the limits of a `flask` command: a person waits for it and can stop it."""
        return SessionLimits(_PATIENT_POOL_SECONDS, 0, self.job_lock_seconds, 0)

    def engine_options(self, connections: int, limits: SessionLimits) -> dict[str, Any]:
        """Return the options of the SQLAlchemy engine."""
        silence = self.database_silence_seconds
        connect_args: dict[str, Any] = {
            "connect_timeout": max(2, min(limits.pool_seconds, 10)),
            # Without them, a server's machine that vanished would be noticed after hours.
            "keepalives_idle": max(1, silence // 2),
            "keepalives_interval": max(1, silence // 6),
            "keepalives_count": 3,
            "tcp_user_timeout": silence * 1000,
        }
        if self.database_session_settings:
            wanted = {**self._silence_settings(), **limits.session_settings()}
            options = [f"-c {name}={value}" for name, value in wanted.items()]
            # What the address itself sets goes first; ours are added to it.
            given = parse_qs(urlsplit(self.database_url).query).get("options", [])
            connect_args["options"] = " ".join([*given, *options])
        return {
            "pool_size": connections,
            "max_overflow": 0,
            "pool_pre_ping": True,
            "pool_timeout": limits.pool_seconds,
            # Errors go to the log; what the statements were about (names, cells, hashes) doesn't.
            "hide_parameters": True,
            "connect_args": connect_args,
        }

    def _silence_settings(self) -> dict[str, int]:
        """Return the session settings by which the server notices that this machine has vanished.

        An idle session is found by keepalives, one that sends by `tcp_user_timeout`, one that executes a statement or
        waits for a lock by `client_connection_check_interval`.
        """
        silence = self.database_silence_seconds
        return {
            "tcp_keepalives_idle": max(1, silence // 2),
            "tcp_keepalives_interval": max(1, silence // 6),
            "tcp_keepalives_count": 3,
            "tcp_user_timeout": silence * 1000,
            "client_connection_check_interval": max(1, silence // 6) * 1000,
        }

    @property
    def flask_config(self) -> dict[str, Any]:
        """The same settings under the keys that Flask and its extensions read."""
        return {
            "PRECAST": self,
            "SECRET_KEY": self.secret_key,
            "SQLALCHEMY_DATABASE_URI": database_uri(self.database_url),
            # A multipart body is a little longer than the file in it; the file itself is held to `max_upload_bytes`.
            "MAX_CONTENT_LENGTH": self.max_upload_bytes + 64 * 1024,
            # Browsers send a cookie of this name to this host alone, and take it over https only.
            "SESSION_COOKIE_NAME": "__Host-precast_session" if self.cookie_secure else "precast_session",
            "SESSION_COOKIE_HTTPONLY": True,
            "SESSION_COOKIE_SAMESITE": "Lax",
            "SESSION_COOKIE_SECURE": self.cookie_secure,
            "PERMANENT_SESSION_LIFETIME": self.session_lifetime_hours * 3600,
            # A session ends when it was to end from the beginning, so that the cookie is sent once. With each answer, a
            # late one would bring back the cookie of a session that has been ended.
            "SESSION_REFRESH_EACH_REQUEST": False,
            "API_TITLE": "Precast Management System",
            "API_VERSION": "v1",
            "OPENAPI_VERSION": "3.0.3",
            "API_SPEC_OPTIONS": {
                "components": {"securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
                "security": [{"token": []}],
            },
            "OPENAPI_URL_PREFIX": "/api",
            "OPENAPI_JSON_PATH": "openapi.json",
        }


# The contract's numbers for imports: default, least and most (JOB_SYSTEM.md, API.md).
BATCH_SIZE, MIN_BATCH_SIZE, MAX_BATCH_SIZE = 30, 1, 500
CONCURRENT_BATCHES, MIN_CONCURRENT_BATCHES, MAX_CONCURRENT_BATCHES = 15, 1, 32


def database_uri(url: str) -> str:
    """Name psycopg2 as the driver: `postgres://` and `postgresql://` would choose another one or be refused."""
    scheme, separator, rest = url.partition("://")
    if not separator or scheme.partition("+")[0] not in ("postgres", "postgresql"):
        raise ConfigurationError(
            "DATABASE_URL must name a PostgreSQL database, for example postgresql://user:password@localhost/precast."
        )
    return f"postgresql+psycopg2://{rest}"


def libpq_url(url: str) -> str:
    """Return a database's address as libpq reads it: without the driver that `database_uri` adds."""
    return database_uri(url).replace("+psycopg2", "", 1)


def _find_value(environment: Mapping[str, str], metadata: Mapping[str, str]) -> tuple[str, str]:
    """Return the variable that a setting is read from and its text, which is empty if the setting is not set."""
    variable, deprecated = metadata["variable"], metadata["deprecated_variable"]
    text = environment.get(variable, "").strip()
    deprecated_text = environment.get(deprecated, "").strip() if deprecated else ""
    if text or not deprecated_text:
        return variable, text
    log.warning("%s is deprecated and will be ignored by the next release; set %s instead.", deprecated, variable)
    return deprecated, deprecated_text


def _parse(variable: str, text: str, kind: type) -> Any:
    if kind is str:
        return text
    if kind is bool:
        if text.lower() in ("true", "yes", "1", "on"):
            return True
        if text.lower() in ("false", "no", "0", "off"):
            return False
        raise ConfigurationError(f"{variable} must be true or false, not {text!r}.")
    try:
        value = kind(text)
    except ValueError:
        raise ConfigurationError(f"{variable} must be a number, not {text!r}.") from None
    if value < 0 or (value == 0 and variable not in ("TRUSTED_PROXIES", "PROXIES")):
        raise ConfigurationError(f"{variable} must be more than 0, not {text!r}.")
    return value
