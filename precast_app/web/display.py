"""How values are said on pages: filters and functions of the templates."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from flask import Flask

from precast_app.accounts.permissions import Act
from precast_app.models import ImportJob, JobStatus, Phase

_PHASES = {
    Phase.WAITING_FOR_FILE: "Waiting for its file",
    Phase.QUEUED: "Queued",
    Phase.READING: "Reading the file",
    Phase.CHECKING: "Checking the rows",
    Phase.PLANNING: "Comparing with what is stored",
    Phase.WRITING: "Writing",
    Phase.CANCELLING: "Cancelling",
    Phase.UNDOING: "Taking back",
}
KINDS = {
    "element_type_import": "Element types",
    "element_type_undo": "Undo",
    "hierarchy_import": "Hierarchy",
    "stage_import": "Stages",
    "drawing_type_import": "Drawing types",
    "bom_product_import": "BOM products",
}
_TABS = (
    ("", "Overview", Act.READ),
    ("/import", "Import", Act.IMPORT),
    ("/jobs", "Jobs", Act.READ),
    ("/element-types", "Element types", Act.READ),
    ("/reference", "Reference data", Act.READ),
    ("/members", "Members", Act.MANAGE),
    ("/audit", "Audit", Act.MANAGE),
)
# Between thousands, too narrow to break a line.
_THIN = "\N{NARROW NO-BREAK SPACE}"


def init_app(app: Flask) -> None:
    """Give the templates their filters."""
    app.jinja_env.filters.update(iso=iso, day=day, grouped=grouped, state=state, tone=tone, kind=kind, value=value)
    app.jinja_env.globals.update(tabs=tabs)


def tabs(may: Act) -> list[tuple[str, str]]:
    """Path and label of the parts of a project that one may open."""
    return [(path, label) for path, label, act in _TABS if may >= act]


def iso(moment: datetime) -> str:
    """For the `datetime` of a `<time>`; the page's script says it in words."""
    return moment.astimezone(UTC).isoformat(timespec="seconds")


def day(moment: datetime) -> str:
    """A moment without a script: in UTC."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")


def grouped(number: float) -> str:
    """10 000, and fractions as they are."""
    return f"{number:,}".replace(",", _THIN)


def value(thing: Any) -> str:
    """A cell before or after a change."""
    if thing is None or thing is False or thing == "":
        return "–"
    if thing is True:
        return "yes"
    return f"{thing:f}" if isinstance(thing, Decimal) else str(thing)


def kind(job_type: str) -> str:
    """What a job is about."""
    return KINDS.get(job_type, job_type)


def state(job: ImportJob) -> str:
    """How a job stands, in words."""
    if job.status == JobStatus.COMPLETED:
        return "Undone" if job.undone_by_job_id else "Dry run" if job.dry_run else "Completed"
    if job.status == JobStatus.FAILED:
        return "Cancelled" if job.cancelled_by else "Failed"
    return _PHASES.get(Phase(job.phase), "Under way")


def tone(job: ImportJob) -> str:
    """The colour of how a job stands."""
    if job.status == JobStatus.COMPLETED:
        return "" if job.undone_by_job_id else "warn" if job.rejected_count else "good"
    if job.status == JobStatus.FAILED:
        return "" if job.cancelled_by else "bad"
    return "active"
