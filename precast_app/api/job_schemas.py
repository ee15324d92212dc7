"""Schemas of jobs, issues and changes."""

from __future__ import annotations

from typing import Any

import marshmallow as ma

from precast_app.api.schemas import (
    CursorQuery,
    LenientQuery,
    RequestSchema,
    ResponseSchema,
    Timestamp,
    TranslatedText,
    identifier,
)
from precast_app.models import FailureReason, ImportJob, JobStatus, Missing, PieceStatus, Renames, Severity
from precast_app.queries import changes
from precast_app.queries import jobs as job_queries
from precast_app.queries.paging import MAX_ID, PageRequest

MAX_LEFT_OUT = 100_000


class JobProfile(ResponseSchema):
    """The import profile that a job reads its file by."""

    id = ma.fields.Integer(allow_none=True, metadata={"description": "null if it is not remembered, or deleted since"})
    name = ma.fields.String()
    version = ma.fields.Integer(allow_none=True)


class JobOutput(ResponseSchema):
    """The file that a job has made."""

    file_name = ma.fields.String()
    bytes = ma.fields.Integer()


class LeftOut(RequestSchema):
    """A change of a preview that is left out, by its row or its element type."""

    row = ma.fields.Integer(strict=True, validate=ma.validate.Range(1, MAX_ID))
    element_type_id = identifier(strict=True)

    @ma.validates_schema
    def _has_one(self, data: dict[str, int], **kwargs: Any) -> None:
        if len(data) != 1:
            raise ma.ValidationError("Send either `row` or `element_type_id`.")


class ApplyRequest(RequestSchema):
    """What is carried out of a dry run; without options, all that it would do as a real import."""

    example = {"leave_out": [{"row": 12}], "missing": "remove", "renames": "accept"}

    leave_out = ma.fields.List(
        ma.fields.Nested(LeftOut), load_default=(), validate=ma.validate.Length(max=MAX_LEFT_OUT)
    )
    missing = ma.fields.Enum(Missing, by_value=ma.fields.String, load_default=None)
    renames = ma.fields.Enum(Renames, by_value=ma.fields.String, load_default=None)


class ReviewChoice(ResponseSchema):
    """What a user chose of the dry run that the job applies."""

    leave_out = ma.fields.List(ma.fields.Dict(), metadata={"description": "each has `row` or `element_type_id`"})
    missing = ma.fields.String(metadata={"enum": [*Missing]})
    renames = ma.fields.String(metadata={"enum": [*Renames]})


class Job(ResponseSchema):
    """A job: the fields of `JOB_SYSTEM.md` first, then the ones added since."""

    id = ma.fields.Integer()
    project_id = ma.fields.Integer()
    job_type = ma.fields.String()
    status = ma.fields.String(metadata={"enum": [*JobStatus]})
    progress = ma.fields.Integer(metadata={"description": "whole percent; 100 only when completed"})
    total_items = ma.fields.Integer(metadata={"description": "data rows in the file"})
    processed_items = ma.fields.Integer(metadata={"description": "rows dealt with, rejected ones too"})
    created_by = ma.fields.String()
    created_at = Timestamp()
    updated_at = Timestamp()
    completed_at = Timestamp(allow_none=True)
    error = TranslatedText(allow_none=True)
    result = TranslatedText(allow_none=True)
    phase = ma.fields.String()
    failure_reason = ma.fields.String(
        allow_none=True, metadata={"enum": [*FailureReason, None], "description": "of a failed job; null otherwise"}
    )
    file_name = ma.fields.String(allow_none=True)
    dry_run = ma.fields.Boolean()
    created_count = ma.fields.Integer()
    updated_count = ma.fields.Integer()
    unchanged_count = ma.fields.Integer()
    rejected_count = ma.fields.Integer()
    renamed_count = ma.fields.Integer(metadata={"description": "in a dry run, probable renames"})
    missing_count = ma.fields.Integer(metadata={"description": "element types of the project that the file lacks"})
    removed_count = ma.fields.Integer(metadata={"description": "the missing ones among them that were removed"})
    left_out_count = ma.fields.Integer(metadata={"description": "rows that were left out of a preview"})
    review = ma.fields.Nested(ReviewChoice, allow_none=True)
    pieces_added = ma.fields.Integer()
    pieces_removed = ma.fields.Integer()
    warning_count = ma.fields.Integer()
    started_at = Timestamp(allow_none=True)
    rows_per_second = ma.fields.Float(allow_none=True)
    eta_seconds = ma.fields.Integer(allow_none=True)
    queue_position = ma.fields.Integer(allow_none=True)
    undone_by_job_id = ma.fields.Integer(allow_none=True)
    profile = ma.fields.Nested(JobProfile, allow_none=True)
    output = ma.fields.Nested(JobOutput, allow_none=True)

    @staticmethod
    def of(job: ImportJob, positions: dict[int, int]) -> dict[str, Any]:
        """Return the fields of a job; `positions` maps the ids of queued jobs to their positions in the queue.

        All others come from the job's row: `unchanged_jobs` relies on that.
        """
        nested = ("profile", "output")
        names = [name for name in Job._declared_fields if name not in nested and hasattr(ImportJob, name)]
        pace = job_queries.throughput(job)
        return {
            **{name: getattr(job, name) for name in names},
            "error": job.error_text,
            "result": job.result_text,
            "profile": _profile_of(job),
            "output": {"file_name": job.output_name, "bytes": job.output_bytes} if job.output_name else None,
            "rows_per_second": pace.rows_per_second,
            "eta_seconds": pace.seconds_left,
            "queue_position": positions.get(job.id),
        }


def _profile_of(job: ImportJob) -> dict[str, Any] | None:
    if job.profile_name is None:
        return None
    version = job.profile_version if job.profile_id is not None else None
    return {"id": job.profile_id, "name": job.profile_name, "version": version}


class OneJob(ResponseSchema):
    """The response with one job."""

    job = ma.fields.Nested(Job)


class UnfinishedJobs(ResponseSchema):
    """The jobs of a project that have not ended."""

    jobs = ma.fields.List(ma.fields.Nested(Job))
    count = ma.fields.Integer()


class Pagination(ResponseSchema):
    """Which page of a list the response has; pages count from 1."""

    page = ma.fields.Integer()
    page_size = ma.fields.Integer()
    total = ma.fields.Integer(metadata={"description": "number of all items, as `count`"})
    pages = ma.fields.Integer()


class Jobs(ResponseSchema):
    """A page of jobs."""

    jobs = ma.fields.List(ma.fields.Nested(Job))
    count = ma.fields.Integer()
    pagination = ma.fields.Nested(Pagination)


def pagination(page: PageRequest, count: int) -> dict[str, int]:
    """Return the fields of `Pagination`."""
    return {
        "page": page.offset // page.limit + 1,
        "page_size": page.limit,
        "total": count,
        "pages": -(-count // page.limit),
    }


class JobsQuery(LenientQuery, CursorQuery):
    """The jobs to list. Existing clients page by `page` and `page_size`."""

    status = ma.fields.String(validate=ma.validate.OneOf([*JobStatus]))
    job_type = ma.fields.String()
    page = ma.fields.Integer(
        validate=ma.validate.Range(1, MAX_ID),
        metadata={"description": "number of the page, from 1; takes precedence over `offset`"},
    )
    page_size = ma.fields.Integer(
        validate=ma.validate.Range(1, 1000), metadata={"description": "takes precedence over `limit`"}
    )

    @ma.post_load
    def _to_limit_and_offset(self, data: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        limit = data.pop("page_size", data["limit"])
        number = data.pop("page", None)
        offset = data["offset"] if number is None else (number - 1) * limit
        return {**data, "limit": limit, "offset": offset}


class CreatedJob(ResponseSchema):
    """The response to a request that created, started or cancelled a job."""

    message = ma.fields.String()
    job_id = ma.fields.Integer()
    status = ma.fields.String()


class AcceptedJob(CreatedJob):
    """The response to an import."""

    total_elements = ma.fields.Integer()
    batch_size = ma.fields.Integer()
    concurrent_batches = ma.fields.Integer()


class Issue(ResponseSchema):
    """An error, a warning or a note about a file."""

    severity = ma.fields.String(metadata={"enum": [*Severity]})
    sheet = ma.fields.String(allow_none=True)
    row = ma.fields.Integer(allow_none=True)
    column = ma.fields.String(allow_none=True)
    cell = ma.fields.String(allow_none=True)
    heading = ma.fields.String(allow_none=True)
    value = ma.fields.String(allow_none=True)
    code = ma.fields.String()
    message = TranslatedText(attribute="text")
    id = ma.fields.Integer(metadata={"description": "for the option `after`"})


class Issues(ResponseSchema):
    """A page of issues."""

    issues = ma.fields.List(ma.fields.Nested(Issue))
    count = ma.fields.Integer()


class IssuesQuery(CursorQuery):
    """The issues to list."""

    severity = ma.fields.String(validate=ma.validate.OneOf([*Severity]))


class BeforeAfter(ResponseSchema):
    """A field of an element type before and after a change."""

    before = ma.fields.Raw(allow_none=True)
    after = ma.fields.Raw(allow_none=True)


class ChangedElementType(ResponseSchema):
    """What a job did to an element type; the keys of `fields` are headings."""

    change = ma.fields.String(metadata={"enum": [*changes.KINDS]})
    row = ma.fields.Integer(allow_none=True)
    element_type_id = ma.fields.Integer(allow_none=True)
    element_type = ma.fields.String(allow_none=True)
    name = ma.fields.String(allow_none=True)
    # marshmallow schemas have an attribute `fields` of their own.
    changed_fields = ma.fields.Dict(
        keys=ma.fields.String(), values=ma.fields.Nested(BeforeAfter), attribute="fields", data_key="fields"
    )
    old_name = ma.fields.String(allow_none=True, metadata={"description": "of a renamed element type"})
    counterpart = ma.fields.String(
        allow_none=True,
        metadata={"description": "of a new or missing one: the missing or new one with the same name, of another type"},
    )
    pieces = ma.fields.Dict(
        keys=ma.fields.String(metadata={"enum": [*PieceStatus]}),
        values=ma.fields.Integer(),
        metadata={"description": "its pieces by status, as they are now"},
    )
    id = ma.fields.Integer(metadata={"description": "for the option `after`"})


class ChangedElementTypes(ResponseSchema):
    """A page of changes."""

    changes = ma.fields.List(ma.fields.Nested(ChangedElementType))
    count = ma.fields.Integer()


class ChangesQuery(CursorQuery):
    """The changes to list."""

    change = ma.fields.String(load_default=None, validate=ma.validate.OneOf(changes.KINDS))
    field = ma.fields.String(
        load_default=None,
        validate=ma.validate.Length(1, 450),
        metadata={"description": "the heading of a field that has changed"},
    )
    in_production = ma.fields.Boolean(
        load_default=False,
        metadata={"description": "only element types that have pieces in production or further now"},
    )
