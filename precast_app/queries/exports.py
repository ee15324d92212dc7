"""A project's element types with all that belongs to them, as an export writes them: some at a time, by id."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import exists, select, text

from precast_app.exporting.export_columns import Members
from precast_app.extensions import db
from precast_app.importing import reference_data
from precast_app.importing.current_state import load_groups
from precast_app.importing.reference_data import ReferenceData
from precast_app.importing.schema import ColumnGroup
from precast_app.models import BomProduct, DrawingType, ElementType, HierarchyNode, Quantity, Stage
from precast_app.queries.element_types import ElementTypeFilter, matching_query

# Read at a time, so that memory stays flat however many there are.
_AT_A_TIME = 500


@dataclass(frozen=True, slots=True)
class ExportRow:
    """An element type, and of each group the values by the id of what they are about."""

    element_type: ElementType
    groups: dict[ColumnGroup, dict[int, Any]]


def export_members(project_id: int) -> tuple[Members, ReferenceData]:
    """What the columns are about, as objects and as headings name it, from one view of the project."""

    def all_of(model: Any, *order: Any) -> Any:
        return db.session.scalars(select(model).where(model.project_id == project_id).order_by(*order)).all()

    has_quantities = exists().where(Quantity.node_id == HierarchyNode.id)
    used = select(HierarchyNode.id).where(HierarchyNode.project_id == project_id, has_quantities)
    found = Members(
        all_of(DrawingType, DrawingType.id),
        all_of(HierarchyNode, HierarchyNode.id),
        all_of(Stage, Stage.position, Stage.id),
        all_of(BomProduct, BomProduct.id),
        frozenset(db.session.scalars(used)),
    )
    return found, reference_data.load(db.session(), project_id)


def use_one_snapshot() -> None:
    """Let all that follows in this transaction see the project as it is now."""
    db.session.rollback()
    db.session.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))


def iterate_rows(project_id: int, wanted: ElementTypeFilter) -> Iterator[ExportRow]:
    """The element types in the order in which they were made."""
    last = 0
    query = matching_query(project_id, wanted).order_by(ElementType.id).limit(_AT_A_TIME)
    while found := db.session.scalars(query.where(ElementType.id > last)).all():
        last = found[-1].id
        groups = load_groups(db.session(), [one.id for one in found])
        for one in found:
            yield ExportRow(one, {group: groups[group].get(one.id, {}) for group in groups})
        db.session.expunge_all()
