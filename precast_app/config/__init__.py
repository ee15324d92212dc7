"""The settings of the application, read from environment variables.

`settings` declares each setting once, with its default and its effect. `environment` parses the variables, and
`flask_config` and `engine_options` derive what Flask, its extensions and SQLAlchemy need.
"""

from precast_app.config.database_url import database_uri, libpq_url
from precast_app.config.import_limits import (
    BATCH_SIZE,
    CONCURRENT_BATCHES,
    MAX_BATCH_SIZE,
    MAX_CONCURRENT_BATCHES,
    MIN_BATCH_SIZE,
    MIN_CONCURRENT_BATCHES,
)
from precast_app.config.session_limits import SessionLimits
from precast_app.config.settings import JSON_LOG, LOG_FORMATS, MIB, TEXT_LOG, Settings

__all__ = [
    "BATCH_SIZE",
    "CONCURRENT_BATCHES",
    "JSON_LOG",
    "LOG_FORMATS",
    "MAX_BATCH_SIZE",
    "MAX_CONCURRENT_BATCHES",
    "MIB",
    "MIN_BATCH_SIZE",
    "MIN_CONCURRENT_BATCHES",
    "TEXT_LOG",
    "SessionLimits",
    "Settings",
    "database_uri",
    "libpq_url",
]
