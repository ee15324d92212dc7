"""A project's reference data, a page at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select, func, select

from precast_app.extensions import db
from precast_app.importing.reference_store import MODELS
from precast_app.models import BomLine, Drawing, ElementTypeStage, Quantity, Stage
from precast_app.queries.paging import Page, paginate

# What refers to each kind of thing: one row an element type.
_USES: dict[str, Any] = {
    "hierarchy_import": Quantity.node_id,
    "stage_import": ElementTypeStage.stage_id,
    "drawing_type_import": Drawing.drawing_type_id,
    "bom_product_import": BomLine.product_id,
}


def list_page(project_id: int, job_type: str, where: Page) -> tuple[list[Any], int]:
    """What the imports of this type make: stages in the project's order, the others in the order they came."""
    return paginate(_all(project_id, job_type), where)


def list_all(project_id: int, job_type: str) -> Sequence[Any]:
    """All that the imports of this type make, in the same order."""
    return db.session.scalars(_all(project_id, job_type)).all()


def usage_counts(project_id: int, job_type: str) -> dict[int, int]:
    """By the id of each thing that these imports make, how many element types refer to it; the unused are left out."""
    model: Any = MODELS[job_type]
    column = _USES[job_type]
    query = select(column, func.count()).where(column == model.id, model.project_id == project_id).group_by(column)
    return {row[0]: row[1] for row in db.session.execute(query)}


def _all(project_id: int, job_type: str) -> Select[Any]:
    model: Any = MODELS[job_type]
    order = (model.position, model.id) if model is Stage else (model.id,)
    return select(model).where(model.project_id == project_id).order_by(*order)
