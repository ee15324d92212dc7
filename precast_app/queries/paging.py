"""Paging through lists: by offset, or by the last item that the caller has."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Select, func, select

from precast_app.extensions import db

MAX_ID = 2**31 - 1

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class PageRequest:
    """At most `limit` (1…1000) items, without the first `offset` ones.

    With `after`, the list starts after the item with this id. So it neither repeats nor skips an item while others
    are inserted or deleted.
    """

    limit: int = 1000
    offset: int = 0
    after: int | None = None


def paginate(
    query: Select[Any], page: PageRequest, is_after: Callable[[int], ColumnElement[bool]] | None = None
) -> tuple[list[Any], int]:
    """Return the items of the page, in the query's order, and the number of all items of the query.

    `is_after` returns the condition for the items after the one with the given id; a list without it has no `after`.
    """
    count = db.session.scalar(select(func.count()).select_from(query.order_by(None).subquery())) or 0
    if page.after is not None:
        assert is_after is not None, "this list has no `after`"
        query = query.where(is_after(page.after))
    items = db.session.scalars(query.limit(page.limit).offset(page.offset)).unique().all()
    return list(items), count


def iterate_items(list_page: Callable[[PageRequest], tuple[list[Item], int]]) -> Iterator[Item]:
    """Yield all items of a list, read page by page."""
    offset = 0
    while items := list_page(PageRequest(offset=offset))[0]:
        yield from items
        offset += len(items)
