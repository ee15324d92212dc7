"""One page of a list, and the number of all that match."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, func, select

from precast_app.extensions import db

LARGEST_ID = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Page:
    """At most `limit` (1…1000) things after the first `offset`."""

    limit: int = 1000
    offset: int = 0


def paginate(query: Select[Any], where: Page) -> tuple[list[Any], int]:
    """The things on the page, in the query's order, and how many there are in all."""
    count = db.session.scalar(select(func.count()).select_from(query.order_by(None).subquery())) or 0
    things = db.session.scalars(query.limit(where.limit).offset(where.offset)).unique().all()
    return list(things), count
