"""What headings name and the project lacks, made with an import, only imagined in a dry run, or taken away again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from precast_app.enums import Severity
from precast_app.importing import reference_data, reference_store
from precast_app.importing.find_missing import JOB_TYPES, UNKNOWN_UNIT
from precast_app.importing.issues import Issue
from precast_app.importing.reference_data import CreatedItem, ReferenceData, ReferenceItem
from precast_app.importing.reference_files import ReferenceEntry
from precast_app.importing.schema import ColumnGroup, ColumnMap

Entries = Mapping[ColumnGroup, Sequence[ReferenceEntry]]

_GROUP_WORDS = {
    ColumnGroup.DRAWINGS: "drawing type",
    ColumnGroup.NODES: "node",
    ColumnGroup.STAGES: "stage",
    ColumnGroup.BOM: "product",
}
_ATTRIBUTES = {
    ColumnGroup.DRAWINGS: "drawing_types",
    ColumnGroup.NODES: "nodes",
    ColumnGroup.STAGES: "stages",
    ColumnGroup.BOM: "products",
}


def create(session: Session, project_id: int, entries: Entries) -> ReferenceData:
    """Store the entries, and load what the project's headings can name then. The caller commits.

    What clashes with something that is there is not made, as if nobody had asked for it.
    """
    reference_store.lock_project(session, project_id)
    before = reference_data.load(session, project_id)
    for group, things in entries.items():
        reference_store.store_entries(session, project_id, JOB_TYPES[group], things)
    after = reference_data.load(session, project_id)
    made: list[CreatedItem] = []
    for group, attribute in _ATTRIBUTES.items():
        known = {each.id for each in getattr(before, attribute)}
        wanted = {entry.key for entry in entries.get(group, ())}
        made += [
            CreatedItem(group.value, each.id, each.key)
            for each in getattr(after, attribute)
            if each.id not in known and each.key in wanted
        ]
    return replace(after, created=tuple(made))


def preview(known: ReferenceData, entries: Entries) -> ReferenceData:
    """What the project's headings could name if the entries were stored; ids below 0 are of what is not there."""
    groups = {attribute: list(getattr(known, attribute)) for attribute in _ATTRIBUTES.values()}
    conventions = dict(known.naming_conventions)
    made: list[CreatedItem] = []
    for group, things in entries.items():
        for entry in things:
            id_ = -len(made) - 1
            made.append(CreatedItem(group.value, id_, entry.key))
            groups[_ATTRIBUTES[group]].append(ReferenceItem(id_, _name(entry.values), entry.key))
            if group is ColumnGroup.NODES:
                conventions[id_] = entry.values["naming_convention"]
    all_of = {attribute: tuple(members) for attribute, members in groups.items()}
    return ReferenceData(known.project_id, **all_of, naming_conventions=conventions, created=tuple(made))


def delete_created(session: Session, known: ReferenceData) -> None:
    """Delete what was made, but for what is used by now, the last first. The caller commits."""
    for each in reversed(known.created):
        model: Any = reference_store.MODELS[JOB_TYPES[ColumnGroup(each.group)]]
        thing = session.get(model, each.id)
        if thing is None or thing.project_id != known.project_id:
            continue
        try:
            with session.begin_nested():
                session.delete(thing)
        except IntegrityError:
            continue


def creation_issues(columns: ColumnMap, known: ReferenceData, *, dry_run: bool) -> list[Issue]:
    """What was made, or would be, by the headings that asked for it."""
    made = {(each.group, each.id) for each in known.created}
    found = []
    for column in columns.columns:
        if (column.group.value, column.target) in made:
            message = (
                f"The project had no {_GROUP_WORDS[column.group]} of this name; it "
                f"{'would be' if dry_run else 'was'} made, as create_missing asks for."
            )
            if column.group is ColumnGroup.BOM:
                message += f" Its unit is not known and stands as “{UNKNOWN_UNIT}”: correct it among the products."
            found.append(
                Issue(
                    Severity.WARNING, "made_from_heading", message,
                    column=column.letter, heading=column.heading, sheet=columns.sheet or None,
                )
            )  # fmt: skip
    return found


def _name(values: Mapping[str, Any]) -> str:
    if "product_name" in values:
        return f"{values['product_name']}_{values['product_type']}"
    return str(values.get("path") or values["name"])
