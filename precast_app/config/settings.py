"""Every setting of the application, with its environment variable, default and effect."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace

from precast_app.config.environment import read_setting, setting, variable_of
from precast_app.config.redis_url import disable_certificate_verification
from precast_app.config.session_limits import SessionLimits
from precast_app.config.smtp import parse_smtp_url
from precast_app.errors import ConfigurationError

MIB = 1024 * 1024
# How long workers and commands wait for a connection of their pool, which only their own threads use.
_PATIENT_POOL_SECONDS = 30
_MIN_KEY_LENGTH = 32
LOG_FORMATS = TEXT_LOG, JSON_LOG = "text", "json"
_KEY_HINT = 'Make one with `python -c "import secrets; print(secrets.token_urlsafe(48))"`. '


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one process, each read from the environment variable with its name in capitals.

    Times are in seconds and sizes in bytes unless the name says otherwise.
    """

    # Services that every process needs.
    database_url: str = setting("", "address of the PostgreSQL database, `postgresql://user:password@host:port/name`")
    redis_url: str = setting(
        "", "address of Redis, `redis://…` or `rediss://…`; it holds job ids and the counts of rate limits"
    )
    redis_verify_certificate: bool = setting(
        True,
        "whether the certificate of a `rediss://` server is checked; must be `false` for Heroku's, "
        "which is self-signed",
    )
    secret_key: str = setting(
        "",
        "key that signs session cookies: at least 32 random characters, secret, and the same in every process",
    )

    # Uploaded files.
    max_upload_bytes: int = setting(
        50 * MIB,
        "maximum size of an upload; a larger one gets 413",
        deprecated_variable="UPLOAD_BYTES",
    )
    upload_chunk_bytes: int = setting(MIB, "size of the chunks in which uploads are stored in the database")
    max_unpacked_bytes: int = setting(
        1024 * MIB,
        "maximum total size of a workbook's unpacked parts",
        deprecated_variable="UNPACKED_BYTES",
    )
    max_sheet_rows: int = setting(200_000, "maximum number of rows in a sheet", deprecated_variable="SHEET_ROWS")
    max_sheet_columns: int = setting(2_000, "maximum number of columns in a sheet", deprecated_variable="SHEET_COLUMNS")
    parse_seconds: float = setting(
        20.0, "maximum time to read a file during a request; a file that takes longer is rejected"
    )
    parse_memory_bytes: int = setting(
        512 * MIB, "maximum memory of the child process that reads a file during a request"
    )
    parse_processes: int = setting(2, "number of files that one web process can read at the same time")
    parse_wait_seconds: float = setting(
        5.0, "maximum time that a request waits until its file can be read; then it gets 503"
    )
    pieces_per_cell: int = setting(
        10_000,
        "maximum number of pieces of one element type at one node; values above 100000 have no effect",
    )
    pieces_per_file: int = setting(1_000_000, "maximum number of pieces that one file can add")
    pieces_per_project: int = setting(5_000_000, "maximum number of pieces in one project")
    max_stored_issues: int = setting(
        10_000,
        "maximum number of issues that are stored for one job; further ones are only counted",
        deprecated_variable="ISSUES_KEPT",
    )

    # Web processes.
    web_threads: int = setting(8, "number of requests that one web process handles at the same time")
    web_uploads: int = setting(
        24,
        "number of uploads that one web process receives at the same time; half of them can be one user's",
    )
    web_clients: int = setting(250, "maximum number of open client connections of one web process")
    web_clients_per_address: int = setting(
        100,
        "maximum number of them from one IP address; has no effect if `TRUSTED_PROXIES` is set",
    )
    request_seconds: int = setting(
        10,
        "maximum time to receive the headers of a request, and again for a body that is not an upload",
    )
    request_bytes: int = setting(MIB, "maximum size of a request body that is not an upload; a larger one gets 413")
    web_silence_seconds: int = setting(
        20,
        "how long a client can pause during an upload or a response; then it is disconnected",
    )
    web_bytes_per_second: int = setting(
        4_096,
        "minimum average rate of an upload or response; a slower client is disconnected",
    )
    web_connections: int = setting(4, "maximum number of database connections of one web process")
    web_exports: int = setting(
        2,
        "number of exports that one web process creates at the same time; each uses a database connection",
    )

    # Jobs and workers.
    queue_name: str = setting("imports", "name of the RQ queue that web processes and workers share")
    worker_processes: int = setting(1, "number of jobs that one `worker.py` runs at the same time")
    job_connections: int = setting(8, "maximum number of database connections of one job; its batches share them")
    job_timeout_seconds: int = setting(
        3_600, "maximum running time of a job; then it fails", deprecated_variable="JOB_SECONDS"
    )
    job_memory_bytes: int = setting(
        1024 * MIB,
        "maximum memory of a job's process and of the one that reads its file; if one needs more, the job fails",
        deprecated_variable="JOB_BYTES",
    )
    lease_seconds: int = setting(30, "how long a job stays reserved for a worker that no longer responds")
    reaper_interval_seconds: float = setting(
        5.0, "time between two searches for lost jobs", deprecated_variable="WATCH_SECONDS"
    )
    progress_interval_seconds: float = setting(
        1.0,
        "minimum time between two updates of a job's progress",
        deprecated_variable="PROGRESS_SECONDS",
    )
    max_attempts: int = setting(
        3,
        "number of times that a job is started, after crashes of its worker too, before it fails for good",
        deprecated_variable="ATTEMPTS",
    )
    max_open_jobs: int = setting(
        100,
        "maximum number of pending and processing jobs in one project",
        deprecated_variable="WAITING_JOBS",
    )
    max_stored_rejected_rows: int = setting(
        5_000, "maximum number of rejected rows that are stored for one job, to correct them in the browser"
    )
    max_import_profiles: int = setting(
        200, "maximum number of import profiles of one project, and of those of the whole installation"
    )
    file_wait_seconds: int = setting(
        86_400,
        "how long a job waits for its file, or for a mapping of its columns, before it fails",
        deprecated_variable="FEED_SECONDS",
    )
    file_retention_days: int = setting(
        30,
        "number of days for which the file of a finished job is kept",
        deprecated_variable="FILE_DAYS",
    )
    issue_retention_days: int = setting(
        365,
        "number of days for which the issues of a finished job are kept",
        deprecated_variable="ISSUE_DAYS",
    )

    max_labels: int = setting(20_000, "maximum number of labels of pieces that one job makes")
    label_font: str = setting(
        "Vera.ttf",
        "path of the TrueType font of labels; the default one, which is part of ReportLab, has letters of western "
        "European languages only",
    )

    # Webhooks and e-mail.
    public_url: str = setting(
        "none",
        "address of the pages as users open them, such as `https://precast.example`, for links in webhooks and "
        "e-mails; `none` leaves them out",
    )
    smtp_url: str = setting(
        "none",
        "mail server, `smtps://user:password@mail.example` or `smtp://mail.example:587`, which is encrypted if the "
        "server offers it; `none` sends no e-mail",
    )
    email_from: str = setting("none", "sender of e-mails, such as `Precast <precast@example.com>`")
    webhook_allowed_networks: str = setting(
        "none",
        "networks that webhooks can reach although they are private, separated by commas, such as "
        "`10.20.0.0/16,192.168.7.5`; `none` allows public addresses only",
    )
    max_webhooks: int = setting(20, "maximum number of webhooks of one project")
    delivery_interval_seconds: float = setting(2.0, "time between two searches for messages to deliver")
    delivery_timeout_seconds: float = setting(15.0, "maximum time of one attempt to deliver a message")
    delivery_retry_seconds: float = setting(
        10.0, "time after which a failed delivery is tried again; it doubles each time, up to three hours"
    )
    delivery_retry_hours: int = setting(24, "number of hours after which a message that can't be delivered is given up")
    message_retention_days: int = setting(
        30, "number of days for which delivered messages, and those that were given up, are kept"
    )

    log_format: str = setting(TEXT_LOG, "format of the logs of web server and worker: `text` or `json`")
    sentry_dsn: str = setting(
        "none",
        "address (DSN) of a Sentry project that gets the errors; needs the extra `sentry`; `none` reports nothing",
    )

    # Time limits for the database and Redis.
    database_session_settings: bool = setting(
        True,
        "whether connections set the time limits below in PostgreSQL; must be `false` behind PgBouncer "
        "(see docs/operating.md)",
    )
    database_silence_seconds: int = setting(
        30,
        "how long the application and PostgreSQL keep a connection if the machine at its other end doesn't respond",
    )
    web_pool_seconds: int = setting(5, "maximum time that a request waits for a database connection; then it gets 503")
    web_statement_seconds: int = setting(20, "maximum time of an SQL statement of a request; then it gets 503")
    web_lock_seconds: int = setting(5, "maximum time that a request waits for a lock in the database; then it gets 503")
    web_idle_transaction_seconds: int = setting(15, "maximum time that a request can leave a transaction idle")
    job_lock_seconds: int = setting(60, "maximum time that a job or a command waits for a lock in the database")
    job_idle_transaction_seconds: int = setting(300, "maximum time that a job can leave a transaction idle")
    migration_lock_seconds: int = setting(5, "maximum time that `flask db upgrade` waits for a table that is in use")
    redis_timeout_seconds: float = setting(2.0, "maximum time to wait for a connection to Redis or for its response")
    health_timeout_seconds: float = setting(1.5, "maximum time of each check of `/readyz`; then the check has failed")

    # Users.
    requests_per_minute: int = setting(
        1_200,
        "maximum number of requests a minute from one user, or from one IP address without a user",
    )
    uploads_per_minute: int = setting(60, "maximum number of uploads a minute from one user")
    token_lifetime_days: int = setting(
        365,
        "number of days for which a new API token is valid, unless its creator chooses another number",
        deprecated_variable="TOKEN_DAYS",
    )
    session_lifetime_hours: int = setting(
        12,
        "number of hours after which a user of the pages must sign in again",
        deprecated_variable="SESSION_HOURS",
    )
    session_idle_minutes: int = setting(120, "number of minutes without a request after which a session ends")
    cookie_secure: bool = setting(False, "whether browsers send the session cookie over https only")
    cors_origins: str = setting(
        "none",
        "origins whose pages may call the API with a token, separated by commas, such as "
        "`https://plan.example,https://yard.example`; `none` allows no other origin",
    )
    trusted_proxies: int = setting(
        0,
        "number of reverse proxies in front of the web server whose `X-Forwarded-…` headers are trusted",
        deprecated_variable="PROXIES",
    )

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Settings:
        """Read the settings; raise `ConfigurationError` with the name of a variable that is missing or malformed."""
        source = os.environ if environment is None else environment
        settings = cls(**{declared.name: read_setting(source, declared) for declared in fields(cls)})
        for declared in fields(cls):
            if declared.default == "" and not getattr(settings, declared.name):
                raise ConfigurationError(
                    f"Set {variable_of(declared)}: {declared.metadata['effect']}. "
                    + (_KEY_HINT if declared.name == "secret_key" else "`.env.example` shows an example. ")
                    + "`make run` sets all of them by itself."
                )
        if len(settings.secret_key) < _MIN_KEY_LENGTH or len(set(settings.secret_key)) < 8:
            raise ConfigurationError(
                f"SECRET_KEY is too easy to guess. Use at least {_MIN_KEY_LENGTH} random characters. {_KEY_HINT}"
            )
        if settings.log_format not in LOG_FORMATS:
            raise ConfigurationError(f"LOG_FORMAT must be {' or '.join(LOG_FORMATS)}, not {settings.log_format!r}.")
        settings._check_email()
        if not settings.redis_verify_certificate:
            return replace(settings, redis_url=disable_certificate_verification(settings.redis_url))
        return settings

    @property
    def sends_email(self) -> bool:
        """Return whether e-mails are sent."""
        return self.smtp_url != "none"

    def _check_email(self) -> None:
        if not self.sends_email:
            return
        parse_smtp_url(self.smtp_url)
        for variable, value in (("EMAIL_FROM", self.email_from), ("PUBLIC_URL", self.public_url)):
            if value == "none":
                raise ConfigurationError(f"Set {variable}, which e-mails need, or leave SMTP_URL away.")

    @property
    def web_limits(self) -> SessionLimits:
        """Return the limits of a web process's database sessions."""
        return SessionLimits(
            self.web_pool_seconds,
            self.web_statement_seconds,
            self.web_lock_seconds,
            self.web_idle_transaction_seconds,
            parallel_queries=False,
        )

    @property
    def job_limits(self) -> SessionLimits:
        """Return the limits of a worker's database sessions; a statement may take as long as its job."""
        return SessionLimits(
            _PATIENT_POOL_SECONDS, self.job_timeout_seconds, self.job_lock_seconds, self.job_idle_transaction_seconds
        )

    @property
    def command_limits(self) -> SessionLimits:
        """Return the limits of a `flask` command: statements have none, because a person can stop the command."""
        return SessionLimits(_PATIENT_POOL_SECONDS, 0, self.job_lock_seconds, 0)
