"""RQ and Redis: connections, the queue, and the workers that listen to it. Redis only carries job ids.

RQ stores with each job which function it calls, with which arguments and callbacks. Anyone who can write to Redis could
choose them, so none of it is read: the one function and its one argument follow from the RQ job's id. RQ's hash of the
job is written for the dashboard only.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable
from typing import Any

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError
from redis.retry import Retry
from rq import Queue, Worker, worker_registration
from rq.exceptions import NoSuchJobError
from rq.executions import ExecutionRegistry
from rq.job import Job, JobStatus
from rq.serializers import DefaultSerializer, JSONSerializer

from precast_app import logs
from precast_app.extensions import current_settings

log = logging.getLogger(__name__)

RUN_JOB = "precast_app.jobs.runner.run_job"
# The result is stored in the database.
RESULT_TTL_SECONDS = 0
FAILURE_TTL_SECONDS = 86_400

_ID = re.compile(r"import-([1-9][0-9]{0,9})-([0-9]{1,10})")
_MAX_JOB_ID = 2**31 - 1


class ImportRqJob(Job):
    """An RQ job that can only run one import job: the one that its own id names.

    What its hash in Redis says (function, arguments, callbacks, dependencies, retries, webhooks …) is ignored.
    """

    @classmethod
    def fetch(cls, id: str, connection: Redis | None = None, serializer: Any = None) -> Job:
        """See `rq.job.Job`; raise `NoSuchJobError` for an id that is not ours, so that RQ drops it."""
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

    @classmethod
    def of(cls, rq_id: str, connection: Redis) -> ImportRqJob:
        """Return the RQ job with this id without reading Redis; raise `NoSuchJobError` if the id is not one of ours."""
        if import_job_id(rq_id) is None:
            raise NoSuchJobError(f"{rq_id!r:.80} is not the id of an import job.")
        job = cls(rq_id, connection, JSONSerializer)
        job.restore({})
        return job

    def restore(self, raw_data: Any) -> None:
        """See `rq.job.Job`; the content of the hash is ignored."""
        settings = current_settings()
        job_id = import_job_id(self.id)
        self.func_name, self.instance, self.args, self.kwargs = RUN_JOB, None, (job_id,), {}
        self.description = f"import job {job_id}"
        self.origin = settings.queue_name
        self.timeout = settings.job_timeout_seconds
        self.result_ttl, self.failure_ttl = RESULT_TTL_SECONDS, FAILURE_TTL_SECONDS

    def _fetch_status(self) -> JobStatus:
        try:
            return super()._fetch_status()
        except ValueError:
            # Not one of RQ's states, so RQ did not write it.
            return JobStatus.CREATED


class ImportRqQueue(Queue):
    """The queue of import jobs; a job has no dependents, whatever Redis lists."""

    job_class = ImportRqJob

    @classmethod
    def dequeue_any(
        cls, queues: Iterable[Queue], timeout: int | None, connection: Redis, *args: Any, **options: Any
    ) -> Any:
        """See `rq.Queue`; entries that are not ids of ours are dropped, and the job's hash is not read.

        The id is popped, and lost if the worker is killed at this point; the reaper then finds the job in the database.
        RQ would move the id to a second list, where it would stay for 20 minutes.
        """
        logs.set_job(None)
        by_key = {queue.key: queue for queue in queues}
        while True:
            try:
                popped = cls.lpop(list(by_key), timeout, connection=connection)
            except ResponseError as error:
                if not str(error).startswith("WRONGTYPE"):
                    raise
                log.warning(
                    "Deleted a key of Redis that has the queue's name and is no list. Lost jobs are enqueued again."
                )
                connection.delete(*by_key)
                continue
            if popped is None:
                return None
            key, rq_id = (_decoded(part) for part in popped)
            try:
                job = ImportRqJob.of(rq_id, connection)
            except NoSuchJobError as error:
                log.warning("Dropped an entry of the queue: %s", error)
                continue
            # RQ logs the start and the end of the job in two processes, which both know it from here.
            logs.set_job(import_job_id(rq_id))
            return job, by_key[key]

    def holding(self, rq_ids: list[str]) -> frozenset[str]:
        """Return those of the ids that no worker has taken yet.

        This looks in the list itself: the hash of an RQ job still says `queued` after the worker that took its id was
        killed.
        """
        with self.connection.pipeline(transaction=False) as pipeline:
            for rq_id in rq_ids:
                pipeline.lpos(self.key, rq_id)
            positions = pipeline.execute()
        return frozenset(rq_id for rq_id, position in zip(rq_ids, positions, strict=True) if position is not None)

    def discard_notes(self, rq_id: str) -> None:
        """Delete RQ's records of this job and of all running jobs: they may be of a type that RQ never writes."""
        executions = ExecutionRegistry.key_template.format(rq_id)
        registries = self.started_job_registry.key, self.failed_job_registry.key
        self.connection.delete(ImportRqJob.key_for(rq_id), executions, *registries)

    def move_dependents_to_ready(self, *args: Any, **options: Any) -> dict[str, list[str]]:
        """See `rq.Queue`."""
        return {}


def rq_job_id(job_id: int, enqueue_count: int) -> str:
    """Return the RQ id of an import job that is enqueued for the nth time; RQ rejects an id that it still keeps."""
    return f"import-{job_id}-{enqueue_count}"


def import_job_id(rq_id: str) -> int | None:
    """Return the import job that an RQ job's id names; None if it names none."""
    match = _ID.fullmatch(rq_id)
    job_id = int(match[1]) if match else 0
    return job_id if 0 < job_id <= _MAX_JOB_ID else None


def redis_connection() -> Redis:
    """Return a connection to Redis that raises `RedisError` after `redis_timeout_seconds` instead of waiting longer."""
    settings = current_settings()
    seconds = settings.redis_timeout_seconds
    no_retry = Retry(NoBackoff(), 0)
    return Redis.from_url(settings.redis_url, socket_connect_timeout=seconds, socket_timeout=seconds, retry=no_retry)


def worker_redis_connection() -> Redis:
    """Return a connection without a read timeout: a worker blocks in it until an id is enqueued."""
    return Redis.from_url(current_settings().redis_url, socket_connect_timeout=3, socket_keepalive=True)


def rq_queue() -> ImportRqQueue:
    """Return the queue that web processes and workers share."""
    return ImportRqQueue(current_settings().queue_name, connection=redis_connection(), serializer=JSONSerializer)


def push(job_id: int, enqueue_count: int) -> None:
    """Add the job's id to the queue. If Redis can't be reached, the reaper enqueues the job later."""
    try:
        rq_queue().enqueue_call(
            RUN_JOB,
            args=(job_id,),
            job_id=rq_job_id(job_id, enqueue_count),
            timeout=current_settings().job_timeout_seconds,
            result_ttl=RESULT_TTL_SECONDS,
            failure_ttl=FAILURE_TTL_SECONDS,
        )
    except RedisError:
        log.warning("Redis can't be reached; the reaper will enqueue job %d.", job_id, exc_info=True)


def enqueued_ids(rq_ids: list[str]) -> frozenset[str]:
    """Return those of the ids that no worker has taken yet; empty if Redis can't be reached."""
    try:
        return rq_queue().holding(rq_ids)
    except RedisError:
        return frozenset()


def delete_rq_job(rq_id: str) -> None:
    """Delete the hash that is left in Redis when a worker was killed while it took this id."""
    try:
        redis_connection().delete(ImportRqJob.key_for(rq_id))
    except RedisError:
        log.warning("Redis can't be reached; the hash of %s stays there until it expires.", rq_id)


def has_worker() -> bool:
    """Return whether a worker has sent a heartbeat lately."""
    return bool(worker_names())


def worker_names() -> list[str]:
    """Return the names of the workers that have sent a heartbeat lately."""
    redis = redis_connection()
    keys: Any = redis.smembers(worker_registration.WORKERS_BY_QUEUE_KEY % current_settings().queue_name)
    prefix = Worker.redis_worker_namespace_prefix.encode()
    return [key.removeprefix(prefix).decode(errors="replace") for key in keys if redis.exists(key)]


def _decoded(part: bytes | str) -> str:
    return part if isinstance(part, str) else part.decode(errors="backslashreplace")


def forbid_pickle() -> None:
    """Make RQ's default serializer, which rq-dashboard uses, read and write JSON: unpickling can run any code."""
    for name in ("dumps", "loads"):
        setattr(DefaultSerializer, name, staticmethod(getattr(JSONSerializer, name)))
