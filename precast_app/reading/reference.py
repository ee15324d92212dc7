"""A project's reference data, a page at a time."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from precast_app.importing.reference_store import MODELS
from precast_app.models import Stage
from precast_app.reading.paging import Page, page


def listed(project_id: int, job_type: str, where: Page) -> tuple[list[Any], int]:
    """What the imports of this type make: stages in the project's order, the others in the order they came."""
    model: Any = MODELS[job_type]
    order = (model.position, model.id) if model is Stage else (model.id,)
    return page(select(model).where(model.project_id == project_id).order_by(*order), where)
