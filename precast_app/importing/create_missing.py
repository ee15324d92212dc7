"""Create reference data that only headings name, preview that in a dry run, or delete it after the job has failed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from precast_app.enums import Severity
from precast_app.importing import current_reference, hierarchy, reference_store
from precast_app.importing.issues import Issue
from precast_app.importing.reference_data import CreatedItem, ReferenceData, ReferenceItem
from precast_app.importing.reference_files import ReferenceEntry
from precast_app.importing.schema import GROUP_SPECS, ColumnGroup, ColumnMap
from precast_app.messages import Message, as_message, join_messages

Entries = Mapping[ColumnGroup, Sequence[ReferenceEntry]]


def create(session: Session, project_id: int, entries: Entries) -> ReferenceData:
    """Store the entries and return the project's reference data afterwards. The caller commits.

    An entry that conflicts with stored data is skipped.
    """
    reference_store.lock_project(session, project_id)
    before = current_reference.load(session, project_id)
    for group, group_entries in entries.items():
        reference_store.store_entries(session, project_id, GROUP_SPECS[group].reference.job_type, group_entries)
    after = current_reference.load(session, project_id)
    created: list[CreatedItem] = []
    for group in GROUP_SPECS:
        existing = {item.id for item in before.of(group)}
        wanted = {entry.key for entry in entries.get(group, ())}
        created += [
            CreatedItem(group.value, item.id, item.key)
            for item in after.of(group)
            if item.id not in existing and item.key in wanted
        ]
    return replace(after, created=tuple(created))


def preview(reference: ReferenceData, entries: Entries) -> ReferenceData:
    """Return the reference data as it would be after `create`; items that don't exist have negative ids."""
    items = {group: list(reference.of(group)) for group in GROUP_SPECS}
    naming_conventions = dict(reference.naming_conventions)
    created: list[CreatedItem] = []
    for group, group_entries in entries.items():
        spec = GROUP_SPECS[group].reference
        names = {item.key: item.name for item in items[group]}
        for entry in group_entries:
            id_ = -len(created) - 1
            created.append(CreatedItem(group.value, id_, entry.key))
            values = entry.values
            name = (
                hierarchy.heading_path(values["name"], names.get(values["parent_key"])) if spec.is_hierarchy else None
            )
            names[entry.key] = name or spec.name_of(values)
            items[group].append(ReferenceItem(id_, names[entry.key], entry.key))
            if spec.is_hierarchy:
                naming_conventions[id_] = entry.values["naming_convention"]
    return ReferenceData(
        reference.project_id,
        {group: tuple(group_items) for group, group_items in items.items()},
        naming_conventions,
        tuple(created),
    )


def delete_created(session: Session, reference: ReferenceData) -> None:
    """Delete the items that the job created, the last first, except for those in use. The caller commits."""
    for created in reversed(reference.created):
        model: Any = reference_store.MODELS[GROUP_SPECS[ColumnGroup(created.group)].reference.job_type]
        item = session.get(model, created.id)
        if item is None or item.project_id != reference.project_id:
            continue
        try:
            with session.begin_nested():
                session.delete(item)
        except IntegrityError:
            continue


def creation_issues(columns: ColumnMap, reference: ReferenceData, *, dry_run: bool) -> list[Issue]:
    """Return a warning for each column whose item was created, or would be."""
    created = {(item.group, item.id) for item in reference.created}
    issues = []
    for column in columns.columns:
        if (column.group.value, column.target) in created:
            spec = GROUP_SPECS[column.group].reference
            item = Message("tower or floor") if spec.is_hierarchy else spec.singular
            message = (
                Message("The project has no %(item)s of this name; it would be created.", item=item)
                if dry_run
                else Message("The project had no %(item)s of this name; it was created.", item=item)
            )
            for attribute, value in spec.defaults_from_heading.items():
                message = join_messages(
                    "",
                    [
                        message,
                        Message(
                            " Its %(attribute)s is not known and is set to “%(value)s”. Correct it under %(title)s.",
                            attribute=as_message(attribute),
                            value=value,
                            title=as_message(spec.title),
                        ),
                    ],
                )
            issues.append(
                columns.issue(severity=Severity.WARNING, code="made_from_heading", message=message, column=column)
            )
    return issues
