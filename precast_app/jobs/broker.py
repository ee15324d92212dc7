"""What is believed of Redis: the ids of jobs, and nothing else.

RQ stores with each job which function it calls, with which arguments and callbacks. Anyone who can write to Redis could
choose them, so none of it is read: the one function and its one argument follow from the RQ job's id.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable
from typing import Any

from flask import current_app
from redis import Redis
from redis.exceptions import ResponseError
from rq import Queue
from rq.exceptions import NoSuchJobError
from rq.job import Job
from rq.serializers import DefaultSerializer, JSONSerializer

from precast_app.config import Settings

log = logging.getLogger(__name__)

RUN_JOB = "precast_app.jobs.run.run_job"
# The result is in the database.
RESULT_TTL_SECONDS = 0
FAILURE_TTL_SECONDS = 86_400

_ID = re.compile(r"import-([1-9][0-9]{0,9})-([0-9]{1,10})")
_LARGEST_JOB_ID = 2**31 - 1


class ImportRqJob(Job):
    """An RQ job that can only run one import job: the one that its own id names.

    What its hash in Redis says (function, arguments, callbacks, dependencies, retries, webhooks …) is ignored.
    """

    @classmethod
    def fetch(cls, id: str, connection: Redis | None = None, serializer: Any = None) -> Job:
        """See `rq.job.Job`; raise `NoSuchJobError` for an id that is not ours, which makes RQ drop it."""
        if import_job_id(id) is None:
            log.warning("Dropped %.80r from the queue: it is not the id of an import job.", id)
            raise NoSuchJobError(f"{id!r:.80} is not the id of an import job.")
        try:
            return super().fetch(id, connection=connection, serializer=serializer)
        except ResponseError as error:
            raise NoSuchJobError(f"{id} is not stored as an RQ job.") from error

    @classmethod
    def fetch_many(cls, job_ids: Iterable[str], connection: Redis, serializer: Any = None) -> list[Job | None]:
        """See `rq.job.Job`."""
        found: list[Job | None] = []
        for id in job_ids:
            try:
                found.append(cls.fetch(id, connection=connection, serializer=serializer))
            except NoSuchJobError:
                found.append(None)
        return found

    def restore(self, raw_data: Any) -> None:
        """See `rq.job.Job`; only that there is a hash matters."""
        settings: Settings = current_app.config["PRECAST"]
        job_id = import_job_id(self.id)
        self.func_name, self.instance, self.args, self.kwargs = RUN_JOB, None, (job_id,), {}
        self.description = f"import job {job_id}"
        self.origin = settings.queue_name
        self.timeout = settings.job_seconds
        self.result_ttl, self.failure_ttl = RESULT_TTL_SECONDS, FAILURE_TTL_SECONDS


class ImportRqQueue(Queue):
    """The queue of import jobs, none of which has dependents, whatever Redis lists."""

    job_class = ImportRqJob

    def move_dependents_to_ready(self, *args: Any, **options: Any) -> dict[str, list[str]]:
        """See `rq.Queue`."""
        return {}


def rq_job_id(job_id: int, enqueue_count: int) -> str:
    """Return the RQ id of an import job that is enqueued for the nth time: RQ refuses an id that it still keeps."""
    return f"import-{job_id}-{enqueue_count}"


def import_job_id(rq_id: str) -> int | None:
    """Return the import job that an RQ job's id names; None if it names none."""
    match = _ID.fullmatch(rq_id)
    job_id = int(match[1]) if match else 0
    return job_id if 0 < job_id <= _LARGEST_JOB_ID else None


def forbid_pickle() -> None:
    """Let RQ's default serializer, which rq-dashboard uses everywhere, read and write JSON: unpickling runs code."""
    for name in ("dumps", "loads"):
        setattr(DefaultSerializer, name, staticmethod(getattr(JSONSerializer, name)))
