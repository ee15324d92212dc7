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

from babel import Locale, dates, numbers
from flask import Flask
from flask_babel import gettext

from precast_app import languages
from precast_app.auth.permissions import Permission
from precast_app.importing import hierarchy
from precast_app.languages import gettext_noop
from precast_app.message_catalogue import translate
from precast_app.models import ImportJob, JobStatus, Phase
from precast_app.queries.job_states import JobState, state_of
from precast_app.web import audit_labels, labels

Item = TypeVar("Item")

# Numbers and dates of English pages are written as in Britain: 1,250.5 and 12 Oct 2026.
_ENGLISH = Locale("en", "GB")
_NUMBER = re.compile(r"\d+")
_DECIMAL = re.compile(r"\A-?\d+(?:\.\d+)?\Z")
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
_TABS = (
    ("", gettext_noop("Overview"), Permission.READ),
    ("/import", gettext_noop("Import"), Permission.IMPORT),
    ("/jobs", gettext_noop("Jobs"), Permission.READ),
    ("/element-types", gettext_noop("Element types"), Permission.READ),
    ("/pieces", gettext_noop("Pieces"), Permission.READ),
    ("/reference", gettext_noop("Reference data"), Permission.READ),
    ("/members", gettext_noop("Members"), Permission.MANAGE),
    ("/webhooks", gettext_noop("Webhooks"), Permission.MANAGE),
    ("/audit", gettext_noop("Audit"), Permission.MANAGE),
)


def init_app(app: Flask) -> None:
    """Register the filters and functions."""
    filters = {
        "action_words": audit_labels.action,
        "amount": amount,
        "audited_object": audit_labels.audited_object,
        "audited_user": audit_labels.user,
        "capitalized": labels.capitalized,
        "iso": iso,
        "date": format_date,
        "day": day,
        "grouped": grouped,
        "change_words": labels.change,
        "field_words": labels.field,
        "role_words": labels.role,
        "severity_words": labels.severity,
        "status_words": labels.piece_status,
        "state": state,
        "phase": phase,
        "tone": tone,
        "kind": labels.job_type,
        "place": place,
        "short_date": short_date,
        "value": value,
        "changed_value": changed_value,
        "editable": editable,
        "decimal": decimal,
        "percent": percent,
        "density": density,
        "translated": translated,
    }
    app.jinja_env.filters.update(filters, in_order=in_order, path_segment=path_segment)
    app.jinja_env.globals.update(tabs=tabs, item_kinds=labels.item_kinds)


def translated(text: str) -> str:
    """Return a message in the language of the page."""
    return translate(text, languages.current())


def path_segment(name: str) -> str:
    """Return the name escaped as one segment of a URL path, slashes included."""
    return quote(name, safe="")


def tabs(permission: Permission) -> list[tuple[str, str]]:
    """Return path and English label of the tabs of a project that a user with this permission can open."""
    return [(path, label) for path, label, required in _TABS if permission >= required]


def iso(moment: datetime) -> str:
    """Return the time as the `datetime` of a `<time>` element, which a script shows as a relative time."""
    return moment.astimezone(UTC).isoformat(timespec="seconds")


def format_date(moment: datetime) -> str:
    """Return the day in UTC, such as 12 Oct 2026; with the time, unless it is midnight: then only the day is known."""
    known = moment.astimezone(UTC)
    return dates.format_date(known, locale=_locale()) + (f" {known:%H:%M}" if known.time() != time() else "")


def short_date(known: date | str) -> str:
    """Return a date, or its ISO text, without the year: 12 Oct."""
    known = date.fromisoformat(known) if isinstance(known, str) else known
    return str(dates.format_skeleton("MMMd", known, locale=_locale()))


def day(moment: datetime) -> str:
    """Return the time in UTC as text, which is shown without JavaScript."""
    known = moment.astimezone(UTC)
    return f"{dates.format_date(known, locale=_locale())} {known:%H:%M} UTC"


def grouped(number: float) -> str:
    """Return the number with its thousands separated: 10,000."""
    return str(numbers.format_decimal(number, locale=_locale()))


def percent(share: float) -> str:
    """Return a share of 1 in per cent, with one decimal at most: 12.5 %."""
    return f"{numbers.format_decimal(round(100 * share, 1), locale=_locale())} %"


def decimal(number: Decimal) -> str:
    """Return the number as forms and the API take it, in every language."""
    return f"{number:f}"


def _locale() -> Locale:
    return _ENGLISH if languages.current() == languages.DEFAULT else Locale.parse(languages.current())


def place(path: str) -> str:
    """Return the words for the path of a node: Tower A / Floor 2 for Tower_A.Floor_2."""
    return " / ".join(level.replace("_", " ") for level in hierarchy.split_levels(path, hierarchy.DEEPEST))


def amount(number: Decimal) -> str:
    """Return the number as it is read at a glance: with one decimal below 100, whole above."""
    if abs(number) >= 100:
        return grouped(round(number))
    return str(numbers.format_decimal(number, "0.0", locale=_locale()))


def value(cell: Any) -> str:
    """Return the text of a cell: – if it is blank, and yes for True; numbers have their exact digits."""
    if cell is None or cell is False or cell == "":
        return "–"
    if cell is True:
        return str(gettext("yes"))
    if isinstance(cell, Decimal):
        return decimal(cell).replace(".", str(numbers.get_decimal_symbol(_locale())))
    return str(cell)


def changed_value(cell: Any, is_text: bool) -> str:
    """Return the text of a value before or after a change; numbers, which are stored as texts, are shown as numbers."""
    if isinstance(cell, str) and not is_text and _DECIMAL.match(cell):
        return value(Decimal(cell))
    return value(cell)


def editable(cell: Any) -> str:
    """Return the text of a cell in an input field; an empty one if it is blank."""
    return "" if cell is None else decimal(cell) if isinstance(cell, Decimal) else str(cell)


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


def state(job: ImportJob) -> str:
    """Return the words for the state of the job."""
    return str(labels.STATES[state_of(job)])


def phase(job: ImportJob) -> str:
    """Return the words for what a running job is doing; an empty text for another job."""
    return str(labels.PHASES.get(Phase(job.phase), "")) if job.status == JobStatus.PROCESSING else ""


def tone(job: ImportJob) -> str:
    """Return the CSS class for the colour of the job's state; an empty text for neutral."""
    state = state_of(job)
    if state in (JobState.COMPLETED, JobState.DRY_RUN) and job.rejected_count:
        return "warn"
    return _TONES.get(state, "")
