"""What cancelling and undoing have in common: a job's images, and how what could not be taken back is told."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import select

from precast_app.extensions import db
from precast_app.importing.revert import BeforeImages
from precast_app.models import ElementType, ElementTypeChange

_MAX_NAMED = 10


def load(job_id: int) -> BeforeImages:
    """What the job did, by element type in the order of its rows."""
    found = (
        select(ElementTypeChange.element_type_id, ElementTypeChange.fields)
        .where(ElementTypeChange.job_id == job_id)
        .order_by(ElementTypeChange.row)
    )
    return {row.element_type_id: row.fields for row in db.session.execute(found)}


def psycopg2_cursor() -> Any:
    """The psycopg2 cursor of the session's transaction."""
    connection = db.session.connection().connection.dbapi_connection
    assert connection is not None
    return connection.cursor()


def describe_element_types(ids: Collection[int]) -> str:
    """Some element types, for a person: the first few by name."""
    first = select(ElementType).where(ElementType.id.in_(ids)).order_by(ElementType.element_type, ElementType.name)
    names = [f"{each.element_type} {each.name}" for each in db.session.scalars(first.limit(_MAX_NAMED))]
    more = len(ids) - len(names)
    return ", ".join(names) + (f" and {more} more" if more > 0 else "")


def describe_kept(kept: Collection[int]) -> str:
    """What of a job stays, and why."""
    types = "1 element type was" if len(kept) == 1 else f"{len(kept)} element types were"
    return (
        f"everything was taken out again but {types} left as imported, since pieces have gone into production or "
        f"something else depends on it meanwhile: {describe_element_types(kept)}"
    )
