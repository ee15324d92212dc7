"""The RQ worker: it caps each job's memory and shuts down gracefully."""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from dataclasses import dataclass
from types import FrameType
from typing import Any

from redis.exceptions import ResponseError
from rq import Worker, worker_registration
from rq.utils import now

from precast_app import gc_tuning, process_limits
from precast_app.jobs import totals
from precast_app.jobs.broker import ImportRqJob, ImportRqQueue

log = logging.getLogger(__name__)

# How long the job's process may take to exit. A host sends SIGTERM and, 30 seconds later, SIGKILL.
SHUTDOWN_SECONDS = 15
# How long a job's hash is kept in Redis, in addition to the job's time limit.
_HASH_SECONDS = 3_600


@dataclass(slots=True)
class ShutdownRequest:
    """Whether this process, which runs a job (RQ calls it the work horse), has to release it and exit.

    A signal handler sets it, and the next signal can interrupt the handler. With a `threading.Event`, which has a lock,
    the thread could then wait for itself.
    """

    is_made: bool = False


SHUTDOWN_REQUEST = ShutdownRequest()


class MemoryLimitedWorker(Worker):
    """An RQ worker that caps the memory of each job's process, so that a file can break its job, not the machine.

    On SIGTERM the job's process releases its job, and both processes exit.
    """

    job_class = ImportRqJob
    queue_class = ImportRqQueue

    def __init__(self, *args: Any, job_memory_bytes: int, **options: Any) -> None:
        super().__init__(*args, **options)
        self._job_memory_bytes = job_memory_bytes

    def main_work_horse(self, job: Any, queue: Any) -> None:
        """See `rq.Worker`; called in the new process."""
        process_limits.limit_memory(self._job_memory_bytes)
        gc_tuning.freeze_objects()
        super().main_work_horse(job, queue)

    def handle_payload(self, message: Any) -> None:
        """See `rq.Worker`; commands that are published in Redis (stop a job, shut down) are ignored."""
        log.warning("Ignored a command that was published in Redis. Cancel a job through the API or its page.")

    def check_for_suspension(self, burst: bool) -> None:
        """See `rq.Worker`; the key in Redis that suspends workers is ignored."""

    def run_maintenance_tasks(self) -> None:
        """See `rq.Worker`; expired entries of the registries are deleted without reading any job's hash."""
        try:
            for queue in self.queues:
                worker_registration.clean_worker_registry(queue)
                for registry in (queue.started_job_registry, queue.failed_job_registry):
                    self.connection.zremrangebyscore(registry.key, 0, time.time())
                # Earlier versions filled it, because they dequeued as RQ does.
                self.connection.delete(queue.intermediate_queue_key)
        except (ResponseError, ValueError):
            log.warning(
                "RQ's registries contain something that RQ doesn't write. They were not cleaned.", exc_info=True
            )
        self.last_cleaned_at = now()  # type: ignore[assignment] # declared without its type

    def execute_job(self, job: Any, queue: Any) -> None:
        """See `rq.Worker`; the worker survives if keys in Redis are not of the type that RQ needs.

        These keys are deleted, and the job can run when it is enqueued again.
        """
        try:
            super().execute_job(job, queue)
        except ResponseError:
            log.warning("Redis refused to store the state of %s.", job.id, exc_info=True)
            self.wait_for_horse()
            self._horse_pid = 0
            queue.discard_notes(job.id)

    def perform_job(self, job: Any, queue: Any, execution: Any) -> bool:
        """See `rq.Worker`; called in the new process. The totals that the job has changed are stored last."""
        is_done = super().perform_job(job, queue, execution)
        totals.refresh_outdated()
        return is_done

    def prepare_job_execution(self, job: Any, remove_from_intermediate_queue: bool = False) -> None:
        """See `rq.Worker`; called in the new process."""
        super().prepare_job_execution(job)
        # The hash is deleted when the job ends. If the worker is killed before that, the hash expires.
        self.connection.expire(job.key, int(job.timeout) + _HASH_SECONDS)

    def setup_work_horse_signals(self) -> None:
        """See `rq.Worker`; called in the new process."""
        super().setup_work_horse_signals()
        signal.signal(signal.SIGTERM, request_shutdown)

    def request_stop(self, signum: int, frame: FrameType | None) -> None:
        """See `rq.Worker`; the signal is passed on to the job's process."""
        if self.horse_pid:
            try:
                os.kill(self.horse_pid, signal.SIGTERM)
            except ProcessLookupError:
                log.debug("The job's process has already exited.")
        super().request_stop(signum, frame)

    def request_force_stop(self, signum: int, frame: FrameType | None) -> None:
        """See `rq.Worker`; a second SIGTERM is ignored: both the host and the supervisor send one to each process."""
        if signum != signal.SIGTERM:
            super().request_force_stop(signum, frame)


def request_shutdown(number: int, frame: FrameType | None) -> None:
    """Handle a signal: release the job at its next report of progress, and exit after 15 s in any case."""
    if not SHUTDOWN_REQUEST.is_made:
        SHUTDOWN_REQUEST.is_made = True
        # If the job doesn't stop in time, its lease expires and another worker continues it.
        deadline = threading.Timer(SHUTDOWN_SECONDS, os._exit, [1])
        deadline.daemon = True
        deadline.start()
