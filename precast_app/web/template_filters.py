"""Filters and functions of the templates: values, times and states in words."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from operator import itemgetter
from typing import Any, TypeVar
from urllib.parse import quote

from flask import Flask

from precast_app.auth.permissions import Permission
from precast_app.importing import hierarchy
from precast_app.importing.reference_schema import REFERENCE_SPECS
from precast_app.models import ImportJob, JobStatus, Phase
from precast_app.queries.job_states import JobState, state_of

Item = TypeVar("Item")

_NUMBER = re.compile(r"\d+")
_PHASES = {
    Phase.READING: "reading the file",
    Phase.CHECKING: "checking the rows",
    Phase.PLANNING: "comparing with the project",
    Phase.WRITING: "writing",
    Phase.CANCELLING: "cancelling",
    Phase.UNDOING: "undoing",
}
# The badge and the filter of each state.
STATE_LABELS = {
    JobState.WAITING_FOR_FILE: "Waiting for its file",
    JobState.WAITING_FOR_MAPPING: "Waiting for its columns",
    JobState.QUEUED: "Queued",
    JobState.RUNNING: "Running",
    JobState.COMPLETED: "Completed",
    JobState.DRY_RUN: "Preview",
    JobState.UNDONE: "Undone",
    JobState.FAILED: "Failed",
    JobState.CANCELLED: "Cancelled",
    JobState.REJECTED: "All rows rejected",
    JobState.ABORTED: "Nothing imported",
    JobState.GAVE_UP: "Given up",
    JobState.EXPIRED: "Expired",
}
# Red is for faults of the system; what a user can correct in the file is a warning, what a user wanted is neutral.
_TONES = {
    JobState.WAITING_FOR_FILE: "active",
    JobState.WAITING_FOR_MAPPING: "warn",
    JobState.QUEUED: "active",
    JobState.RUNNING: "active",
    JobState.COMPLETED: "good",
    JobState.DRY_RUN: "good",
    JobState.FAILED: "bad",
    JobState.REJECTED: "warn",
    JobState.ABORTED: "warn",
    JobState.GAVE_UP: "bad",
}
KINDS = {
    "element_type_import": "Element types",
    "element_type_undo": "Undo",
    "element_type_update": "Change of an element type",
    "element_type_deletion": "Deletion of an element type",
    "label_export": "Labels",
    "piece_status_import": "Piece statuses",
    "piece_undo": "Undo",
    "piece_update": "Change of pieces",
    **{job_type: spec.title for job_type, spec in REFERENCE_SPECS.items()},
}
_TABS = (
    ("", "Overview", Permission.READ),
    ("/import", "Import", Permission.IMPORT),
    ("/jobs", "Jobs", Permission.READ),
    ("/element-types", "Element types", Permission.READ),
    ("/pieces", "Pieces", Permission.READ),
    ("/reference", "Reference data", Permission.READ),
    ("/members", "Members", Permission.MANAGE),
    ("/webhooks", "Webhooks", Permission.MANAGE),
    ("/audit", "Audit", Permission.MANAGE),
)
# Separates thousands; a line is not broken there.
_THIN = "\N{NARROW NO-BREAK SPACE}"


def init_app(app: Flask) -> None:
    """Register the filters and functions."""
    filters = {
        "amount": amount,
        "iso": iso,
        "date": date_of,
        "day": day,
        "grouped": grouped,
        "state": state,
        "phase": phase,
        "tone": tone,
        "kind": kind,
        "place": place,
        "short_date": short_date,
        "value": value,
        "editable": editable,
        "density": density,
    }
    app.jinja_env.filters.update(filters, in_order=in_order, path_segment=path_segment)
    app.jinja_env.globals.update(tabs=tabs)


def path_segment(name: str) -> str:
    """Return the name escaped as one segment of a URL path, slashes included."""
    return quote(name, safe="")


def tabs(permission: Permission) -> list[tuple[str, str]]:
    """Return path and label of the tabs of a project that a user with this permission can open."""
    return [(path, label) for path, label, required in _TABS if permission >= required]


def iso(moment: datetime) -> str:
    """Return the time as the `datetime` of a `<time>` element, which a script shows as a relative time."""
    return moment.astimezone(UTC).isoformat(timespec="seconds")


def date_of(moment: datetime) -> str:
    """Return the day in UTC, such as 12 Oct 2026; with the time, unless it is midnight: then only the day is known."""
    known = moment.astimezone(UTC)
    return f"{known.day} {known:%b %Y}" + (f" {known:%H:%M}" if known.time() != time() else "")


def short_date(known: date | str) -> str:
    """Return a date, or its ISO text, without the year: 12 Oct."""
    known = date.fromisoformat(known) if isinstance(known, str) else known
    return f"{known.day} {known:%b}"


def day(moment: datetime) -> str:
    """Return the time in UTC as text, which is shown without JavaScript."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")


def grouped(number: float) -> str:
    """Return the number with its thousands separated: 10 000."""
    return f"{number:,}".replace(",", _THIN)


def place(path: str) -> str:
    """Return the words for the path of a node: Tower A / Floor 2 for Tower_A.Floor_2."""
    return " / ".join(level.replace("_", " ") for level in hierarchy.split_levels(path, hierarchy.DEEPEST))


def amount(number: Decimal) -> str:
    """Return the number as it is read at a glance: with one decimal below 100, whole above."""
    return grouped(round(number)) if abs(number) >= 100 else f"{number:.1f}"


def value(cell: Any) -> str:
    """Return the text of a cell: – if it is blank, and yes for True."""
    if cell is None or cell is False or cell == "":
        return "–"
    if cell is True:
        return "yes"
    return f"{cell:f}" if isinstance(cell, Decimal) else str(cell)


def editable(cell: Any) -> str:
    """Return the text of a cell in an input field; an empty one if it is blank."""
    return "" if cell is None else value(cell)


def density(kg_per_m3: Decimal | None) -> str:
    """Return a density in whole kg/m³; – if it is blank."""
    return "–" if kg_per_m3 is None else grouped(round(kg_per_m3))


def in_order(items: Iterable[Item], name: str | None = None) -> list[Item]:
    """Return the items in their order, but names that differ only in numbers by these: Floor 2 before Floor 10.

    `name` is the key or attribute with the name of an item; without it the items are the names.
    """
    out = list(items)
    alike: dict[str, list[tuple[int, list[int], Item]]] = defaultdict(list)
    for position, item in enumerate(out):
        text = str(item if name is None else item[name] if isinstance(item, Mapping) else getattr(item, name))
        numbers = [int(digits) for digits in _NUMBER.findall(text)]
        alike[_NUMBER.sub("#", text)].append((position, numbers, item))
    for group in alike.values():
        by_number = sorted(group, key=itemgetter(1))
        for (position, _, _), (_, _, item) in zip(group, by_number, strict=True):
            out[position] = item
    return out


def natural_key(name: str) -> list[tuple[int, str]]:
    """Return a key to sort names by, with the numbers in them as numbers and without regard to case."""
    folded = name.casefold()
    numbers = _NUMBER.findall(folded)
    texts = _NUMBER.split(folded)
    return [
        part for text, number in zip(texts, [*numbers, "0"], strict=True) for part in ((0, text), (int(number), ""))
    ]


def kind(job_type: str) -> str:
    """Return the words for what a job imports."""
    return KINDS.get(job_type, job_type)


def state(job: ImportJob) -> str:
    """Return the words for the state of the job."""
    return STATE_LABELS[state_of(job)]


def phase(job: ImportJob) -> str:
    """Return the words for what a running job is doing; an empty text for another job."""
    return _PHASES.get(Phase(job.phase), "") if job.status == JobStatus.PROCESSING else ""


def tone(job: ImportJob) -> str:
    """Return the CSS class for the colour of the job's state; an empty text for neutral."""
    state = state_of(job)
    if state in (JobState.COMPLETED, JobState.DRY_RUN) and job.rejected_count:
        return "warn"
    return _TONES.get(state, "")
