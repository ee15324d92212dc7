"""Jobs and their issues."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, select, tuple_
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.orm import aliased

from precast_app.errors import RequestError
from precast_app.extensions import db
from precast_app.message_catalogue import translate
from precast_app.messages import Message
from precast_app.models import FileChunk, ImportJob, Issue, JobStatus, Phase, Severity
from precast_app.queries.job_states import JobState, is_in_state
from precast_app.queries.paging import PageRequest, paginate

# Uploads that are offered for a comparison.
_MAX_COMPARABLE_UPLOADS = 200
# Cells that are named for each kind of issue.
_MAX_CELLS_PER_KIND = 3


def get_job(job_id: int) -> ImportJob:
    """Return a job that is known to exist."""
    return db.session.get_one(ImportJob, job_id)


def queue_positions(jobs: list[ImportJob]) -> dict[int, int]:
    """Return the positions in the queue of those of the jobs that are queued, by job id, counted from 1."""
    if not any(job.phase == Phase.QUEUED for job in jobs):
        return {}
    is_queued = ImportJob.status == JobStatus.PENDING, ImportJob.phase == Phase.QUEUED
    queued = db.session.scalars(select(ImportJob.id).where(*is_queued).order_by(ImportJob.queued_at, ImportJob.id))
    requested = {job.id for job in jobs}
    return {job_id: position for position, job_id in enumerate(queued, 1) if job_id in requested}


def list_jobs(
    project_id: int,
    status: str | None,
    job_type: str | None,
    page: PageRequest,
    state: JobState | None = None,
    *,
    include_applied_dry_runs: bool = True,
) -> tuple[list[ImportJob], int]:
    """Return a page of the project's jobs that have the status, the type and the state, newest first, and their number.

    None stands for any. Without `include_applied_dry_runs`, dry runs from which a job was started are left out.
    """
    query = select(ImportJob).where(ImportJob.project_id == project_id).order_by(ImportJob.id.desc())
    if status:
        query = query.where(ImportJob.status == status)
    if state:
        query = query.where(is_in_state(state))
    if job_type:
        query = query.where(ImportJob.job_type == job_type)
    if not include_applied_dry_runs:
        applying = aliased(ImportJob)
        query = query.where(~select(applying.id).where(applying.applies_job_id == ImportJob.id).exists())
    return paginate(query, page, lambda last_id: ImportJob.id < last_id)


def list_unfinished(project_id: int) -> list[ImportJob]:
    """Return the project's pending and processing jobs, newest first; `MAX_OPEN_JOBS` limits their number."""
    unfinished = ImportJob.status.in_((JobStatus.PENDING, JobStatus.PROCESSING))
    query = select(ImportJob).where(ImportJob.project_id == project_id, unfinished).order_by(ImportJob.id.desc())
    return list(db.session.scalars(query))


def find_applying_job(dry_run_id: int) -> ImportJob | None:
    """Return the newest job that applies the dry run and has neither failed nor been undone; None if there is none."""
    query = select(ImportJob).where(
        ImportJob.applies_job_id == dry_run_id,
        ImportJob.status != JobStatus.FAILED,
        ImportJob.undone_by_job_id.is_(None),
    )
    return db.session.scalar(query.order_by(ImportJob.id.desc()).limit(1))


def find_correcting_job(job_id: int) -> ImportJob | None:
    """Return the newest job that imports the rejected rows of the job and was not undone; None if there is none."""
    query = select(ImportJob).where(ImportJob.corrects_job_id == job_id, ImportJob.undone_by_job_id.is_(None))
    return db.session.scalar(query.order_by(ImportJob.id.desc()).limit(1))


def list_comparable_uploads(job: ImportJob) -> list[ImportJob]:
    """Return the newest jobs of the job's project whose files of element types are stored, one for each file."""
    stored = select(FileChunk.job_id).where(FileChunk.job_id == ImportJob.id, FileChunk.number == 0).exists()
    query = (
        select(ImportJob)
        .where(ImportJob.project_id == job.project_id, ImportJob.job_type == "element_type_import", stored)
        .order_by(ImportJob.id.desc())
        .limit(_MAX_COMPARABLE_UPLOADS)
    )
    by_content: dict[str | None, ImportJob] = {job.file_sha256: job}
    for each in db.session.scalars(query):
        by_content.setdefault(each.file_sha256, each)
    return sorted(by_content.values(), key=lambda each: -each.id)


def list_issues(
    job_id: int, severity: str | None, page: PageRequest, *, without_code: str | None = None
) -> tuple[list[Issue], int]:
    """Return a job's issues by row, those about the whole file first, and their number; those of a code left out.

    Raise `RequestError` if `page.after` is not the id of one of them.
    """
    query = select(Issue).where(Issue.job_id == job_id).order_by(Issue.row.asc().nulls_first(), Issue.id)
    if severity:
        query = query.where(Issue.severity == severity)
    if without_code:
        query = query.where(Issue.code != without_code)

    def is_after(last_id: int) -> ColumnElement[bool]:
        last = db.session.execute(select(Issue.row).where(Issue.job_id == job_id, Issue.id == last_id)).one_or_none()
        if last is None:
            raise RequestError(
                Message(
                    "Job %(job)s has no issue %(issue)s any more. Read its issues again, from the first one.",
                    job=job_id,
                    issue=last_id,
                ),
                {"query": {"after": ["Unknown issue."]}},
            )
        # Rows count from 1, so 0 stands for the whole file.
        return tuple_(func.coalesce(Issue.row, 0), Issue.id) > (last.row or 0, last_id)

    return paginate(query, page, is_after)


_UNLISTED = Message(
    "This row has errors that are not listed, because the file has too many issues. Upload it again to see them."
)


def iterate_issues(job_id: int) -> Iterator[Issue]:
    """Yield all issues of a job by row, those about the whole file first; they are read in portions."""
    query = select(Issue).where(Issue.job_id == job_id).order_by(Issue.row.asc().nulls_first(), Issue.id)
    yield from db.session.scalars(query.execution_options(yield_per=500))


def load_issues(job_id: int) -> list[Issue]:
    """Return all of a job's issues by row, as objects that stay readable after the transaction has ended."""
    issues = list(iterate_issues(job_id))
    for issue in issues:
        db.session.expunge(issue)
    return issues


def rejection_reasons(job_id: int, language: str) -> dict[int, str]:
    """Return the messages of each rejected row in a language, one a line, by row number."""
    found: dict[int, list[str]] = {}
    errors = select(Issue).where(Issue.job_id == job_id, Issue.severity == Severity.ERROR, Issue.row.is_not(None))
    for issue in db.session.scalars(errors.order_by(Issue.row, Issue.id)):
        column = f"{issue.column} ({issue.heading}): " if issue.column else ""
        found.setdefault(issue.row or 0, []).append(column + translate(issue.text, language))
    unlisted = db.session.scalar(select(ImportJob.unlisted_rows).where(ImportJob.id == job_id)) or ()
    listed = {row: "\n".join(messages) for row, messages in found.items()}
    return {**dict.fromkeys(unlisted, translate(_UNLISTED, language)), **listed}


@dataclass(frozen=True, slots=True)
class Throughput:
    """Speed of a job: rows per second and, while it runs, the estimated seconds that are left."""

    rows_per_second: float | None = None
    seconds_left: int | None = None


def throughput(job: ImportJob) -> Throughput:
    """Return the speed from the job's start to its end or latest progress; without values before the first row."""
    end = job.completed_at or job.updated_at
    if job.started_at is None or end is None or not job.processed_items:
        return Throughput()
    rate = job.processed_items / max((end - job.started_at).total_seconds(), 0.001)
    left = round((job.total_items - job.processed_items) / rate) if job.status == JobStatus.PROCESSING else None
    return Throughput(round(rate, 1), left)


def has_marked_cells(job_id: int) -> bool:
    """Return whether the job has errors or warnings about single cells, which the annotated copy of its file marks."""
    query = select(Issue.id).where(
        Issue.job_id == job_id,
        Issue.severity != Severity.INFO,
        Issue.row.is_not(None),
        Issue.column.is_not(None),
    )
    return db.session.scalar(select(query.exists())) is True


@dataclass(frozen=True, slots=True)
class IssueKind:
    """The issues of a job with the same severity and code: their number, the first message, and the first cells.

    A cell is such as `C17`, `17` if the issue is about a whole row, and `C` if it is about a column.
    """

    severity: str
    code: str
    count: int
    message: Message
    cells: list[str]


def list_issue_kinds(job_id: int) -> list[IssueKind]:
    """Return the kinds of issues of a job, errors first, and the most frequent ones before others."""
    number = func.count().label("number")
    cell = func.concat(Issue.column, Issue.row)
    cells = func.array_agg(aggregate_order_by(cell, Issue.row, Issue.id))
    found = (
        select(Issue.severity, Issue.code, number, func.min(Issue.id), cells[1:_MAX_CELLS_PER_KIND])
        .where(Issue.job_id == job_id)
        .group_by(Issue.severity, Issue.code)
        .order_by(Issue.severity, number.desc())
    )
    kinds = db.session.execute(found).all()
    first = select(Issue).where(Issue.id.in_([kind[3] for kind in kinds]))
    texts = {issue.id: issue.text for issue in db.session.scalars(first)}
    return [
        IssueKind(severity, code, count, texts[first_id], [*filter(None, shown)])
        for severity, code, count, first_id, shown in kinds
        if first_id in texts
    ]
