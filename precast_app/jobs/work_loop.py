"""The loop of an RQ worker on the application's queue."""

from __future__ import annotations

from rq.serializers import JSONSerializer

from precast_app.config import Settings
from precast_app.jobs import broker
from precast_app.jobs.rq_worker import MemoryLimitedWorker

# An idle worker sends a heartbeat to Redis more often than this. A killed one is forgotten after twice the time.
_HEARTBEAT_SECONDS = 60


def run(settings: Settings) -> None:
    """Run the jobs of the queue one after another until SIGTERM; needs an application context."""
    worker = MemoryLimitedWorker(
        [broker.rq_queue()],
        connection=broker.worker_redis_connection(),
        serializer=JSONSerializer,
        worker_ttl=_HEARTBEAT_SECONDS,
        job_memory_bytes=settings.job_memory_bytes,
    )
    worker.work(logging_level="INFO")
