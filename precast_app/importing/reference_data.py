"""A project's reference data as headings are matched to it: one read, then pure values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from precast_app.models import BomProduct, DrawingType, HierarchyNode, Stage


@dataclass(frozen=True, slots=True)
class ReferenceItem:
    """A thing that a heading can name; `key` is its name as headings are compared."""

    id: int
    name: str
    key: str


@dataclass(frozen=True, slots=True)
class CreatedItem:
    """A thing that a job made, or would make, since a heading names it; `group` is that of its column."""

    group: str
    id: int
    key: str


@dataclass(frozen=True, slots=True)
class ReferenceData:
    """What a project's headings can name; `naming_conventions` are those of its nodes, by id.

    `created` are those that the job made itself; in a dry run, which makes nothing, their ids are below 0.
    """

    project_id: int
    drawing_types: tuple[ReferenceItem, ...]
    nodes: tuple[ReferenceItem, ...]
    stages: tuple[ReferenceItem, ...]
    products: tuple[ReferenceItem, ...]
    naming_conventions: dict[int, str]
    created: tuple[CreatedItem, ...] = ()


def load(session: Session, project_id: int) -> ReferenceData:
    """Read a project's reference data."""

    def all_of(model: Any) -> list[Any]:
        return list(session.scalars(select(model).where(model.project_id == project_id).order_by(model.id)))

    nodes = all_of(HierarchyNode)
    return ReferenceData(
        project_id,
        tuple(ReferenceItem(each.id, each.name, each.match_key) for each in all_of(DrawingType)),
        tuple(ReferenceItem(each.id, each.path, each.match_key) for each in nodes),
        tuple(ReferenceItem(each.id, each.name, each.match_key) for each in all_of(Stage)),
        tuple(ReferenceItem(each.id, each.name_id, each.match_key) for each in all_of(BomProduct)),
        {each.id: each.naming_convention for each in nodes},
    )


_GROUPS = ("drawing_types", "nodes", "stages", "products")


def to_json(reference: ReferenceData) -> dict[str, Any]:
    """The reference data to be kept with a job."""
    groups = {name: [[each.id, each.name, each.key] for each in getattr(reference, name)] for name in _GROUPS}
    made = [[each.group, each.id, each.key] for each in reference.created]
    return {**groups, "naming_conventions": list(reference.naming_conventions.items()), "made": made}


def from_json(project_id: int, kept: dict[str, Any]) -> ReferenceData:
    """What `to_json` kept."""
    groups = {name: tuple(ReferenceItem(*each) for each in kept[name]) for name in _GROUPS}
    made = tuple(CreatedItem(*each) for each in kept.get("made", ()))
    return ReferenceData(project_id, **groups, naming_conventions=dict(kept["naming_conventions"]), created=made)


def is_current(session: Session, kept: ReferenceData) -> bool:
    """Whether the project's headings can still name what they could name then."""
    previewed = {each.id for each in kept.created if each.id < 0}
    groups = {name: tuple(each for each in getattr(kept, name) if each.id not in previewed) for name in _GROUPS}
    conventions = {id_: name for id_, name in kept.naming_conventions.items() if id_ not in previewed}
    there = ReferenceData(kept.project_id, **groups, naming_conventions=conventions)
    return to_json(there) == to_json(load(session, kept.project_id))
