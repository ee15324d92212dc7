"""The process that does one job: RQ's work horse, with a bound to its memory, and an ear for the end of the worker."""

from __future__ import annotations

import logging
import os
import signal
import threading
from types import FrameType
from typing import Any

from rq import Worker

from precast_app import process_limits
from precast_app.jobs import memory

log = logging.getLogger(__name__)

# Set in a work horse that is to give its job back and end.
STOPPING = threading.Event()
# How long it may take for that. A host sends SIGTERM and, 30 seconds later, SIGKILL.
STOP_SECONDS = 15


class BoundedWorker(Worker):
    """A worker whose work horses may each take so many bytes of memory: a file can break its job, not the machine.

    On SIGTERM the horse gives its job back, and worker and horse end.
    """

    def __init__(self, *args: Any, job_bytes: int, **options: Any) -> None:
        super().__init__(*args, **options)
        self._job_bytes = job_bytes

    def main_work_horse(self, job: Any, queue: Any) -> None:
        """See `rq.Worker`; called in the new process."""
        process_limits.limit_memory(self._job_bytes)
        memory.keep()
        super().main_work_horse(job, queue)

    def setup_work_horse_signals(self) -> None:
        """See `rq.Worker`; called in the new process."""
        super().setup_work_horse_signals()
        signal.signal(signal.SIGTERM, _stop)

    def request_stop(self, signum: int, frame: FrameType | None) -> None:
        """See `rq.Worker`; the horse is told too."""
        if self.horse_pid:
            try:
                os.kill(self.horse_pid, signal.SIGTERM)
            except ProcessLookupError:
                log.debug("The work horse has ended by itself.")
        super().request_stop(signum, frame)

    def request_force_stop(self, signum: int, frame: FrameType | None) -> None:
        """See `rq.Worker`; a second SIGTERM changes nothing, since a host sends one to each process, and so do we."""
        if signum != signal.SIGTERM:
            super().request_force_stop(signum, frame)


def _stop(number: int, frame: FrameType | None) -> None:
    if not STOPPING.is_set():
        STOPPING.set()
        # Where the job doesn't hear of it in time, its lease runs out and another worker takes it.
        last = threading.Timer(STOP_SECONDS, os._exit, [1])
        last.daemon = True
        last.start()
