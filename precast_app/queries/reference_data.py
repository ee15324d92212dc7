"""A project's reference data: lists of items, and how often they are used."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select, func, select

from precast_app.extensions import Model, db
from precast_app.importing.reference_schema import REFERENCE_SPECS
from precast_app.importing.reference_store import MODELS
from precast_app.importing.schema import GROUP_SPECS
from precast_app.queries.paging import PageRequest, paginate


def list_page(project_id: int, job_type: str, page: PageRequest) -> tuple[list[Any], int]:
    """Return a page of the items that imports of this type write, and how many there are in all."""
    return paginate(_query(project_id, job_type), page)


def list_all(project_id: int, job_type: str) -> Sequence[Any]:
    """Return all items that imports of this type write: stages in the project's order, others in order of creation."""
    return db.session.scalars(_query(project_id, job_type)).all()


def usage_counts(project_id: int, job_type: str) -> dict[int, int]:
    """Return how many element types refer to each item, by the item's id; unused items are left out."""
    model: Any = MODELS[job_type]
    (spec,) = [each for each in GROUP_SPECS.values() if each.reference.job_type == job_type]
    column = Model.metadata.tables[spec.table].c[spec.target_column]
    # Counted item by item: without statistics of the table, PostgreSQL would read all of it.
    number = select(func.count()).where(column == model.id).scalar_subquery()
    found = db.session.execute(select(model.id, number).where(model.project_id == project_id))
    return {id_: count for id_, count in found if count}


def _query(project_id: int, job_type: str) -> Select[Any]:
    model: Any = MODELS[job_type]
    order = [getattr(model, name) for name in REFERENCE_SPECS[job_type].ordering]
    return select(model).where(model.project_id == project_id).order_by(*order)
