"""Every setting of the application, read from the environment: its unit and its effect.

A setting is named here once; `Settings.from_environment` turns the environment into a frozen value and says which
variable is wrong and what it should look like. Flask's own keys follow from it in `Settings.flask`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from precast_app.errors import ConfigurationError

MIB = 1024 * 1024
_SHORTEST_KEY = 32
_MAKE_KEY = 'Make one with `python -c "import secrets; print(secrets.token_urlsafe(48))"`. '


def _setting(variable: str, default: Any, effect: str) -> Any:
    return field(default=default, metadata={"variable": variable, "effect": effect})


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one process. Times in seconds, sizes in bytes unless the field says otherwise."""

    database_url: str = _setting("DATABASE_URL", "", "PostgreSQL, `postgresql://user:password@host:port/name`")
    redis_url: str = _setting("REDIS_URL", "", "Redis, `redis://…` or `rediss://…`; only ids of jobs go there")
    secret_key: str = _setting("SECRET_KEY", "", "signs the session cookie; long, random, the same in every process")

    upload_bytes: int = _setting("UPLOAD_BYTES", 50 * MIB, "largest upload; a larger one is answered with 413")
    upload_chunk_bytes: int = _setting("UPLOAD_CHUNK_BYTES", MIB, "size of the pieces in which uploads are stored")
    unpacked_bytes: int = _setting("UNPACKED_BYTES", 1024 * MIB, "largest total that a workbook may unpack to")
    sheet_rows: int = _setting("SHEET_ROWS", 200_000, "most rows in a sheet")
    sheet_columns: int = _setting("SHEET_COLUMNS", 2_000, "most columns in a sheet")
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
    issues_kept: int = _setting("ISSUES_KEPT", 10_000, "issues stored for one job; beyond that they are only counted")

    queue_name: str = _setting("QUEUE_NAME", "imports", "the RQ queue that web and worker share")
    worker_processes: int = _setting("WORKER_PROCESSES", 1, "jobs that one worker.py works on at a time")
    job_connections: int = _setting(
        "JOB_CONNECTIONS", 9, "most database connections of one job; its batches share them"
    )
    web_threads: int = _setting("WEB_THREADS", 8, "requests that one web process answers at once; half may have bodies")
    web_connections: int = _setting("WEB_CONNECTIONS", 4, "most database connections of one web process")
    job_seconds: int = _setting("JOB_SECONDS", 3_600, "longest run of one job before RQ ends it")
    job_bytes: int = _setting("JOB_BYTES", 1024 * MIB, "most memory of one job; a file that needs more fails its job")
    lease_seconds: int = _setting("LEASE_SECONDS", 30, "how long a job belongs to a worker that has gone silent")
    watch_seconds: float = _setting("WATCH_SECONDS", 5.0, "how often the watchman looks for lost jobs")
    progress_seconds: float = _setting("PROGRESS_SECONDS", 1.0, "shortest time between two writes of a job's progress")
    attempts: int = _setting("ATTEMPTS", 3, "runs of one job, crashes included, before it is given up as failed")
    feed_seconds: int = _setting("FEED_SECONDS", 86_400, "how long a job waits for its file before it fails")
    file_days: int = _setting("FILE_DAYS", 30, "how long the file of an ended job is kept, in days")
    issue_days: int = _setting("ISSUE_DAYS", 365, "how long the issues of an ended job are kept, in days")

    requests_per_minute: int = _setting("REQUESTS_PER_MINUTE", 1_200, "most requests of one user or strange address")
    uploads_per_minute: int = _setting("UPLOADS_PER_MINUTE", 60, "most uploads of one user")
    waiting_jobs: int = _setting("WAITING_JOBS", 100, "most jobs of one project that wait or are under way")

    token_days: int = _setting("TOKEN_DAYS", 365, "life of a new API token, in days")
    session_hours: int = _setting("SESSION_HOURS", 12, "longest life of a session in the browser, in hours")
    session_idle_minutes: int = _setting(
        "SESSION_IDLE_MINUTES", 120, "how long a session lasts that nobody uses, in minutes"
    )
    cookie_secure: bool = _setting("COOKIE_SECURE", False, "send the session cookie over https only (true/false)")
    proxies: int = _setting("PROXIES", 0, "reverse proxies in front whose X-Forwarded headers are believed")

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Settings:
        """Read the settings; a missing or malformed one raises `ConfigurationError` with its name."""
        source = os.environ if environment is None else environment
        values: dict[str, Any] = {}
        for setting in fields(cls):
            text = source.get(setting.metadata["variable"], "").strip()
            if text:
                values[setting.name] = _parse(setting.metadata["variable"], text, type(setting.default))
        settings = cls(**values)
        for setting in fields(cls):
            if setting.default == "" and not getattr(settings, setting.name):
                raise ConfigurationError(
                    f"Set {setting.metadata['variable']}: {setting.metadata['effect']}. "
                    + (_MAKE_KEY if setting.name == "secret_key" else "`.env.example` shows one. ")
                    + "`make run` sets all of them by itself."
                )
        if len(settings.secret_key) < _SHORTEST_KEY or len(set(settings.secret_key)) < 8:
            raise ConfigurationError(
                f"SECRET_KEY is too easy to guess; it takes at least {_SHORTEST_KEY} random characters. {_MAKE_KEY}"
            )
        return settings

    def engine_options(self, connections: int) -> dict[str, Any]:
        """Options of the SQLAlchemy engine; who finds all connections in use waits for one."""
        return {
            "pool_size": connections,
            "max_overflow": 0,
            "pool_pre_ping": True,
            "pool_timeout": 30,
            # Errors go to the log; what the statements were about (names, cells, hashes) doesn't.
            "hide_parameters": True,
            # The other side's machine may vanish without a word: half a minute, not hours, until that is noticed.
            "connect_args": {"keepalives_idle": 15, "keepalives_interval": 5, "keepalives_count": 3},
        }

    @property
    def flask(self) -> dict[str, Any]:
        """The same settings under the keys that Flask and its extensions read."""
        return {
            "PRECAST": self,
            "SECRET_KEY": self.secret_key,
            "SQLALCHEMY_DATABASE_URI": database_uri(self.database_url),
            "SQLALCHEMY_ENGINE_OPTIONS": self.engine_options(self.web_connections),
            # A multipart body is a little longer than the file in it; the file itself is held to `upload_bytes`.
            "MAX_CONTENT_LENGTH": self.upload_bytes + 64 * 1024,
            # Browsers send a cookie of this name to this host alone, and take it over https only.
            "SESSION_COOKIE_NAME": "__Host-precast_session" if self.cookie_secure else "precast_session",
            "SESSION_COOKIE_HTTPONLY": True,
            "SESSION_COOKIE_SAMESITE": "Lax",
            "SESSION_COOKIE_SECURE": self.cookie_secure,
            "PERMANENT_SESSION_LIFETIME": self.session_hours * 3600,
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
    if value < 0 or (value == 0 and variable != "PROXIES"):
        raise ConfigurationError(f"{variable} must be more than 0, not {text!r}.")
    return value
