"""A project's reference data, as headings are matched to it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from precast_app.importing.schema import GROUP_SPECS, ColumnGroup


@dataclass(frozen=True, slots=True)
class ReferenceItem:
    """Something that a heading can name; `key` is its name as headings are compared. A node's name is its path."""

    id: int
    name: str
    key: str


@dataclass(frozen=True, slots=True)
class CreatedItem:
    """An item that a job created, or would create, because a heading names it; `group` is that of its column."""

    group: str
    id: int
    key: str


@dataclass(frozen=True, slots=True)
class ReferenceData:
    """What the headings of a project's files can name, by group; `naming_conventions` are those of its nodes, by id.

    `created` are the items that the job created itself. In a dry run, which creates nothing, their ids are negative.
    """

    project_id: int
    items: Mapping[ColumnGroup, tuple[ReferenceItem, ...]] = field(default_factory=dict)
    naming_conventions: Mapping[int, str] = field(default_factory=dict)
    created: tuple[CreatedItem, ...] = ()

    def of(self, group: ColumnGroup) -> tuple[ReferenceItem, ...]:
        """Return what the headings of a group can name."""
        return self.items.get(group, ())


def to_json(reference: ReferenceData) -> dict[str, Any]:
    """Return the reference data as JSON, to be stored with a job."""
    items = {
        spec.reference.snapshot_key: [[each.id, each.name, each.key] for each in reference.of(group)]
        for group, spec in GROUP_SPECS.items()
    }
    created = [[each.group, each.id, each.key] for each in reference.created]
    return {**items, "naming_conventions": list(reference.naming_conventions.items()), "made": created}


def from_json(project_id: int, stored: Mapping[str, Any]) -> ReferenceData:
    """Return the reference data that `to_json` has stored; a kind that is missing in it is empty."""
    return ReferenceData(
        project_id,
        {
            group: tuple(ReferenceItem(*each) for each in stored.get(spec.reference.snapshot_key, ()))
            for group, spec in GROUP_SPECS.items()
        },
        dict(stored.get("naming_conventions", ())),
        tuple(CreatedItem(*each) for each in stored.get("made", ())),
    )
