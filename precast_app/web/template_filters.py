"""How values are said on pages: filters and functions of the templates."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from operator import itemgetter
from typing import Any, TypeVar
from urllib.parse import quote

from flask import Flask

from precast_app.auth.permissions import Permission
from precast_app.importing.reference_schema import REFERENCE_SPECS
from precast_app.models import FailureReason, ImportJob, JobStatus, Phase

Thing = TypeVar("Thing")

_NUMBER = re.compile(r"\d+")
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
_FAILURES = {
    FailureReason.CANCELLED: "Cancelled",
    FailureReason.REJECTED: "All rows rejected",
    FailureReason.ABORTED: "Nothing imported",
    FailureReason.GAVE_UP: "Given up",
    FailureReason.EXPIRED: "No file came",
}
# What a person wanted, or what a corrected file ends, is no alarm.
_FAILURE_TONES = {
    FailureReason.CANCELLED: "",
    FailureReason.EXPIRED: "",
    FailureReason.REJECTED: "warn",
    FailureReason.ABORTED: "warn",
}
KINDS = {
    "element_type_import": "Element types",
    "element_type_undo": "Undo",
    **{job_type: spec.title for job_type, spec in REFERENCE_SPECS.items()},
}
_TABS = (
    ("", "Overview", Permission.READ),
    ("/import", "Import", Permission.IMPORT),
    ("/jobs", "Jobs", Permission.READ),
    ("/element-types", "Element types", Permission.READ),
    ("/reference", "Reference data", Permission.READ),
    ("/members", "Members", Permission.MANAGE),
    ("/audit", "Audit", Permission.MANAGE),
)
# Between thousands, too narrow to break a line.
_THIN = "\N{NARROW NO-BREAK SPACE}"


def init_app(app: Flask) -> None:
    """Give the templates their filters."""
    said = {"iso": iso, "day": day, "grouped": grouped, "state": state, "tone": tone, "kind": kind, "value": value}
    app.jinja_env.filters.update(said, in_order=in_order, path_segment=path_segment)
    app.jinja_env.globals.update(tabs=tabs)


def path_segment(name: str) -> str:
    """Return the name as one segment of an address; its slashes must not make several, such as `/../`."""
    return quote(name, safe="")


def tabs(may: Permission) -> list[tuple[str, str]]:
    """Path and label of the parts of a project that one may open."""
    return [(path, label) for path, label, permission in _TABS if may >= permission]


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


def in_order(things: Iterable[Thing], name: str | None = None) -> list[Thing]:
    """As they came, but things whose names differ in numbers alone by these numbers: Floor 2 before Floor 10.

    `name` is where a thing has its name; without it the thing is the name.
    """
    out = list(things)
    alike: dict[str, list[tuple[int, list[int], Thing]]] = defaultdict(list)
    for place, thing in enumerate(out):
        text = str(thing if name is None else thing[name] if isinstance(thing, Mapping) else getattr(thing, name))
        alike[_NUMBER.sub("#", text)].append((place, [int(digits) for digits in _NUMBER.findall(text)], thing))
    for group in alike.values():
        by_number = sorted(group, key=itemgetter(1))
        for (place, _, _), (_, _, thing) in zip(group, by_number, strict=True):
            out[place] = thing
    return out


def kind(job_type: str) -> str:
    """What a job is about."""
    return KINDS.get(job_type, job_type)


def state(job: ImportJob) -> str:
    """How a job stands, in words."""
    if job.status == JobStatus.COMPLETED:
        return "Undone" if job.undone_by_job_id else "Dry run" if job.dry_run else "Completed"
    if job.status == JobStatus.FAILED:
        return _FAILURES.get(FailureReason(job.failure_reason or FailureReason.ERROR), "Failed")
    return _PHASES.get(Phase(job.phase), "Under way")


def tone(job: ImportJob) -> str:
    """The colour of how a job stands."""
    if job.status == JobStatus.COMPLETED:
        return "" if job.undone_by_job_id else "warn" if job.rejected_count else "good"
    if job.status == JobStatus.FAILED:
        return _FAILURE_TONES.get(FailureReason(job.failure_reason or FailureReason.ERROR), "bad")
    return "active"
