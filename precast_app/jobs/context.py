"""What a job's function is given, what it gives back, and the issues that it stores."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from dataclasses import replace as changed
from typing import Any, TypeVar

from flask import Flask
from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.orm import Session

from precast_app.config import Settings
from precast_app.errors import ImportAborted
from precast_app.extensions import db, settings_of
from precast_app.importing import batch_runner
from precast_app.importing.issues import Issue, IssueOverflow
from precast_app.jobs import lifecycle
from precast_app.jobs.lifecycle import Lease
from precast_app.jobs.progress import ProgressReporter
from precast_app.models import ImportJob, OnError, Phase, Severity
from precast_app.models import Issue as IssueRow

Item = TypeVar("Item")
NO_OVERFLOW = IssueOverflow()

_LISTED_ERRORS = 3
_SEVERITY_ORDER = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.INFO: 2}


@dataclass(frozen=True, slots=True)
class JobContext:
    """One job under way: what it is to do, and how it says how far it is."""

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

    @property
    def job_id(self) -> int:
        """The job's number."""
        return self.lease.job_id

    @property
    def settings(self) -> Settings:
        """The settings of the process."""
        return settings_of(self.app)

    def fence(self, session: Session) -> None:
        """Hold the job for the rest of the session's transaction, or raise `errors.LeaseLost` or
        `errors.JobCancelled`."""
        lifecycle.fence(session, self.lease)

    def checked(self, things: Iterable[Item]) -> Iterator[Item]:
        """The things, for as long as the job is to go on; raises as `fence` does."""
        for each in things:
            self.reporter.raise_if_stopped()
            yield each

    def report_progress(self, phase: Phase, **counts: int) -> None:
        """Tell the phase and the counts that have changed."""
        self.reporter.report(changed(self.reporter.latest, phase=phase, **counts))


@dataclass(frozen=True, slots=True)
class Outcome:
    """The `result` of a completed job, and as `error` the first few rows that it could not take."""

    result: str
    error: str | None = None


def store_issues(
    context: JobContext, issues: list[Issue], *, overflow: IssueOverflow = NO_OVERFLOW, replace: bool = True
) -> None:
    """Keep issues that are of no batch, in place of those of an earlier attempt or beside those that are there.

    Where there are too many the first ones are kept, errors before warnings, and the others counted, with those
    `overflow` that were not even collected.
    """
    limit = context.settings.max_stored_issues
    ranked = issues if len(issues) <= limit else sorted(issues, key=lambda issue: _SEVERITY_ORDER[issue.severity])
    kept, cut = ranked[:limit], ranked[limit:]
    unlisted = overflow.rows | {issue.row for issue in cut if issue.severity is Severity.ERROR and issue.row}
    if count := overflow.count + len(cut):
        message = (
            f"{len(kept) + count} issues were found, of which the first {len(kept)} are listed. Mend these, and upload "
            "the file again to see what is left."
        )
        kept = [*kept, Issue(severity=Severity.WARNING, code="more_issues", message=message)]
    context.fence(db.session())
    if replace:
        rows = sorted(unlisted - {issue.row for issue in kept}) or None
        db.session.execute(update(ImportJob).where(ImportJob.id == context.job_id).values(unlisted_rows=rows))
        db.session.execute(delete(IssueRow).where(IssueRow.job_id == context.job_id, IssueRow.batch.is_(None)))
    for start in range(0, len(kept), 1_000):
        lines: list[dict[str, Any]] = [
            batch_runner.issue_to_row(issue, context.job_id) for issue in kept[start : start + 1_000]
        ]
        db.session.execute(insert(IssueRow), lines)


def rows_rejected_by_database(job_id: int) -> frozenset[int]:
    """The rows that the database refused in batches that are in, and that are counted with them."""
    refused = select(IssueRow.row).where(IssueRow.job_id == job_id, IssueRow.batch.is_not(None))
    return frozenset(row for row in db.session.scalars(refused) if row is not None)


def describe_first_errors(job_id: int) -> str | None:
    """The first few rejected rows, for a person; None where there are none."""
    errors = IssueRow.job_id == job_id, IssueRow.severity == Severity.ERROR
    found = db.session.scalars(
        select(IssueRow).where(*errors).order_by(IssueRow.row, IssueRow.id).limit(_LISTED_ERRORS)
    ).all()
    total = db.session.scalar(select(func.count()).select_from(IssueRow).where(*errors)) or 0
    lines = [_describe_issue(issue) for issue in found]
    if total > len(lines):
        lines.append(f"… and {total - len(lines)} more; the job's issues list them.")
    return "\n".join(lines) or None


def _describe_issue(issue: IssueRow) -> str:
    place = f"Row {issue.row}" if issue.row else "File"
    if issue.column:
        place += f", column {issue.column} ({issue.heading})"
    value = f" “{issue.value}”:" if issue.value else ""
    return f"{place}:{value} {issue.message}"


def import_summary(total: int, rejected: int) -> str:
    """The contract's `result` of an import."""
    if not rejected:
        return f"Successfully processed {total} elements"
    rows = "1 row was" if rejected == 1 else f"{rejected} rows were"
    return f"Processed {total - rejected} of {total} elements; {rows} rejected"


def dry_run_summary(created: int, updated: int, unchanged: int, rejected: int) -> str:
    """The contract's `result` of a dry run."""
    rows = "1 row" if rejected == 1 else f"{rejected} rows"
    return f"Would create {created}, update {updated} and leave {unchanged} elements; {rows} would be rejected"


def abort_error(job_id: int, total: int, rejected: int) -> ImportAborted:
    """The end of a job that goes in as a whole or not at all."""
    rows = "1 row is" if rejected == 1 else f"{rejected} rows are"
    return ImportAborted(
        f"{rows} wrong of {total}, so nothing was changed (on_error=abort). Mend what is listed, and upload the file "
        f"again.\n{describe_first_errors(job_id)}"
    )
