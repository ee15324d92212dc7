"""Traces and metrics by OpenTelemetry. Imported only if they are to be sent somewhere."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from flask import Flask
from opentelemetry import context, metrics, propagate, trace
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.flask import FlaskInstrumentor
from opentelemetry.instrumentation.psycopg2 import Psycopg2Instrumentor
from opentelemetry.metrics import Histogram as OtelHistogram
from opentelemetry.sdk.metrics import Histogram as SdkHistogram
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import AggregationTemporality, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import SpanKind, Status

from precast_app.telemetry import durations, instrumentation
from precast_app.telemetry.durations import Histogram

_NAME = "precast_app"
_FLUSH_MILLISECONDS = 3_000
# Addresses can contain a search or a secret link; `http.route` says which page was asked for.
_DROPPED_ATTRIBUTES = frozenset(("http.target", "http.url", "url.full", "url.path", "url.query"))


def start(app: Flask) -> None:
    """Record the requests, jobs, batches and statements of this process, and send them as OTEL_… variables say."""
    os.environ.setdefault("OTEL_SERVICE_NAME", "precast")
    resource = Resource.create()
    spans = TracerProvider(resource=resource)
    spans.add_span_processor(BatchSpanProcessor(_CleanedExporter(OTLPSpanExporter())))
    trace.set_tracer_provider(spans)
    # A job's process lives for one job, so a sum since its start would mean nothing.
    only_new: dict[type, AggregationTemporality] = {SdkHistogram: AggregationTemporality.DELTA}
    reader = PeriodicExportingMetricReader(OTLPMetricExporter(preferred_temporality=only_new))
    meters = MeterProvider(resource=resource, metric_readers=[reader])
    metrics.set_meter_provider(meters)
    durations.listeners.append(_MetricRecorder())
    instrument: Callable[..., None] = FlaskInstrumentor().instrument_app
    instrument(app, excluded_urls="healthz,readyz,metrics,static")
    # The driver is installed under another name, psycopg2-binary.
    Psycopg2Instrumentor().instrument(skip_dep_check=True)
    instrumentation.tracer = _OtelTracer()
    instrumentation.flushers.append(lambda: _flush(spans, meters))


def _flush(spans: TracerProvider, meters: MeterProvider) -> None:
    spans.force_flush(_FLUSH_MILLISECONDS)
    meters.force_flush(_FLUSH_MILLISECONDS)


class _OtelTracer:
    """Recorder of spans; see `instrumentation.Tracer`."""

    def __init__(self) -> None:
        self._tracer = trace.get_tracer(_NAME)

    @contextmanager
    def span(self, name: str, attributes: Mapping[str, str | int], parent: str | None) -> Iterator[None]:
        found = propagate.extract({"traceparent": parent}) if parent else context.get_current()
        # What an exception says can quote a cell.
        with self._tracer.start_as_current_span(
            name, found, SpanKind.CONSUMER, attributes=dict(attributes), record_exception=False
        ):
            yield

    def current(self) -> str | None:
        headers: dict[str, str] = {}
        propagate.inject(headers)
        return headers.get("traceparent")


class _CleanedExporter(SpanExporter):
    """Exporter that leaves out what may quote data, and statements that belong to no request and no job."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        kept = [_cleaned(span) for span in spans if span.parent is not None or span.kind is not SpanKind.CLIENT]
        return self._exporter.export(kept) if kept else SpanExportResult.SUCCESS

    def shutdown(self) -> None:
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return self._exporter.force_flush(timeout_millis)


def _cleaned(span: ReadableSpan) -> ReadableSpan:
    """Return the span without addresses, and without the messages of exceptions."""
    return ReadableSpan(
        name=span.name,
        context=span.context,
        parent=span.parent,
        resource=span.resource,
        attributes={key: value for key, value in (span.attributes or {}).items() if key not in _DROPPED_ATTRIBUTES},
        links=span.links,
        kind=span.kind,
        status=Status(span.status.status_code),
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )


class _MetricRecorder:
    """Listener of `durations`, which records each as a metric of OpenTelemetry."""

    def __init__(self) -> None:
        meter = metrics.get_meter(_NAME)
        self._recorded: dict[str, OtelHistogram] = {
            each.name: meter.create_histogram(
                each.name, "s", each.meaning, explicit_bucket_boundaries_advisory=each.bounds
            )
            for each in durations.ALL
        }

    def __call__(self, histogram: Histogram, seconds: float, labels: tuple[str, ...]) -> None:
        attributes = dict(zip(histogram.label_names, labels, strict=True))
        self._recorded[histogram.name].record(seconds, attributes)
