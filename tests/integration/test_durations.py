"""The histograms of durations in the metrics."""

from __future__ import annotations

import math

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from precast_app.extensions import db
from precast_app.telemetry import duration_store, durations
from precast_app.telemetry.durations import Bucket
from tests import job_states
from tests.conftest import EXAMPLES, run_import, submit
from tests.prometheus import Samples, scrape_metrics

REQUESTS = "precast_http_request_duration_seconds"
BUCKET = f"{REQUESTS}_bucket"
IMPORT = "element_type_import"


def requests_of(found: Samples, *labels: str) -> float:
    return found.get((f"{REQUESTS}_count", labels), 0)


def test_requests_are_counted_by_route_and_class_of_status(
    client: FlaskClient, admin: dict[str, str], project_id: int
) -> None:
    before = scrape_metrics(client, admin)
    for path in (f"/api/project/{project_id}/jobs", "/api/project/99/jobs", "/nowhere"):
        client.get(path, headers=admin)
    client.open("/nowhere", method="BREW")
    after = scrape_metrics(client, admin)
    counted = [
        ("GET", "/api/project/{project_id}/jobs", "2xx"),
        ("GET", "/api/project/{project_id}/jobs", "4xx"),
        ("GET", "none", "4xx"),
        ("other", "none", "4xx"),
    ]
    assert [requests_of(after, *labels) - requests_of(before, *labels) for labels in counted] == [1, 1, 1, 1]
    labels = counted[0]
    in_buckets = [value for (name, found), value in after.items() if name == BUCKET and found[1:] == labels]
    assert in_buckets == sorted(in_buckets)
    assert len(in_buckets) == len(durations.HTTP_REQUESTS.bounds) + 1
    assert after[BUCKET, ("+Inf", *labels)] == requests_of(after, *labels)
    assert 0 < after[f"{REQUESTS}_sum", labels] < 60


def test_jobs_are_counted_with_phases_batches_and_their_wait(
    client: FlaskClient, admin: dict[str, str], green_meadows: int
) -> None:
    before = scrape_metrics(client, admin)
    done = run_import(green_meadows, EXAMPLES / "element_types.csv", batch_size=30)
    after = scrape_metrics(client, admin)

    def added(name: str, *labels: str) -> float:
        return after.get((name, labels), 0) - before.get((name, labels), 0)

    assert added("precast_job_duration_seconds_count", IMPORT, "completed") == 1
    assert done.completed_at is not None
    assert done.started_at is not None
    took = (done.completed_at - done.started_at).total_seconds()
    assert math.isclose(added("precast_job_duration_seconds_sum", IMPORT, "completed"), took, abs_tol=1e-6)
    assert added("precast_job_queue_duration_seconds_count", IMPORT) == 1
    assert added("precast_batch_duration_seconds_count") == 4
    phases = ("reading", "checking", "planning", "writing")
    assert [added("precast_job_phase_duration_seconds_count", IMPORT, phase) for phase in phases] == [1, 1, 1, 1]
    in_phases = sum(added("precast_job_phase_duration_seconds_sum", IMPORT, phase) for phase in phases)
    assert 0 < in_phases <= took


def test_a_cancelled_job_is_counted_as_such(client: FlaskClient, admin: dict[str, str], green_meadows: int) -> None:
    before = scrape_metrics(client, admin)
    waiting = submit(green_meadows, EXAMPLES / "element_types.csv")
    assert job_states.cancel(waiting, "vera")
    after = scrape_metrics(client, admin)
    names = {name for name, _ in after} - {name for name, _ in before}
    # No worker had it.
    assert not {name for name in names if name.startswith("precast_job_duration")}


def test_durations_are_kept_until_the_database_can_be_written(app: Flask) -> None:
    duration_store.flush()
    _rename_table("duration_buckets", "moved")
    durations.BATCHES.observe(0.3)
    duration_store.flush()
    _rename_table("moved", "duration_buckets")
    durations.BATCHES.observe(0.4)
    duration_store.flush()
    assert durations.take() == []
    stored = [bucket for bucket in duration_store.load() if bucket.metric == durations.BATCHES.name]
    assert stored == [Bucket(durations.BATCHES.name, (), 0.5, 2, 0.7)]


def _rename_table(before: str, after: str) -> None:
    db.session.execute(text(f"ALTER TABLE {before} RENAME TO {after}"))
    db.session.commit()
