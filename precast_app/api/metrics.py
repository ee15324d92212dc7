"""Metrics of the installation for Prometheus. They contain no data of a project."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from itertools import accumulate, groupby

from flask import Blueprint, Response, request
from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from precast_app import database
from precast_app.auth.permissions import Permission
from precast_app.auth.route_permissions import requires
from precast_app.jobs import lost_jobs, stats
from precast_app.jobs.stats import JobStats, QueueStats
from precast_app.models import JobStatus
from precast_app.notifications import backlog
from precast_app.notifications.backlog import Backlog
from precast_app.telemetry import duration_store, durations
from precast_app.telemetry.durations import Bucket, Histogram

blueprint = Blueprint("metrics", __name__)


@blueprint.get("/metrics")
@requires(Permission.ADMINISTER)
def metrics() -> Response:
    """Return the current metrics, for administrators."""
    registry = CollectorRegistry()
    # What this process has counted since its last flush.
    duration_store.flush()
    jobs, messages, buckets = stats.collect(), backlog.load(), duration_store.load()
    # Redis may take seconds to respond.
    database.release_connection()
    registry.register(_StatsCollector(jobs, len(lost_jobs.filter_lost(jobs.due)), stats.read_queue()))
    registry.register(_MessageCollector(messages))
    registry.register(_DurationCollector(buckets))
    encode, content_type = choose_encoder(request.headers.get("Accept", ""))
    return Response(encode(registry), content_type=content_type)


class _StatsCollector(Collector):
    """Collector of gauges: a retried job is no longer counted as failed."""

    def __init__(self, found: JobStats, lost: int, queue: QueueStats | None) -> None:
        self._found = found
        self._lost = lost
        self._queue = queue

    def describe(self) -> Iterable[Metric]:
        return []

    def collect(self) -> Iterable[Metric]:
        found = self._found
        jobs = GaugeMetricFamily("precast_jobs", "Jobs by type and status.", labels=["job_type", "status"])
        for job_type in sorted({job_type for job_type, _ in found.by_type_and_status}):
            for status in JobStatus:
                jobs.add_metric([job_type, status], found.by_type_and_status.get((job_type, status), 0))
        yield jobs
        ended = GaugeMetricFamily(
            "precast_jobs_ended_last_hour", "Jobs that ended within the last hour, by outcome.", labels=["outcome"]
        )
        for outcome, count in found.ended_last_hour.items():
            ended.add_metric([outcome], count)
        yield ended
        yield _gauge("precast_jobs_queued", "Jobs that are waiting for a worker or for an earlier job.", found.queued)
        yield _gauge("precast_jobs_waiting_for_file", "Jobs that are waiting for their file.", found.waiting_for_file)
        yield _gauge(
            "precast_jobs_waiting_for_mapping",
            "Jobs that wait until a user maps their columns.",
            found.waiting_for_mapping,
        )
        yield _gauge(
            "precast_oldest_queued_job_seconds", "How long the first queued job has waited; 0 if there is none.",
            found.oldest_seconds,
        )  # fmt: skip
        yield _gauge("precast_jobs_lost", "Jobs that have no worker and are not in the queue.", self._lost)
        yield _gauge("precast_database_bytes", "Size of the database.", found.database_bytes)
        yield _gauge("precast_files_bytes", "Size of the stored files of jobs.", found.file_bytes)
        queue = self._queue
        yield _gauge("precast_redis_up", "Whether Redis responds.", queue is not None)
        if queue is None:
            return
        yield _gauge("precast_workers", "Workers that have sent a heartbeat recently.", queue.workers)
        yield _gauge("precast_enqueued", "Job ids in Redis that no worker has taken yet.", queue.enqueued)
        if queue.seconds_since_sweep is not None:
            yield _gauge("precast_reaper_seconds", "Time since the reaper's last sweep.", queue.seconds_since_sweep)


class _MessageCollector(Collector):
    """Collector of gauges about the messages that wait to be delivered, by channel: webhook or email."""

    def __init__(self, backlogs: Mapping[str, Backlog]) -> None:
        self._backlogs = backlogs

    def describe(self) -> Iterable[Metric]:
        return []

    def collect(self) -> Iterable[Metric]:
        labels = ["channel"]
        waiting = GaugeMetricFamily("precast_messages_waiting", "Messages that are not delivered yet.", labels=labels)
        oldest = GaugeMetricFamily(
            "precast_oldest_message_seconds", "How long the first of them has waited; 0 if there is none.",
            labels=labels,
        )  # fmt: skip
        overdue = GaugeMetricFamily(
            "precast_message_overdue_seconds", "For how long an attempt to deliver one has been due.", labels=labels
        )
        for channel, found in self._backlogs.items():
            waiting.add_metric([channel], found.waiting)
            oldest.add_metric([channel], found.oldest_seconds)
            overdue.add_metric([channel], found.overdue_seconds)
        return waiting, oldest, overdue


class _DurationCollector(Collector):
    """Collector of histograms; each counts from the installation's first day on."""

    def __init__(self, buckets: list[Bucket]) -> None:
        self._buckets = buckets

    def describe(self) -> Iterable[Metric]:
        return []

    def collect(self) -> Iterable[Metric]:
        for histogram in durations.ALL:
            found = HistogramMetricFamily(histogram.name, histogram.meaning, labels=histogram.label_names)
            of_metric = (bucket for bucket in self._buckets if bucket.metric == histogram.name)
            for labels, buckets in groupby(of_metric, key=lambda bucket: bucket.labels):
                stored = list(buckets)
                found.add_metric(labels, _cumulated(histogram, stored), sum(bucket.seconds for bucket in stored))
            yield found


def _cumulated(histogram: Histogram, buckets: list[Bucket]) -> list[tuple[str, float]]:
    """Return the buckets as Prometheus shows them: each counts the durations up to its bound."""
    counts = dict.fromkeys((*histogram.bounds, math.inf), 0) | {each.upper_bound: each.observations for each in buckets}
    bounds = sorted(counts)
    return [
        ("+Inf" if bound == math.inf else str(bound), total)
        for bound, total in zip(bounds, accumulate(counts[bound] for bound in bounds), strict=True)
    ]


def _gauge(name: str, meaning: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, meaning, value=value)
