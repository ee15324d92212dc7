"""What exports write: a project's reference data, and its element types with their values, read in portions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import exists, select, text

from precast_app.exporting.export_columns import ExportItems
from precast_app.exporting.row_cells import ExportRow
from precast_app.extensions import db
from precast_app.importing import current_reference
from precast_app.importing.current_state import load_groups
from precast_app.importing.reference_data import ReferenceData
from precast_app.importing.reference_store import MODELS
from precast_app.importing.schema import GROUP_SPECS, ColumnGroup
from precast_app.models import ElementType, HierarchyNode, Quantity
from precast_app.queries.element_types import ElementTypeFilter, matching_query
from precast_app.queries.read_ahead import read_ahead

# Element types that are in memory at once.
_PORTION = 500


def export_items(project_id: int) -> tuple[ExportItems, ReferenceData]:
    """Return the project's reference data as database objects, and as headings are matched to it.

    Both are of one snapshot if the caller's transaction has one.
    """
    by_group: dict[ColumnGroup, Any] = {}
    for group, spec in GROUP_SPECS.items():
        model: Any = MODELS[spec.reference.job_type]
        order = [getattr(model, name) for name in spec.reference.ordering]
        by_group[group] = db.session.scalars(select(model).where(model.project_id == project_id).order_by(*order)).all()
    has_quantities = exists().where(Quantity.node_id == HierarchyNode.id)
    used = select(HierarchyNode.id).where(HierarchyNode.project_id == project_id, has_quantities)
    items = ExportItems(by_group, frozenset(db.session.scalars(used)))
    return items, current_reference.load(db.session(), project_id)


def use_one_snapshot() -> None:
    """Let all later queries of the transaction see the same snapshot; call it before the first query."""
    db.session.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))


def iterate_rows(project_id: int, filters: ElementTypeFilter) -> Iterator[ExportRow]:
    """Yield the element types that match the filters in the order of their creation; they are read in portions."""
    return read_ahead(_row_portions(project_id, filters))


def _row_portions(project_id: int, filters: ElementTypeFilter) -> Iterator[list[ExportRow]]:
    last = 0
    query = matching_query(project_id, filters).order_by(ElementType.id).limit(_PORTION)
    while found := db.session.scalars(query.where(ElementType.id > last)).all():
        last = found[-1].id
        groups = load_groups(db.session(), [element_type.id for element_type in found])
        db.session.expunge_all()
        yield [ExportRow(each, {group: groups[group].get(each.id, {}) for group in groups}) for each in found]
