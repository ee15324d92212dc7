"""Histograms of durations, counted in this process until `duration_store.flush` adds them to the database."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from threading import Lock

_FAST = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_SLOW = (0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1_800.0, 3_600.0)


@dataclass(frozen=True, slots=True)
class Histogram:
    """A metric whose values are durations in seconds; `bounds` are the upper bounds of its buckets."""

    name: str
    meaning: str
    label_names: tuple[str, ...]
    bounds: tuple[float, ...]

    def observe(self, seconds: float, *labels: str) -> None:
        """Count a duration; `labels` are the values of `label_names`."""
        index = bisect_left(self.bounds, seconds)
        bound = self.bounds[index] if index < len(self.bounds) else math.inf
        _add(Bucket(self.name, labels, bound, 1, seconds))
        for listener in listeners:
            listener(self, seconds, labels)


@dataclass(frozen=True, slots=True)
class Bucket:
    """How many durations fell between the bound below and `upper_bound`, and their sum in seconds."""

    metric: str
    labels: tuple[str, ...]
    upper_bound: float
    observations: int
    seconds: float


HTTP_REQUESTS = Histogram(
    "precast_http_request_duration_seconds",
    "Time from the headers of a request to its response, by method, route and class of status.",
    ("method", "route", "status"),
    _FAST,
)
JOBS = Histogram(
    "precast_job_duration_seconds", "Time from a job's start to its end.", ("job_type", "outcome"), _SLOW
)  # fmt: skip
JOB_PHASES = Histogram(
    "precast_job_phase_duration_seconds", "Time that a job spends in a phase.", ("job_type", "phase"), _SLOW
)
JOB_QUEUE = Histogram(
    "precast_job_queue_duration_seconds", "Time that a job waits until a worker starts it.", ("job_type",), _SLOW
)
BATCHES = Histogram("precast_batch_duration_seconds", "Time to write a batch of an import.", (), _FAST)
ALL = (HTTP_REQUESTS, JOBS, JOB_PHASES, JOB_QUEUE, BATCHES)

# Called with each duration; OpenTelemetry's metrics are one.
listeners: list[Callable[[Histogram, float, tuple[str, ...]], None]] = []

_lock = Lock()
_counted: dict[tuple[str, tuple[str, ...], float], Bucket] = {}


def take() -> list[Bucket]:
    """Return what was counted since the last call, sorted by metric, labels and bound, and forget it."""
    with _lock:
        taken = [_counted[key] for key in sorted(_counted)]
        _counted.clear()
    return taken


def put_back(buckets: Iterable[Bucket]) -> None:
    """Count again what was taken and could not be stored."""
    for bucket in buckets:
        _add(bucket)


def _add(bucket: Bucket) -> None:
    key = (bucket.metric, bucket.labels, bucket.upper_bound)
    with _lock:
        before = _counted.get(key)
        if before is not None:
            bucket = Bucket(
                *key, before.observations + bucket.observations, before.seconds + bucket.seconds
            )  # fmt: skip
        _counted[key] = bucket
