"""Traces by OpenTelemetry and errors in Sentry: what a receiver gets, and that neither is imported without settings."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from precast_app.extensions import db
from tests.conftest import EXAMPLES, ROOT
from tests.faults.scene import until
from tests.live_site import ADMIN, Site, serving
from tests.telemetry_receiver import Receiver, receiver

MARK = "XyzzyMarker"
BROKEN = """
    CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'unforeseen %', NEW.name USING ERRCODE = 'XX000'; END $$;
    CREATE TRIGGER refuse BEFORE INSERT ON stages EXECUTE FUNCTION refuse()
"""
DROP_TRIGGER = "DROP FUNCTION IF EXISTS refuse CASCADE"
PRINT_IMPORTED = """
import sys
from precast_app import create_app
from precast_app.jobs import runner, work_loop
import precast_app.gunicorn_config
create_app()
# The Redis client imports OpenTelemetry's metrics by itself where they are installed.
ours = "precast_app.telemetry.tracing", "precast_app.telemetry.error_reports"
parts = (*ours, "sentry_sdk", "opentelemetry.sdk.trace", "opentelemetry.exporter", "opentelemetry.instrumentation")
print(sorted(name for name in sys.modules if name.startswith(parts)))
"""


@pytest.fixture
def received(app: Flask) -> Iterator[Receiver]:
    with receiver() as running:
        yield running


def send_to(received: Receiver, environment: dict[str, str]) -> dict[str, str]:
    """Return the environment of processes that send to the receiver."""
    return {
        **environment,
        "NO_PROXY": "127.0.0.1",
        "SENTRY_DSN": f"http://key@127.0.0.1:{received.port}/1",
        "OTEL_EXPORTER_OTLP_ENDPOINT": received.address,
        "OTEL_BSP_SCHEDULE_DELAY": "200",
    }


def spans(received: Receiver) -> list[Span]:
    bodies = map(ExportTraceServiceRequest.FromString, received.bodies("/v1/traces"))
    return [
        span
        for body in bodies
        for resource in body.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]


def ended(site: Site, job_id: int) -> str:
    status: str = site.follow(job_id)[-1]["status"]
    return status


def test_a_trace_leads_from_the_request_through_the_job_to_its_batches(
    received: Receiver, environment: dict[str, str]
) -> None:
    with serving(send_to(received, environment)) as site:
        project = site.project("Harbour")
        path = f"/api/project/{project}/import/excel?batch_size=30"
        job_id = site.upload(path, EXAMPLES / "element_types.xlsx")["job_id"]
        assert ended(site, job_id) == "completed"

        def of_job() -> list[Span]:
            return [each for each in spans(received) if ("precast.job.id", job_id) in attributes(each)]

        until(lambda: bool(of_job()), 20, "the job's span is received")
        (job,) = of_job()
        parent = job.parent_span_id
        until(lambda: any(each.span_id == parent for each in spans(received)), 20, "the request's span is received")
        trace = {each.span_id: each for each in spans(received) if each.trace_id == job.trace_id}
    request = trace[job.parent_span_id]
    assert (request.kind, request.parent_span_id) == (Span.SPAN_KIND_SERVER, b"")
    assert ("http.route", "/api/project/<int(max=2147483647):project_id>/import/excel") in attributes(request)
    batches = [each for each in trace.values() if each.name == "batch"]
    assert {each.parent_span_id for each in batches} == {job.span_id}
    assert {value for each in batches for _, value in attributes(each)} == {1, 2, 3, 4}
    statements = [each for each in trace.values() if each.kind == Span.SPAN_KIND_CLIENT]
    assert {each.parent_span_id for each in statements} >= {request.span_id, job.span_id, batches[0].span_id}
    measured = {
        metric.name
        for body in map(ExportMetricsServiceRequest.FromString, received.bodies("/v1/metrics"))
        for resource in body.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
    }
    assert measured >= {"precast_job_duration_seconds", "precast_batch_duration_seconds"}


def attributes(span: Span) -> list[tuple[str, Any]]:
    return [(each.key, getattr(each.value, str(each.value.WhichOneof("value")))) for each in span.attributes]


def test_sentry_gets_one_event_of_a_failed_job_without_contents_and_secrets(
    received: Receiver, environment: dict[str, str], tmp_path: Path
) -> None:
    file = tmp_path / f"{MARK}.csv"
    file.write_text(f"name\n{MARK} curing\n", encoding="utf-8")
    with serving(send_to(received, environment)) as site:
        project = site.project(f"{MARK} Harbour", reference=False)
        db.session.execute(db.text(BROKEN))
        db.session.commit()
        try:
            failed = site.upload(f"/api/project/{project}/jobs?job_type=stage_import", file)["job_id"]
            assert ended(site, failed) == "failed"
            path = f"{site.address}/api/project/{project}/stages"
            broken = site.session.post(path, json={"name": f"{MARK} striking"}, timeout=30)
            assert broken.status_code == 500
        finally:
            db.session.rollback()
            db.session.execute(db.text(DROP_TRIGGER))
            db.session.commit()
        until(lambda: len(events(received)) >= 2, 20, "both events are received")
        token = str(site.session.headers["Authorization"]).removeprefix("Bearer ")
    by_job = [event for event in events(received) if event["tags"].get("job_id") == str(failed)]
    by_request = [event for event in events(received) if "job_id" not in event["tags"]]
    assert (len(by_job), len(by_request)) == (1, 1)
    assert by_job[0]["logentry"] == {"message": "Job %d failed."}
    assert by_job[0]["exception"]["values"][-1]["type"] == "InternalError"
    assert by_job[0]["exception"]["values"][-1]["stacktrace"]["frames"]
    assert by_request[0]["tags"]["request_id"] == broken.headers["X-Request-Id"]
    everything = b"".join([*received.bodies("/api/1/envelope/"), *received.bodies("/v1/traces")])
    secrets = {"cell, file and project": MARK, "token": token, "key": "only for tests", "user": ADMIN + '"'}
    assert [name for name, secret in secrets.items() if secret.encode() in everything] == []


def events(received: Receiver) -> list[dict[str, Any]]:
    lines = [line for body in received.bodies("/api/1/envelope/") for line in body.splitlines()]
    items = [json.loads(line) for line in lines if line]
    return [item for item in items if "exception" in item or "logentry" in item]


def test_neither_library_is_imported_unless_it_is_configured(environment: dict[str, str]) -> None:
    printed = subprocess.run(
        [sys.executable, "-c", PRINT_IMPORTED], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    assert printed.stdout.strip() == "[]"
