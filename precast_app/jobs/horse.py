"""The process that does one job: RQ's work horse, with a bound to its memory."""

from __future__ import annotations

import resource
from typing import Any

from rq import Worker


class BoundedWorker(Worker):
    """A worker whose work horses may each take so many bytes of memory: a file can break its job, not the machine."""

    def __init__(self, *args: Any, job_bytes: int, **options: Any) -> None:
        super().__init__(*args, **options)
        self._job_bytes = job_bytes

    def main_work_horse(self, job: Any, queue: Any) -> None:
        """See `rq.Worker`; called in the new process."""
        limit(self._job_bytes)
        super().main_work_horse(job, queue)


def limit(most: int) -> None:
    """Let this process take at most so many bytes for its data, stacks and shared code left out."""
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


def lift() -> None:
    """Take the limit back, so that what has happened can be told."""
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (hard, hard))
