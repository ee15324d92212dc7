"""Reading of uploaded files in child processes with limited memory and time, to protect the web process."""

from precast_app.parsing.service import (
    RESOURCE_LIMIT_CODES,
    ParsingService,
    RowCount,
    StoredProfile,
    get_service,
    init_app,
    spreadsheet_limits,
    start_fork_server,
)

__all__ = [
    "RESOURCE_LIMIT_CODES",
    "ParsingService",
    "RowCount",
    "StoredProfile",
    "get_service",
    "init_app",
    "spreadsheet_limits",
    "start_fork_server",
]
