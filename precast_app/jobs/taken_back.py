"""What cancelling and undoing have in common: a job's images, and how what could not be taken back is told."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import select

from precast_app.extensions import db
from precast_app.importing.taking_back import Images
from precast_app.models import Change, ElementType

_NAMED = 10


def images(job_id: int) -> Images:
    """What the job did, by element type in the order of its rows."""
    found = select(Change.element_type_id, Change.fields).where(Change.job_id == job_id).order_by(Change.row)
    return {row.element_type_id: row.fields for row in db.session.execute(found)}


def cursor() -> Any:
    """The psycopg2 cursor of the session's transaction."""
    connection = db.session.connection().connection.dbapi_connection
    assert connection is not None
    return connection.cursor()


def named(ids: Collection[int]) -> str:
    """Some element types, for a person: the first few by name."""
    first = select(ElementType).where(ElementType.id.in_(ids)).order_by(ElementType.element_type, ElementType.name)
    names = [f"{each.element_type} {each.name}" for each in db.session.scalars(first.limit(_NAMED))]
    more = len(ids) - len(names)
    return ", ".join(names) + (f" and {more} more" if more > 0 else "")


def told(kept: Collection[int]) -> str:
    """What of a job stays, and why."""
    types = "1 element type was" if len(kept) == 1 else f"{len(kept)} element types were"
    return (
        f"everything was taken out again but {types} left as imported, since pieces have gone into production or "
        f"something else depends on it meanwhile: {named(kept)}"
    )
