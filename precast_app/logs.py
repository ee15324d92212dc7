"""One format for the logs of all processes, text or JSON, with the request, the user and the job of each line."""

from __future__ import annotations

import logging
import logging.config
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

from flask import has_request_context, request
from pythonjsonlogger.core import RESERVED_ATTRS

from precast_app.config import JSON_LOG, TEXT_LOG

# Keys in a request's environment, which outlives the request's context until the response has been sent.
REQUEST_ID_KEY, USER_KEY = "precast.request_id", "precast.user_id"
# gunicorn's log of requests; `ContextFilter` adds the ids of request and user.
ACCESS_LOG_FORMAT = '%(h)s "%(r)s" %(s)s %(b)s bytes %(M)s ms, "%(a)s"'

# A job's process runs one job, in many threads.
_running_job: int | None = None


class ContextFilter(logging.Filter):
    """Adds `request_id`, `user_id` and `job_id` to a record, or None, and `context`, all of them as text."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Add the fields; every record passes."""
        found = current_context()
        if record.name == "gunicorn.access" and isinstance(record.args, Mapping):
            # The request's context has ended. gunicorn's values include the request's environment.
            found["request_id"] = record.args.get(f"{{{REQUEST_ID_KEY}}}e")
            found["user_id"] = record.args.get(f"{{{USER_KEY}}}e")
        # A line about another job than the running one says so; RQ's lines have the id of the RQ job there, a text.
        given = record.__dict__.get("job_id")
        if isinstance(given, int):
            found["job_id"] = given
        record.request_id, record.user_id, record.job_id = found.values()
        words = ", ".join(f"{name.removesuffix('_id')} {value}" for name, value in found.items() if value is not None)
        record.context = f" [{words}]" if words else ""
        return True


def current_context() -> dict[str, Any]:
    """Return the `request_id`, `user_id` and `job_id` that the current thread works for, each None if there is none."""
    environ = request.environ if has_request_context() else {}
    return {
        "request_id": environ.get(REQUEST_ID_KEY), "user_id": environ.get(USER_KEY), "job_id": _running_job,
    }  # fmt: skip


def dict_config(log_format: str) -> dict[str, Any]:
    """Return the configuration of `logging` in web server and worker; the format is one of `config.LOG_FORMATS`."""
    to_root = {"level": "INFO", "handlers": [], "propagate": True}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"context": {"()": ContextFilter}},
        "formatters": {"line": _FORMATTERS[log_format]},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["context"]}},
        "root": {"level": "INFO", "handlers": ["stderr"]},
        "loggers": {"gunicorn.error": to_root, "gunicorn.access": to_root},
    }


def configure(log_format: str) -> None:
    """Configure the logging of this process."""
    logging.config.dictConfig(dict_config(log_format))


def new_request_id() -> str:
    """Return an id for a request."""
    return uuid4().hex[:12]


@contextmanager
def job(job_id: int) -> Iterator[None]:
    """Name the job in all lines that this process logs meanwhile."""
    before = _running_job
    set_job(job_id)
    try:
        yield
    finally:
        set_job(before)


def set_job(job_id: int | None) -> None:
    """Name the job in all lines that this process logs from now on, or no job."""
    global _running_job
    _running_job = job_id


_FORMATTERS: dict[str, dict[str, Any]] = {
    TEXT_LOG: {"format": "%(asctime)s %(levelname)s %(name)s%(context)s: %(message)s"},
    JSON_LOG: {
        "()": "pythonjsonlogger.json.JsonFormatter",
        "fmt": "%(levelname)s %(name)s %(message)s %(request_id)s %(user_id)s %(job_id)s",
        "rename_fields": {"levelname": "level", "name": "logger", "exc_info": "traceback"},
        "reserved_attrs": [*RESERVED_ATTRS, "context"],
        "timestamp": "time",
        "json_ensure_ascii": False,
    },
}
