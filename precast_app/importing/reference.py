"""A project's reference data as headings are matched to it: one read, then pure values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from precast_app.models import BomProduct, DrawingType, HierarchyNode, Stage


@dataclass(frozen=True, slots=True)
class Named:
    """A thing that a heading can name; `key` is its name as headings are compared."""

    id: int
    name: str
    key: str


@dataclass(frozen=True, slots=True)
class Made:
    """A thing that a job made, or would make, since a heading names it; `group` is that of its column."""

    group: str
    id: int
    key: str


@dataclass(frozen=True, slots=True)
class Reference:
    """What a project's headings can name; `naming_conventions` are those of its nodes, by id.

    `made` are those that the job made itself; in a dry run, which makes nothing, their ids are below 0.
    """

    project_id: int
    drawing_types: tuple[Named, ...]
    nodes: tuple[Named, ...]
    stages: tuple[Named, ...]
    products: tuple[Named, ...]
    naming_conventions: dict[int, str]
    made: tuple[Made, ...] = ()


def load(session: Session, project_id: int) -> Reference:
    """Read a project's reference data."""

    def all_of(model: Any) -> list[Any]:
        return list(session.scalars(select(model).where(model.project_id == project_id).order_by(model.id)))

    nodes = all_of(HierarchyNode)
    return Reference(
        project_id,
        tuple(Named(each.id, each.name, each.match_key) for each in all_of(DrawingType)),
        tuple(Named(each.id, each.path, each.match_key) for each in nodes),
        tuple(Named(each.id, each.name, each.match_key) for each in all_of(Stage)),
        tuple(Named(each.id, each.name_id, each.match_key) for each in all_of(BomProduct)),
        {each.id: each.naming_convention for each in nodes},
    )


_GROUPS = ("drawing_types", "nodes", "stages", "products")


def to_json(reference: Reference) -> dict[str, Any]:
    """The reference data to be kept with a job."""
    groups = {name: [[each.id, each.name, each.key] for each in getattr(reference, name)] for name in _GROUPS}
    made = [[each.group, each.id, each.key] for each in reference.made]
    return {**groups, "naming_conventions": list(reference.naming_conventions.items()), "made": made}


def from_json(project_id: int, kept: dict[str, Any]) -> Reference:
    """What `to_json` kept."""
    groups = {name: tuple(Named(*each) for each in kept[name]) for name in _GROUPS}
    made = tuple(Made(*each) for each in kept.get("made", ()))
    return Reference(project_id, **groups, naming_conventions=dict(kept["naming_conventions"]), made=made)


def is_current(session: Session, kept: Reference) -> bool:
    """Whether the project's headings can still name what they could name then."""
    imagined = {each.id for each in kept.made if each.id < 0}
    groups = {name: tuple(each for each in getattr(kept, name) if each.id not in imagined) for name in _GROUPS}
    conventions = {id_: name for id_, name in kept.naming_conventions.items() if id_ not in imagined}
    there = Reference(kept.project_id, **groups, naming_conventions=conventions)
    return to_json(there) == to_json(load(session, kept.project_id))
