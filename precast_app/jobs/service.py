"""How a job comes to a worker: row and file in one transaction, then its number to Redis, which is only a doorbell."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import PurePath
from typing import IO, Any

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry
from rq import Worker, worker_registration
from rq.serializers import JSONSerializer
from sqlalchemy import exists, func, insert, select, text
from sqlalchemy.exc import IntegrityError

from precast_app import parsing
from precast_app.auth import audit
from precast_app.auth.permissions import Identity
from precast_app.config import BATCH_SIZE, CONCURRENT_BATCHES
from precast_app.errors import Conflict, JobFailed, NotASpreadsheet, NotFound, RequestError, TooLarge, TooManyRequests
from precast_app.extensions import current_settings, db
from precast_app.jobs import broker, idempotency, lifecycle, registry
from precast_app.jobs.broker import ImportRqJob, ImportRqQueue
from precast_app.models import FileChunk, ImportJob, JobStatus, OnError, Phase, Project
from precast_app.spreadsheets import UnreadableFile

log = logging.getLogger(__name__)


_COPY_FILE = text("""
    INSERT INTO import_file_chunks (job_id, number, data)
    SELECT :new, number, data FROM import_file_chunks WHERE job_id = :old
""")


@dataclass(frozen=True, slots=True)
class JobOptions:
    """How a job is carried out: data rows a batch, batches at once, only looked at or done, and what bad rows stop.

    With `create_missing` what headings name and the project lacks is made.
    """

    batch_size: int = BATCH_SIZE
    concurrent_batches: int = CONCURRENT_BATCHES
    dry_run: bool = False
    on_error: str = OnError.SKIP
    create_missing: bool = False


@dataclass(frozen=True, slots=True)
class Upload:
    """A file as it comes in: seekable bytes, and the name that it had on the sender's machine."""

    stream: IO[bytes]
    name: str


def submit(
    *,
    project_id: int,
    job_type: str,
    created_by: str,
    options: JobOptions,
    upload: Upload | None,
    idempotency_key: str | None = None,
    started_by_user_id: int | None = None,
) -> ImportJob:
    """Store a job, with its file if there is one, and ring for it. Raises `errors.RequestError` for what can be told
    now.

    Without `started_by_user_id` it is a job of the server's command line. The same `idempotency_key` of the same
    sender within a
    day answers with the same job; with another upload it is a `Conflict`.
    """
    if db.session.get(Project, project_id) is None:
        raise NotFound(f"There is no project {project_id}.")
    registry.get_creatable(job_type)
    total = _validate_upload(upload, job_type, created_by) if upload else 0
    job = _new_job(project_id, job_type, created_by, options)
    job.total_items, job.idempotency_key, job.started_by_user_id = total, idempotency_key, started_by_user_id
    if upload:
        _set_file_metadata(job, upload)
        job.phase, job.queued_at = Phase.QUEUED, datetime.now(UTC)
    if idempotency_key is not None and (existing := idempotency.find_existing(job)):
        db.session.commit()
        return existing
    _check_open_job_limit(project_id)
    db.session.add(job)
    try:
        db.session.flush()
    except IntegrityError:
        # The same key came in the same moment, and its job is there now.
        db.session.rollback()
        if idempotency_key is not None and (existing := idempotency.find_existing(job)):
            return existing
        raise
    if upload:
        _store_file(job, upload)
    _audit_creation(job)
    db.session.commit()
    if upload:
        enqueue(job.id)
    return job


def resubmit_file(old: ImportJob, starter: Identity, applies_job_id: int | None = None) -> ImportJob:
    """A new job for the file of another one, with its options, and ring for it; `Conflict` where the file is not kept.

    It is no dry run, whatever the other one was; `applies_job_id` names the dry run that it carries out.
    """
    if not has_file(old.id):
        raise Conflict(f"The file of job {old.id} is kept no longer. Upload it again.")
    _check_open_job_limit(old.project_id)
    options = JobOptions(
        old.batch_size, old.concurrent_batches, on_error=old.on_error, create_missing=old.create_missing
    )
    job = _new_job(old.project_id, old.job_type, starter.name, options)
    job.started_by_user_id = starter.user_id
    job.total_items, job.applies_job_id = old.total_items, applies_job_id
    job.file_name, job.file_bytes, job.file_sha256 = old.file_name, old.file_bytes, old.file_sha256
    job.phase, job.queued_at = Phase.QUEUED, datetime.now(UTC)
    db.session.add(job)
    db.session.flush()
    db.session.execute(_COPY_FILE, {"new": job.id, "old": old.id})
    _audit_creation(job, of_job=old.id)
    db.session.commit()
    enqueue(job.id)
    return job


def _check_open_job_limit(project_id: int) -> None:
    """A project's jobs wait for each other: where very many do, something sends them without end."""
    waiting = db.session.scalar(
        select(func.count()).where(
            ImportJob.project_id == project_id, ImportJob.status.in_((JobStatus.PENDING, JobStatus.PROCESSING))
        )
    )
    if (waiting or 0) >= current_settings().max_open_jobs:
        raise TooManyRequests(
            f"{waiting} jobs of this project wait or are under way. Wait until some have ended, or cancel some.", 60
        )


def _new_job(project_id: int, job_type: str, created_by: str, options: JobOptions) -> ImportJob:
    return ImportJob(project_id=project_id, job_type=job_type, created_by=created_by, **asdict(options))


def _audit_creation(job: ImportJob, **details: int) -> None:
    about = f"job {job.id}: {job.file_name or job.job_type}"
    audit.record(
        "job.create", who=job.created_by, project_id=job.project_id, about=about, job_type=job.job_type,
        dry_run=job.dry_run, **details,
    )  # fmt: skip


def retry(job_id: int, started_by_user_id: int) -> ImportJob:
    """Do a failed job again, from its kept file; batches that are in stay in and are not done again."""
    job = db.session.get_one(ImportJob, job_id)
    if job.undoes_job_id is None and not has_file(job_id):
        raise Conflict(f"The file of job {job_id} is kept no longer, or never came. Upload it as a new job.")
    if not lifecycle.retry(job_id):
        db.session.rollback()
        raise Conflict(
            f"Job {job_id} has not failed, or it was undone, or something of it was left when it was cancelled. Only a "
            "failed job can be tried again; otherwise upload its file as a new job."
        )
    job.started_by_user_id = started_by_user_id
    audit.record("job.retry", project_id=job.project_id, about=f"job {job.id}")
    db.session.commit()
    enqueue(job_id)
    return db.session.get_one(ImportJob, job_id, populate_existing=True)


def has_file(job_id: int) -> bool:
    """Whether the job's file is kept."""
    return bool(db.session.scalar(select(exists().where(FileChunk.job_id == job_id))))


def attach_file(job_id: int, upload: Upload, starter: Identity) -> ImportJob:
    """Give a waiting job its file and start it; `Conflict` where it has one."""
    job = db.session.get_one(ImportJob, job_id)
    total = _validate_upload(upload, job.job_type, starter.name)
    if not lifecycle.mark_queued(job_id):
        db.session.rollback()
        raise Conflict(f"Job {job_id} isn't waiting for a file. Create a new job for this file.")
    job.total_items, job.started_by_user_id = total, starter.user_id
    _set_file_metadata(job, upload)
    _store_file(job, upload)
    audit.record("job.file", project_id=job.project_id, about=f"job {job.id}: {job.file_name}")
    db.session.commit()
    enqueue(job_id)
    return job


def cancel(job_id: int, user: str) -> ImportJob:
    """Stop a job that has not ended; `Conflict` where it has."""
    if not lifecycle.cancel(job_id, user):
        raise Conflict(f"Job {job_id} has ended; it can't be cancelled any more.")
    job = db.session.get_one(ImportJob, job_id, populate_existing=True)
    audit.record("job.cancel", who=user, project_id=job.project_id, about=f"job {job.id}")
    db.session.commit()
    if job.status == "failed":
        enqueue_next(job.project_id)
    return job


def enqueue(job_id: int, after: int | None = None) -> bool:
    """Put the job's number into the queue. Where Redis is away, the watchman rings later.

    With `after`, how often it was enqueued when it was found lost, return False if another process enqueued it since.
    """
    number = db.session.execute(
        text("""
            UPDATE import_jobs SET enqueue_count = enqueue_count + 1, enqueued_at = clock_timestamp()
            WHERE id = :id AND enqueue_count = coalesce(:after, enqueue_count) RETURNING enqueue_count
        """),
        {"id": job_id, "after": after},
    ).scalar_one_or_none()
    db.session.commit()
    if number is None:
        return False
    settings = current_settings()
    try:
        rq_queue().enqueue_call(
            broker.RUN_JOB,
            args=(job_id,),
            job_id=broker.rq_job_id(job_id, number),
            timeout=settings.job_timeout_seconds,
            result_ttl=broker.RESULT_TTL_SECONDS,
            failure_ttl=broker.FAILURE_TTL_SECONDS,
        )
    except RedisError:
        log.warning("Redis could not be reached; job %d waits for the watchman.", job_id, exc_info=True)
    return True


def enqueue_next(project_id: int) -> None:
    """Ring for the job of the project whose turn it is."""
    following = db.session.execute(
        text("""
            SELECT id FROM import_jobs WHERE project_id = :project_id AND status = 'pending' AND phase = 'queued'
            ORDER BY queued_at, id LIMIT 1
        """),
        {"project_id": project_id},
    ).scalar()
    db.session.rollback()
    if following is not None:
        enqueue(following)


def redis_connection() -> Redis:
    """A connection to Redis that gives up rather than hang."""
    settings = current_settings()
    seconds = settings.redis_timeout_seconds
    no_retry = Retry(NoBackoff(), 0)
    return Redis.from_url(settings.redis_url, socket_connect_timeout=seconds, socket_timeout=seconds, retry=no_retry)


def worker_redis_connection() -> Redis:
    """A connection without a time limit for reading: a worker waits in it for the next ring."""
    return Redis.from_url(current_settings().redis_url, socket_connect_timeout=3, socket_keepalive=True)


def rq_queue() -> ImportRqQueue:
    """The queue that web and worker share."""
    return ImportRqQueue(current_settings().queue_name, connection=redis_connection(), serializer=JSONSerializer)


def enqueued_ids(rq_ids: list[str]) -> frozenset[str]:
    """Return those of the ids that no worker has taken yet; empty if Redis can't be reached."""
    try:
        return rq_queue().holding(rq_ids)
    except RedisError:
        return frozenset()


def delete_rq_job(rq_id: str) -> None:
    """Remove what a worker that was killed while it took this id has left in Redis."""
    try:
        redis_connection().delete(ImportRqJob.key_for(rq_id))
    except RedisError:
        log.warning("Redis could not be reached; what it knows of %s is left there.", rq_id)


def has_worker() -> bool:
    """Whether a worker has said lately that it is there."""
    return bool(worker_names())


def worker_names() -> list[str]:
    """What the workers that have said lately that they are there call themselves."""
    redis = redis_connection()
    keys: Any = redis.smembers(worker_registration.WORKERS_BY_QUEUE_KEY % current_settings().queue_name)
    prefix = Worker.redis_worker_namespace_prefix.encode()
    return [key.removeprefix(prefix).decode(errors="replace") for key in keys if redis.exists(key)]


def _validate_upload(upload: Upload, job_type: str, owner: str) -> int:
    """Return the number of data rows; raise for a file that can't be taken. Ends the transaction."""
    db.session.rollback()
    size = upload.stream.seek(0, 2)
    upload.stream.seek(0)
    limit = current_settings().max_upload_bytes
    if size > limit:
        raise TooLarge(
            f"The file has {size / 1e6:.1f} MB; {limit / 1e6:.1f} MB is the most. Split it, and upload the parts."
        )
    try:
        return parsing.get_service().count_rows(upload.stream, job_type, owner)
    except UnreadableFile as refused:
        error = (
            RequestError
            if refused.code == "empty_file" or refused.code in parsing.RESOURCE_LIMIT_CODES
            else NotASpreadsheet
        )
        raise error(str(refused), {"file": [str(refused)]}) from refused
    except JobFailed as failed:
        raise RequestError(str(failed), {"file": [str(failed)]}) from failed


def _store_file(job: ImportJob, upload: Upload) -> None:
    """Put the file into the database, in pieces."""
    upload.stream.seek(0)
    number = 0
    while data := upload.stream.read(current_settings().upload_chunk_bytes):
        db.session.execute(insert(FileChunk), {"job_id": job.id, "number": number, "data": data})
        number += 1


def _set_file_metadata(job: ImportJob, upload: Upload) -> None:
    """Tell the job what its file is: name, size and digest."""
    job.file_bytes = upload.stream.seek(0, 2)
    upload.stream.seek(0)
    digest = hashlib.sha256()
    while data := upload.stream.read(current_settings().upload_chunk_bytes):
        digest.update(data)
    job.file_sha256 = digest.hexdigest()
    name = "".join(filter(str.isprintable, PurePath(upload.name.replace("\\", "/")).name))
    job.file_name = name[-255:] or "upload"


def queue_positions(jobs: list[ImportJob]) -> dict[int, int]:
    """Of each queued job, its place among all that are queued, from 1."""
    waiting = db.session.scalars(
        select(ImportJob.id)
        .where(ImportJob.status == "pending", ImportJob.phase == Phase.QUEUED)
        .order_by(ImportJob.queued_at, ImportJob.id)
    )
    wanted = {job.id for job in jobs}
    return {job_id: place for place, job_id in enumerate(waiting, 1) if job_id in wanted}
