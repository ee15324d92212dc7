"""A project's reference data, as it is stored now."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from precast_app.importing import hierarchy
from precast_app.importing.reference_data import ReferenceData, ReferenceItem, to_json
from precast_app.importing.reference_store import MODELS
from precast_app.importing.schema import GROUP_SPECS
from precast_app.models import HierarchyNode


def load(session: Session, project_id: int) -> ReferenceData:
    """Read a project's reference data."""

    def all_of(model: Any) -> list[Any]:
        return list(session.scalars(select(model).where(model.project_id == project_id).order_by(model.id)))

    nodes = all_of(HierarchyNode)
    paths = hierarchy.heading_paths(nodes)
    items = {
        group: tuple(
            ReferenceItem(
                each.id,
                paths[each.id] if spec.reference.is_hierarchy else getattr(each, spec.reference.label),
                each.match_key,
            )
            for each in (nodes if spec.reference.is_hierarchy else all_of(MODELS[spec.reference.job_type]))
        )
        for group, spec in GROUP_SPECS.items()
    }
    return ReferenceData(project_id, items, {node.id: node.naming_convention for node in nodes})


def is_current(session: Session, stored: ReferenceData) -> bool:
    """Return whether headings would still be matched to the same items, apart from those a dry run would create."""
    previewed = {each.id for each in stored.created if each.id < 0}
    existing = replace(
        stored,
        items={
            group: tuple(each for each in items if each.id not in previewed) for group, items in stored.items.items()
        },
        naming_conventions={id_: name for id_, name in stored.naming_conventions.items() if id_ not in previewed},
        created=(),
    )
    return to_json(existing) == to_json(load(session, stored.project_id))
