"""The jobs: the contract's table `import_jobs`, and the file, batches, issues and changes of each job."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Text,
    false,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from precast_app.enums import FailureReason, JobStatus, Missing, OnError, Phase, Renames, Severity
from precast_app.enums import Mapping as MappingOption
from precast_app.extensions import Model
from precast_app.messages import Message, Parts, restore
from precast_app.models.column_types import Id, one_of


def _counter() -> Any:
    return mapped_column(Integer, server_default="0")


def _timestamp(**options: Any) -> Any:
    return mapped_column(DateTime(timezone=True), **options)


class ImportJob(Model):
    """A job. Only `jobs/lifecycle.py` changes its status and progress."""

    __tablename__ = "import_jobs"
    __table_args__ = (
        one_of("status", JobStatus),
        one_of("on_error", OnError),
        one_of("phase", Phase),
        one_of("failure_reason", FailureReason),
        one_of("mapping", MappingOption),
        one_of("missing", Missing),
        one_of("renames", Renames),
        CheckConstraint("progress BETWEEN 0 AND 100", name="progress"),
        CheckConstraint("(status = 'completed') = (progress = 100)", name="complete_at_100"),
        CheckConstraint("(status IN ('completed', 'failed')) = (completed_at IS NOT NULL)", name="ended"),
        CheckConstraint("(status = 'processing') = (lease_token IS NOT NULL)", name="leased"),
        # One job of a project runs at a time.
        Index(
            "uq_import_jobs_project_processing",
            "project_id",
            unique=True,
            postgresql_where=text("status = 'processing'"),
        ),
        Index("ix_import_jobs_project_id_id", "project_id", "id"),
        # When a job is deleted, PostgreSQL looks for the rows that refer to it.
        *(
            Index(None, name, postgresql_where=text(f"{name} IS NOT NULL"))
            for name in ("applies_job_id", "undoes_job_id", "undone_by_job_id", "profile_id", "corrects_job_id")
        ),
        # A job is undone once, but an undo that failed can be repeated.
        Index(
            "uq_import_jobs_undoes_job_id", "undoes_job_id", unique=True, postgresql_where=text("status <> 'failed'")
        ),
        Index(
            "uq_import_jobs_created_by_idempotency_key",
            "created_by",
            "idempotency_key",
            unique=True,
            postgresql_where=text("idempotency_key IS NOT NULL"),
        ),
        Index(
            "ix_import_jobs_unfinished",
            "queued_at",
            postgresql_where=text("status IN ('pending', 'processing')"),
        ),
    )

    # The contract's columns, in the contract's order.
    id: Mapped[Id]
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"))
    job_type: Mapped[str] = mapped_column(String(50))
    status: Mapped[str] = mapped_column(String(20), server_default=JobStatus.PENDING)
    progress: Mapped[int] = _counter()
    total_items: Mapped[int] = _counter()
    processed_items: Mapped[int] = _counter()
    created_by: Mapped[str] = mapped_column(String(100))
    created_at: Mapped[datetime | None] = _timestamp(server_default=func.current_timestamp())
    updated_at: Mapped[datetime | None] = _timestamp(server_default=func.current_timestamp())
    completed_at: Mapped[datetime | None] = _timestamp()
    error: Mapped[str | None] = mapped_column(Text)
    result: Mapped[str | None] = mapped_column(Text)

    # What the texts of `error` and `result` in another language are made from (`precast_app.messages`).
    error_parts: Mapped[Parts | None] = mapped_column(JSON(none_as_null=True))
    result_parts: Mapped[Parts | None] = mapped_column(JSON(none_as_null=True))

    # The user whose permission the job needs: the last one to create it, attach its file or retry it. None for a job of
    # the server's command line, which needs no permission. No foreign key with SET NULL: deleting a user would turn the
    # user's waiting jobs into such jobs.
    started_by_user_id: Mapped[int | None]

    # The file and the options.
    file_name: Mapped[str | None] = mapped_column(String(255))
    file_bytes: Mapped[int | None] = mapped_column(BigInteger)
    file_sha256: Mapped[str | None] = mapped_column(String(64))
    batch_size: Mapped[int]
    concurrent_batches: Mapped[int]
    dry_run: Mapped[bool] = mapped_column(server_default=false())
    on_error: Mapped[str] = mapped_column(String(10), server_default=OnError.SKIP)
    create_missing: Mapped[bool] = mapped_column(server_default=false())
    # The client's choice of a profile: `auto`, `none` or an id; and what to do if the headings are not understood.
    use_profile: Mapped[str] = mapped_column(String(12), server_default="auto")
    mapping: Mapped[str] = mapped_column(String(10), server_default=MappingOption.REFUSE)
    # What happens to element types that the file lacks, and to probable renames.
    missing: Mapped[str] = mapped_column(String(10), server_default=Missing.KEEP)
    renames: Mapped[str] = mapped_column(String(10), server_default=Renames.ASK)
    # What the user chose when the job was created from a preview (`importing.review.choice`); null for other jobs.
    review: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    # Whether the job can't run before somebody maps the columns of its file.
    needs_mapping: Mapped[bool] = mapped_column(server_default=false())
    # The profile by which the file is read, as it was when the job was created; null: by the project's own headings.
    profile: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True), deferred=True)
    profile_name: Mapped[str | None] = mapped_column(String(150))
    # The remembered profile that it is a version of; null if it was not remembered or has been deleted since.
    profile_id: Mapped[int | None] = mapped_column(ForeignKey("import_profiles.id", ondelete="SET NULL"))
    profile_version: Mapped[int | None]
    # The dry run that this job applies.
    applies_job_id: Mapped[int | None] = mapped_column(ForeignKey("import_jobs.id", ondelete="SET NULL"))
    # The job that this one undoes, and the one that has undone this one.
    undoes_job_id: Mapped[int | None] = mapped_column(ForeignKey("import_jobs.id", ondelete="CASCADE"))
    undone_by_job_id: Mapped[int | None] = mapped_column(ForeignKey("import_jobs.id", ondelete="SET NULL"))
    # The client's `Idempotency-Key`, valid for a day.
    idempotency_key: Mapped[str | None] = mapped_column(String(200))

    # The project's reference data as the job's first attempt found it: every attempt maps the columns alike.
    reference: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True), deferred=True)

    # What a job was asked for beside the options of an import; each job type has parameters of its own.
    parameters: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    # The file that the job made, stored in `job_output_chunks`: its name, media type and size.
    output_name: Mapped[str | None] = mapped_column(String(255))
    output_type: Mapped[str | None] = mapped_column(String(100))
    output_bytes: Mapped[int | None] = mapped_column(BigInteger)

    # The hash of a dry run's plan, and the element types of the file that the job did not change.
    plan_digest: Mapped[str | None] = mapped_column(String(64))
    unchanged_ids: Mapped[list[int] | None] = mapped_column(ARRAY(Integer), deferred=True)

    # The version of the job's corrections, and the one that its last run has used; 0: none.
    corrections_version: Mapped[int] = _counter()
    checked_corrections_version: Mapped[int] = _counter()
    # The headings of the sheet as the last run read them, for checking single rows without the file.
    sheet_layout: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True), deferred=True)
    # The rows that the job is limited to, and the job that rejected them.
    only_rows: Mapped[list[int] | None] = mapped_column(ARRAY(Integer), deferred=True)
    corrects_job_id: Mapped[int | None] = mapped_column(ForeignKey("import_jobs.id", ondelete="SET NULL"))

    # Rejected rows whose issues are not stored, because there are too many.
    unlisted_rows: Mapped[list[int] | None] = mapped_column(ARRAY(Integer), deferred=True)

    # Progress, as the contract doesn't have it.
    phase: Mapped[str] = mapped_column(String(20), server_default=Phase.WAITING_FOR_FILE)
    queued_at: Mapped[datetime | None] = _timestamp()
    started_at: Mapped[datetime | None] = _timestamp()
    created_count: Mapped[int] = _counter()
    updated_count: Mapped[int] = _counter()
    unchanged_count: Mapped[int] = _counter()
    rejected_count: Mapped[int] = _counter()
    renamed_count: Mapped[int] = _counter()
    missing_count: Mapped[int] = _counter()
    removed_count: Mapped[int] = _counter()
    left_out_count: Mapped[int] = _counter()
    pieces_added: Mapped[int] = _counter()
    pieces_removed: Mapped[int] = _counter()
    warning_count: Mapped[int] = _counter()

    failure_reason: Mapped[str | None] = mapped_column(String(20))

    # The user who cancelled the job. The worker that holds the lease checks it.
    cancelled_by: Mapped[str | None] = mapped_column(String(100))

    # The lease of the worker that runs the job; how often the job was claimed; how often and when it was enqueued.
    lease_token: Mapped[UUID | None]
    lease_until: Mapped[datetime | None] = _timestamp()
    attempt: Mapped[int] = _counter()
    enqueue_count: Mapped[int] = _counter()
    enqueued_at: Mapped[datetime | None] = _timestamp()

    @property
    def result_text(self) -> Message | None:
        """The result, to be shown in any language."""
        return None if self.result is None else restore(self.result, self.result_parts)

    @property
    def error_text(self) -> Message | None:
        """The error, to be shown in any language."""
        return None if self.error is None else restore(self.error, self.error_parts)

    # The span of the request that enqueued the job first, as the header `traceparent` has it; null without tracing.
    trace_parent: Mapped[str | None] = mapped_column(String(55))


class FileChunk(Model):
    """A chunk of an uploaded file; `number` counts from 0."""

    __tablename__ = "import_file_chunks"

    job_id: Mapped[int] = mapped_column(ForeignKey("import_jobs.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    data: Mapped[bytes] = mapped_column(LargeBinary)


class OutputChunk(Model):
    """A chunk of a file that a job has made; `number` counts from 0."""

    __tablename__ = "job_output_chunks"

    job_id: Mapped[int] = mapped_column(ForeignKey("import_jobs.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    data: Mapped[bytes] = mapped_column(LargeBinary)


class ImportBatch(Model):
    """A committed batch. Its row is committed together with its changes, so a batch is never written twice."""

    __tablename__ = "import_batches"

    job_id: Mapped[int] = mapped_column(ForeignKey("import_jobs.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    created_count: Mapped[int]
    updated_count: Mapped[int]
    rejected_count: Mapped[int]
    renamed_count: Mapped[int] = _counter()
    removed_count: Mapped[int] = _counter()
    pieces_added: Mapped[int]
    pieces_removed: Mapped[int]


class Issue(Model):
    """A problem or note about the file; `row` is the row number that the spreadsheet shows."""

    __tablename__ = "import_issues"
    __table_args__ = (one_of("severity", Severity), Index(None, "job_id", "row", "id"))

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    job_id: Mapped[int] = mapped_column(ForeignKey("import_jobs.id", ondelete="CASCADE"))
    # The batch in which the database rejected the row; null for issues that were found before anything was written.
    batch: Mapped[int | None]
    severity: Mapped[str] = mapped_column(String(10))
    sheet: Mapped[str | None] = mapped_column(String(150))
    row: Mapped[int | None]
    column: Mapped[str | None] = mapped_column(String(3))
    heading: Mapped[str | None] = mapped_column(Text)
    value: Mapped[str | None] = mapped_column(Text)
    code: Mapped[str] = mapped_column(String(50))
    message: Mapped[str] = mapped_column(Text)
    # What the message in another language is made from (`precast_app.messages`); null for a constant text.
    message_parts: Mapped[Parts | None] = mapped_column(JSON(none_as_null=True))

    @property
    def text(self) -> Message:
        """The message, to be shown in any language."""
        return restore(self.message, self.message_parts)

    @property
    def cell(self) -> str | None:
        """The cell as a spreadsheet refers to it, such as `Element Types!C17`; None without a row or a column."""
        if self.row is None or self.column is None:
            return None
        return f"{self.sheet}!{self.column}{self.row}" if self.sheet else f"{self.column}{self.row}"


class ElementTypeChange(Model):
    """A job's change of one element type.

    `fields` is the before-image of what was changed (`precast_app.importing.diff` describes its shape). It is null if
    the job created the element type. `row` is null for an element type that the file lacks.
    """

    __tablename__ = "element_type_changes"
    __table_args__ = (Index(None, "element_type_id"),)

    job_id: Mapped[int] = mapped_column(ForeignKey("import_jobs.id", ondelete="CASCADE"), primary_key=True)
    # No foreign key: the change is kept when the element type is deleted.
    element_type_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    row: Mapped[int | None]
    fields: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))


class PlannedChange(Model):
    """A change of one element type that a dry run plans; `element_type_id` is null if it would be created.

    `fields` has the shape of `ElementTypeChange.fields`.
    """

    __tablename__ = "planned_changes"

    job_id: Mapped[int] = mapped_column(ForeignKey("import_jobs.id", ondelete="CASCADE"), primary_key=True)
    row: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    element_type_id: Mapped[int | None]
    element_type: Mapped[str] = mapped_column(String(150))
    name: Mapped[str] = mapped_column(String(150))
    type_key: Mapped[str] = mapped_column(String(450))
    name_key: Mapped[str] = mapped_column(String(450))
    fields: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    # The measures and the version of an element type that would be created, in the shape of `fields`.
    new_values: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    # The hash of the change, by which a job that applies the dry run recognizes it; null in older dry runs.
    digest: Mapped[str | None] = mapped_column(String(32))
    # A missing element type that has the same name and another type.
    counterpart: Mapped[str | None] = mapped_column(String(310))


class MissingElementType(Model):
    """An element type of the project that the file of a dry run lacks, or that a job renames or removes.

    `renamed_row` is the row that probably renames it. `digest` is the hash of the element type as it was.
    """

    __tablename__ = "missing_element_types"

    job_id: Mapped[int] = mapped_column(ForeignKey("import_jobs.id", ondelete="CASCADE"), primary_key=True)
    # No foreign key: the row is kept when the element type is deleted.
    element_type_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    element_type: Mapped[str] = mapped_column(String(150))
    name: Mapped[str] = mapped_column(String(150))
    renamed_row: Mapped[int | None]
    digest: Mapped[str | None] = mapped_column(String(32))
    # A new element type that has the same name and another type.
    counterpart: Mapped[str | None] = mapped_column(String(310))
