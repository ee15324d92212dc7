"""Whether traces and errors are sent elsewhere. Their libraries are imported only if that is configured."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from importlib import import_module
from typing import Protocol

from flask import Flask

from precast_app.errors import ConfigurationError
from precast_app.extensions import settings_of

log = logging.getLogger(__name__)

# One of OpenTelemetry's own variables says where to send; its SDK reads all others.
_OTEL_ENDPOINTS = (
    "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
)  # fmt: skip
_OFF = "none"


class Tracer(Protocol):
    """What records spans: an operation with its beginning, its end and the operation that it belongs to."""

    def span(
        self, name: str, attributes: Mapping[str, str | int], parent: str | None
    ) -> AbstractContextManager[object]:
        """Return a span that covers the block; `parent` is a header `traceparent`, None for the current span."""
        ...

    def current(self) -> str | None:
        """Return the current span as a header `traceparent`; None if there is none."""
        ...


# A job's process runs one job, whose batches are in threads that do not inherit its span.
_job_span: str | None = None
tracer: Tracer | None = None
# Called when a job has ended, because its process exits at once.
flushers: list[Callable[[], None]] = []


def init_app(app: Flask) -> None:
    """Send errors to Sentry, and traces and metrics by OpenTelemetry, as far as this is configured.

    Raise `ConfigurationError` if Sentry is configured and its package is missing. OpenTelemetry's variables are often
    set for all programs of a machine, so its missing packages are logged only.
    """
    settings = settings_of(app)
    if settings.sentry_dsn != _OFF:
        try:
            reports = import_module("precast_app.telemetry.error_reports")
        except ModuleNotFoundError as error:
            raise ConfigurationError(
                f"SENTRY_DSN is set, but the package {error.name} is missing. Install precast-management[sentry]."
            ) from error
        reports.start(settings.sentry_dsn)
    if any(map(os.environ.get, _OTEL_ENDPOINTS)) and os.environ.get("OTEL_SDK_DISABLED", "").lower() != "true":
        try:
            tracing = import_module("precast_app.telemetry.tracing")
        except ModuleNotFoundError as error:
            log.warning("No traces are sent: %s is missing. Install precast-management[opentelemetry].", error.name)
        else:
            tracing.start(app)


def flush() -> None:
    """Send what has not been sent yet; wait for that a few seconds at most."""
    for each in flushers:
        each()


def current_span() -> str | None:
    """Return the current span as a header `traceparent`; None if there is none."""
    return None if tracer is None else tracer.current()


@contextmanager
def job_span(job_id: int, job_type: str, parent: str | None) -> Iterator[None]:
    """Record the block as the span of a job; `parent` is the span of the request that enqueued it."""
    global _job_span
    if tracer is None:
        yield
        return
    with tracer.span(f"job {job_type}", {"precast.job.id": job_id, "precast.job.type": job_type}, parent):
        _job_span = tracer.current()
        try:
            yield
        finally:
            _job_span = None


def batch_span(number: int) -> AbstractContextManager[object]:
    """Return a span that covers a batch of the job that this process runs."""
    if tracer is None:
        return nullcontext()
    return tracer.span("batch", {"precast.batch.number": number}, _job_span)
