"""The words for what the code names: statuses, phases, types of job, kinds of change, units of time and roles."""

from __future__ import annotations

from collections.abc import Mapping

from flask_babel import LazyString, gettext, lazy_gettext

from precast_app.importing.reference_schema import REFERENCE_SPECS
from precast_app.importing.schema import BASE_COLUMNS, GROUPS_IN_PAGE_ORDER
from precast_app.languages import gettext_noop
from precast_app.models import Phase, PieceStatus, Role, Severity
from precast_app.queries.job_states import JobState

# The badge and the filter of each state.
STATES: Mapping[JobState, LazyString] = {
    JobState.WAITING_FOR_FILE: lazy_gettext("Waiting for its file"),
    JobState.WAITING_FOR_MAPPING: lazy_gettext("Waiting for its columns"),
    JobState.QUEUED: lazy_gettext("Queued"),
    JobState.RUNNING: lazy_gettext("Running"),
    JobState.COMPLETED: lazy_gettext("Completed"),
    JobState.DRY_RUN: lazy_gettext("Preview"),
    JobState.UNDONE: lazy_gettext("Undone"),
    JobState.FAILED: lazy_gettext("Failed"),
    JobState.CANCELLED: lazy_gettext("Cancelled"),
    JobState.REJECTED: lazy_gettext("All rows rejected"),
    JobState.ABORTED: lazy_gettext("Nothing imported"),
    JobState.GAVE_UP: lazy_gettext("Given up"),
    JobState.EXPIRED: lazy_gettext("Expired"),
}
# What a running job is doing.
PHASES: Mapping[Phase, LazyString] = {
    Phase.READING: lazy_gettext("reading the file"),
    Phase.CHECKING: lazy_gettext("checking the rows"),
    Phase.PLANNING: lazy_gettext("comparing with the project"),
    Phase.WRITING: lazy_gettext("writing"),
    Phase.CANCELLING: lazy_gettext("cancelling"),
    Phase.UNDOING: lazy_gettext("undoing"),
}
# What a job of each type is about.
JOB_TYPES: Mapping[str, LazyString] = {
    "element_type_import": lazy_gettext("Element types"),
    "element_type_undo": lazy_gettext("Undo"),
    "element_type_update": lazy_gettext("Change of an element type"),
    "element_type_deletion": lazy_gettext("Deletion of an element type"),
    "label_export": lazy_gettext("Labels"),
    "piece_status_import": lazy_gettext("Piece statuses"),
    "piece_undo": lazy_gettext("Undo for pieces"),
    "piece_update": lazy_gettext("Change of pieces"),
    **{job_type: lazy_gettext(kind.title) for job_type, kind in REFERENCE_SPECS.items()},
}
_PIECE_STATUSES: Mapping[str, LazyString] = {
    PieceStatus.PLANNED: lazy_gettext("planned"),
    PieceStatus.IN_PRODUCTION: lazy_gettext("in production"),
    PieceStatus.PRODUCED: lazy_gettext("produced"),
    PieceStatus.DISPATCHED: lazy_gettext("dispatched"),
    PieceStatus.ERECTED: lazy_gettext("erected"),
    PieceStatus.SCRAPPED: lazy_gettext("scrapped"),
}
_SEVERITIES: Mapping[str, LazyString] = {
    Severity.ERROR: lazy_gettext("error"),
    Severity.WARNING: lazy_gettext("warning"),
    Severity.INFO: lazy_gettext("info"),
}
_ROLES: Mapping[str, LazyString] = {
    Role.VIEWER: lazy_gettext("viewer"),
    Role.EDITOR: lazy_gettext("editor"),
    Role.MANAGER: lazy_gettext("manager"),
}
# Kinds of change of an element type, in a preview and in a comparison of two files.
_CHANGES: Mapping[str, LazyString] = {
    "created": lazy_gettext("new"),
    "added": lazy_gettext("added"),
    "updated": lazy_gettext("changed"),
    "changed": lazy_gettext("changed"),
    "renamed": lazy_gettext("renamed"),
    "deleted": lazy_gettext("removed"),
    "removed": lazy_gettext("removed"),
    "missing": lazy_gettext("not in this file"),
    "unchanged": lazy_gettext("unchanged"),
    "same": lazy_gettext("same"),
    "unreadable": lazy_gettext("unreadable"),
}
# Values of an element type.
_FIELDS: Mapping[str, LazyString] = {
    "name": lazy_gettext("Name"),
    "element_type": lazy_gettext("Type"),
    "height": lazy_gettext("Height"),
    "length": lazy_gettext("Length"),
    "width": lazy_gettext("Width"),
    "thickness": lazy_gettext("Thickness"),
    "mass": lazy_gettext("Mass"),
    "volume": lazy_gettext("Volume"),
    "area": lazy_gettext("Area"),
    "density": lazy_gettext("Density"),
    "version": lazy_gettext("Version"),
}
# Texts of declarations that other packages make, which templates translate by `_`. The words of column groups and of
# kinds of reference data are in the catalogue anyway.
_DECLARED = (
    gettext_noop("Order"),
    gettext_noop("Status"),
    gettext_noop("unit"),
    gettext_noop("A4, 24 labels 70 × 37 mm"),
    gettext_noop("A4, 21 labels 63.5 × 38.1 mm"),
    gettext_noop("A4, 14 labels 99.1 × 38.1 mm"),
    gettext_noop("A4, 8 labels 99.1 × 67.7 mm"),
    gettext_noop("A4, 4 labels 105 × 148.5 mm"),
    gettext_noop("Roll, labels 100 × 60 mm"),
)


def piece_status(status: str) -> str:
    """Return the words for the status of a piece."""
    return str(_PIECE_STATUSES.get(status, status))


def severity(name: str) -> str:
    """Return the word for the severity of an issue."""
    return str(_SEVERITIES.get(name, name))


def role(name: str) -> str:
    """Return the word for a role in a project."""
    return str(_ROLES.get(name, name))


def change(kind: str) -> str:
    """Return the words for what happens to an element type."""
    return str(_CHANGES.get(kind, kind))


def job_type(name: str) -> str:
    """Return the words for what a job is about."""
    return str(JOB_TYPES.get(name, name))


def headings() -> dict[str, str]:
    """Return the words for the base columns of element types, by their headings."""
    return {column.heading: str(gettext(column.heading)) for column in BASE_COLUMNS}


def field(name: str) -> str:
    """Return the word for a value of an element type: Height for height."""
    return str(_FIELDS[name]) if name in _FIELDS else name.replace("_", " ")


def item_kinds() -> list[dict[str, str]]:
    """Return the words for each kind of item that a column can be about, in the order of the pages.

    `kind` is its key in import profiles, `meaning` what a cell of the column says, `items` the title of a list of
    items, and `values` what replacements of cells are for.
    """
    return [
        {
            "kind": spec.reference.profile_key,
            "meaning": gettext(spec.meaning),
            "items": gettext(spec.reference.title),
            "values": capitalized(gettext(spec.words)),
        }
        for spec in GROUPS_IN_PAGE_ORDER
    ]


def capitalized(text: str) -> str:
    """Return the text with a capital as its first letter; the others stay as they are."""
    return text[:1].upper() + text[1:]
