"""The loop of an RQ worker on the application's queue."""

from __future__ import annotations

from rq.serializers import JSONSerializer
from sqlalchemy.orm import configure_mappers

from precast_app.config import Settings
from precast_app.jobs import (
    broker,
    runner,  # noqa: F401 # RQ imports it in each job's process; imported before the fork, a job starts 0.25 s earlier
)
from precast_app.jobs.rq_worker import MemoryLimitedWorker

# An idle worker sends a heartbeat to Redis more often than this. A killed one is forgotten after twice the time.
_HEARTBEAT_SECONDS = 60


def run(settings: Settings) -> None:
    """Run the jobs of the queue one after another until SIGTERM; needs an application context."""
    configure_mappers()
    worker = MemoryLimitedWorker(
        [broker.rq_queue()],
        connection=broker.worker_redis_connection(),
        serializer=JSONSerializer,
        worker_ttl=_HEARTBEAT_SECONDS,
        job_memory_bytes=settings.job_memory_bytes,
    )
    worker.work(logging_level="INFO")
