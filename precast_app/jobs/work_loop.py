"""An RQ worker on the application's queue."""

from __future__ import annotations

from rq.serializers import JSONSerializer

from precast_app.config import Settings
from precast_app.jobs import broker
from precast_app.jobs.rq_worker import MemoryLimitedWorker

# A worker that waits reports to Redis more often than this; one that was killed is forgotten after twice the time.
_HEARTBEAT_SECONDS = 60


def run(settings: Settings) -> None:
    """Do jobs from the queue, one after another, until SIGTERM. Must be called inside an application context."""
    worker = MemoryLimitedWorker(
        [broker.rq_queue()],
        connection=broker.worker_redis_connection(),
        serializer=JSONSerializer,
        worker_ttl=_HEARTBEAT_SECONDS,
        job_memory_bytes=settings.job_memory_bytes,
    )
    worker.work(logging_level="INFO")
