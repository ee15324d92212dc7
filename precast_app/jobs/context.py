"""What a job's function receives and returns, and how it stores its issues."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar

from flask import Flask
from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.orm import Session

from precast_app.config import Settings
from precast_app.errors import ImportAborted
from precast_app.extensions import db, settings_of
from precast_app.importing import batch_runner
from precast_app.importing.corrections import Corrections
from precast_app.importing.counts import Counts
from precast_app.importing.issues import Issue, IssueOverflow
from precast_app.importing.review.choice import ReviewChoice
from precast_app.jobs import lifecycle
from precast_app.jobs.lifecycle import Lease, Progress
from precast_app.jobs.progress import ProgressReporter
from precast_app.messages import Message, join_messages, plural_message
from precast_app.models import ImportJob, OnError, Phase, Severity
from precast_app.models import Issue as IssueRow

Item = TypeVar("Item")
NO_OVERFLOW = IssueOverflow()
NO_CHOICE = ReviewChoice()

_LISTED_ERRORS = 3
_ROWS_PER_INSERT = 1_000
_SEVERITY_ORDER = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.INFO: 2}


@dataclass(frozen=True, slots=True)
class JobContext:
    """A running job: its options, its lease, and the reporter of its progress."""

    app: Flask
    lease: Lease
    reporter: ProgressReporter
    project_id: int
    job_type: str
    batch_size: int
    concurrent_batches: int
    dry_run: bool
    on_error: OnError
    create_missing: bool
    choice: ReviewChoice = NO_CHOICE
    # The JSON of the import profile; None: the file is read by the project's own headings.
    profile: dict[str, Any] | None = None
    corrections: Corrections | None = None
    corrections_version: int = 0
    # The rows that the job is limited to; None: all rows.
    only_rows: frozenset[int] | None = None
    # What a job without a file was asked for; each type of such jobs has parameters of its own.
    parameters: dict[str, Any] = field(default_factory=dict)

    @property
    def job_id(self) -> int:
        """The id of the job."""
        return self.lease.job_id

    @property
    def settings(self) -> Settings:
        """The settings of the process."""
        return settings_of(self.app)

    def fence(self, session: Session) -> None:
        """Keep the lease from being taken until the session's transaction ends; raise as `lifecycle.fence` does."""
        lifecycle.fence(session, self.lease)

    def checked(self, items: Iterable[Item]) -> Iterator[Item]:
        """Yield the items; raise as `ProgressReporter.raise_if_stopped` does as soon as the job has to stop."""
        for item in items:
            self.reporter.raise_if_stopped()
            yield item

    def report_progress(
        self,
        phase: Phase,
        *,
        total: int | None = None,
        processed: int | None = None,
        counts: Counts | None = None,
        warnings: int | None = None,
    ) -> None:
        """Report the phase and the numbers that have changed; raise as `ProgressReporter.report` does."""
        latest = self.reporter.latest
        self.reporter.report(
            Progress(
                phase,
                total=latest.total if total is None else total,
                processed=latest.processed if processed is None else processed,
                counts=latest.counts if counts is None else counts,
                warnings=latest.warnings if warnings is None else warnings,
            )
        )


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a completed job returns: its `result` and, as its `error`, the first few rejected rows."""

    result: str
    error: str | None = None


def store_issues(
    context: JobContext, issues: list[Issue], *, overflow: IssueOverflow = NO_OVERFLOW, replace: bool = True
) -> None:
    """Store issues that belong to no batch, in place of those of an earlier attempt unless `replace` is false.

    At most `max_stored_issues` are stored, errors first. The others are counted in one more issue, together with those
    in `overflow`, which were not collected. Raise as `fence` does. The caller commits.
    """
    limit = context.settings.max_stored_issues
    sorted_issues = (
        issues if len(issues) <= limit else sorted(issues, key=lambda issue: _SEVERITY_ORDER[issue.severity])
    )
    kept, cut = sorted_issues[:limit], sorted_issues[limit:]
    unlisted = overflow.rows | {issue.row for issue in cut if issue.severity is Severity.ERROR and issue.row}
    if count := overflow.count + len(cut):
        message = Message(
            "The file has %(count)s issues; the first %(listed)s are listed. Fix these and upload the file again "
            "to see the others.",
            count=len(kept) + count,
            listed=len(kept),
        )
        kept = [*kept, Issue(severity=Severity.WARNING, code="more_issues", message=message)]
    context.fence(db.session())
    if replace:
        rows = sorted(unlisted - {issue.row for issue in kept}) or None
        db.session.execute(update(ImportJob).where(ImportJob.id == context.job_id).values(unlisted_rows=rows))
        db.session.execute(delete(IssueRow).where(IssueRow.job_id == context.job_id, IssueRow.batch.is_(None)))
    for start in range(0, len(kept), _ROWS_PER_INSERT):
        rows_to_insert: list[dict[str, Any]] = [
            batch_runner.issue_to_row(issue, context.job_id) for issue in kept[start : start + _ROWS_PER_INSERT]
        ]
        db.session.execute(insert(IssueRow), rows_to_insert)


def rows_rejected_by_database(job_id: int) -> frozenset[int]:
    """Return the rows that the database rejected in committed batches, whose counts include them."""
    rejected = select(IssueRow.row).where(IssueRow.job_id == job_id, IssueRow.batch.is_not(None))
    return frozenset(row for row in db.session.scalars(rejected) if row is not None)


def describe_first_errors(job_id: int) -> str | None:
    """Return a text that lists the first few errors, one a line; None if there are none."""
    errors = IssueRow.job_id == job_id, IssueRow.severity == Severity.ERROR
    found = db.session.scalars(
        select(IssueRow).where(*errors).order_by(IssueRow.row, IssueRow.id).limit(_LISTED_ERRORS)
    ).all()
    total = db.session.scalar(select(func.count()).select_from(IssueRow).where(*errors)) or 0
    lines = [_describe_issue(issue) for issue in found]
    if total > len(lines):
        lines.append(Message("… and %(count)s more; the job's issues list them.", count=total - len(lines)))
    return join_messages("\n", lines) if lines else None


def _describe_issue(issue: IssueRow) -> Message:
    location = Message("Row %(row)s", row=issue.row) if issue.row else Message("File")
    if issue.column and not issue.heading:
        location = Message("%(location)s, column %(column)s", location=location, column=issue.column)
    elif issue.column:
        location = Message(
            "%(location)s, column %(column)s (%(heading)s)",
            location=location,
            column=issue.column,
            heading=issue.heading,
        )
    value = Message(" “%(value)s”:", value=issue.value) if issue.value else ""
    return join_messages("", [location, ":", value, " ", issue.text])


def import_summary(total: int, rejected: int) -> str:
    """Return the `result` of an import of this many rows."""
    if not rejected:
        return Message("Successfully processed %(total)s elements", total=total)
    return plural_message(
        "Processed %(processed)s of %(total)s elements; %(count)s row was rejected",
        "Processed %(processed)s of %(total)s elements; %(count)s rows were rejected",
        rejected,
        processed=total - rejected,
        total=total,
    )


def dry_run_summary(created: int, updated: int, unchanged: int, rejected: int) -> str:
    """Return the `result` of a dry run."""
    return plural_message(
        "Would create %(created)s, update %(updated)s and leave %(unchanged)s elements; %(count)s row "
        "would be rejected",
        "Would create %(created)s, update %(updated)s and leave %(unchanged)s elements; %(count)s rows "
        "would be rejected",
        rejected,
        created=created,
        updated=updated,
        unchanged=unchanged,
    )


def abort_error(job_id: int, total: int, rejected: int) -> ImportAborted:
    """Return the exception for a file with rejected rows if `on_error` is `abort`."""
    message = plural_message(
        "%(count)s of %(total)s rows has errors, so nothing was changed (on_error=abort). Fix these rows and "
        "upload the file again.",
        "%(count)s of %(total)s rows have errors, so nothing was changed (on_error=abort). Fix these rows and "
        "upload the file again.",
        rejected,
        total=total,
    )
    return ImportAborted(join_messages("\n", filter(None, (message, describe_first_errors(job_id)))))
