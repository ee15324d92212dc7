"""What headings name and the project lacks, made with an import, only imagined in a dry run, or taken away again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from precast_app.importing import reference, reference_store
from precast_app.importing.columns import ColumnMap, Group
from precast_app.importing.issues import Issue
from precast_app.importing.missing import IMPORTS, UNKNOWN_UNIT
from precast_app.importing.reference import Made, Named, Reference
from precast_app.importing.reference_files import Entry
from precast_app.models import Severity

Entries = Mapping[Group, Sequence[Entry]]

_WORDS = {
    Group.DRAWINGS: "drawing type",
    Group.NODES: "node",
    Group.STAGES: "stage",
    Group.BOM: "product",
}
_ATTRIBUTES = {
    Group.DRAWINGS: "drawing_types",
    Group.NODES: "nodes",
    Group.STAGES: "stages",
    Group.BOM: "products",
}


def make(session: Session, project_id: int, entries: Entries) -> Reference:
    """Store the entries, and load what the project's headings can name then. The caller commits.

    What clashes with something that is there is not made, as if nobody had asked for it.
    """
    reference_store.hold(session, project_id)
    before = reference.load(session, project_id)
    for group, things in entries.items():
        reference_store.store(session, project_id, IMPORTS[group], things)
    after = reference.load(session, project_id)
    made: list[Made] = []
    for group, attribute in _ATTRIBUTES.items():
        known = {each.id for each in getattr(before, attribute)}
        wanted = {entry.key for entry in entries.get(group, ())}
        made += [
            Made(group.value, each.id, each.key)
            for each in getattr(after, attribute)
            if each.id not in known and each.key in wanted
        ]
    return replace(after, made=tuple(made))


def imagine(known: Reference, entries: Entries) -> Reference:
    """What the project's headings could name if the entries were stored; ids below 0 are of what is not there."""
    groups = {attribute: list(getattr(known, attribute)) for attribute in _ATTRIBUTES.values()}
    conventions = dict(known.naming_conventions)
    made: list[Made] = []
    for group, things in entries.items():
        for entry in things:
            id_ = -len(made) - 1
            made.append(Made(group.value, id_, entry.key))
            groups[_ATTRIBUTES[group]].append(Named(id_, _name(entry.values), entry.key))
            if group is Group.NODES:
                conventions[id_] = entry.values["naming_convention"]
    all_of = {attribute: tuple(members) for attribute, members in groups.items()}
    return Reference(known.project_id, **all_of, naming_conventions=conventions, made=tuple(made))


def take_away(session: Session, known: Reference) -> None:
    """Delete what was made, but for what is used by now, the last first. The caller commits."""
    for each in reversed(known.made):
        model: Any = reference_store.MODELS[IMPORTS[Group(each.group)]]
        thing = session.get(model, each.id)
        if thing is None or thing.project_id != known.project_id:
            continue
        try:
            with session.begin_nested():
                session.delete(thing)
        except IntegrityError:
            continue


def issues(columns: ColumnMap, known: Reference, *, only_imagined: bool) -> list[Issue]:
    """What was made, or would be, by the headings that asked for it."""
    made = {(each.group, each.id) for each in known.made}
    told = []
    for column in columns.columns:
        if (column.group.value, column.target) in made:
            message = (
                f"The project had no {_WORDS[column.group]} of this name; it "
                f"{'would be' if only_imagined else 'was'} made, as create_missing asks for."
            )
            if column.group is Group.BOM:
                message += f" Its unit is not known and stands as “{UNKNOWN_UNIT}”: correct it among the products."
            told.append(
                Issue(
                    Severity.WARNING, "made_from_heading", message,
                    column=column.letter, heading=column.heading, sheet=columns.sheet or None,
                )
            )  # fmt: skip
    return told


def _name(values: Mapping[str, Any]) -> str:
    if "product_name" in values:
        return f"{values['product_name']}_{values['product_type']}"
    return str(values.get("path") or values["name"])
