"""`Link` headers of lists: where their other pages are (RFC 8288)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any, TypeVar

import marshmallow as ma
from flask import request, url_for

from precast_app.queries.paging import PageRequest

View = TypeVar("View", bound=Callable[..., Any])

# The key in a request's environment for the page that it asks for.
_KEY = "precast.requested_page"
_PAGING = frozenset({"offset", "page", "after"})
# Proxies refuse responses with longer headers; a search of 500 characters can take 6 KB of a URL.
_MAX_LENGTH = 2_000


@dataclass(frozen=True, slots=True)
class _Requested:
    """A page, and the field whose value continues the list behind an item; None if only `offset` does."""

    page: PageRequest
    cursor: str | None


def remember(page: PageRequest, cursor: str | None) -> None:
    """Remember which page of a list the request asks for."""
    request.environ[_KEY] = _Requested(page, cursor)


def items_field(schema: Any) -> str | None:
    """Return the field of a response schema that has the items of a list; None if it isn't one of a list.

    It is the first one with a list, unless the schema names another as `items`.
    """
    fields: Mapping[str, Any] = getattr(schema, "_declared_fields", {})
    if "count" not in fields:
        return None
    lists = (name for name, each in fields.items() if isinstance(each, ma.fields.List))
    return getattr(schema, "items", None) or next(lists, None)


def with_links(view: View, items: str) -> View:
    """Add the header to the response of a view that returns a dictionary with `items` and `count`."""

    @wraps(view)
    def linked(*args: Any, **kwargs: Any) -> Any:
        body = view(*args, **kwargs)
        requested: _Requested | None = request.environ.get(_KEY)
        header = _header(requested, body[items], body["count"]) if requested else ""
        return (body, {"Link": header}) if header else body

    return linked  # type: ignore[return-value] # wraps keeps the signature


def _header(requested: _Requested, items: Sequence[Any], count: int) -> str:
    """Return the links that fit into a header, the most useful ones first."""
    page, header = requested.page, ""
    uses_cursor = requested.cursor and (page.after is not None or not _PAGING & request.args.keys())
    found = _by_cursor(requested, items, count) if uses_cursor else _by_offset(page, len(items), count)
    for relation, address in found:
        longer = f'{header}{", " if header else ""}<{address}>; rel="{relation}"'
        if len(longer) <= _MAX_LENGTH:
            header = longer
    return header


def _by_cursor(requested: _Requested, items: Sequence[Any], count: int) -> Iterator[tuple[str, str]]:
    """Yield the next page, unless the list ends here, and the first one."""
    page, cursor = requested.page, requested.cursor
    assert cursor is not None
    if len(items) == page.limit and (page.after is not None or len(items) < count):
        last = items[-1]
        yield "next", _address(after=last[cursor] if isinstance(last, Mapping) else getattr(last, cursor))
    yield "first", _address()


def _by_offset(page: PageRequest, length: int, count: int) -> Iterator[tuple[str, str]]:
    """Yield the next and the previous page, if there are such, the first and the last one."""
    if length and page.offset + length < count:
        yield "next", _address_of(page, page.offset + page.limit)
    if page.offset > 0:
        yield "prev", _address_of(page, max(0, page.offset - page.limit))
    yield "first", _address_of(page, 0)
    yield "last", _address_of(page, (count - 1) // page.limit * page.limit if count else 0)


def _address_of(page: PageRequest, offset: int) -> str:
    """Return the address of the page at an offset, in the options that the request uses."""
    if "page" in request.args:
        return _address(page=offset // page.limit + 1)
    return _address(offset=offset) if offset else _address()


def _address(**paging: int) -> str:
    """Return the path and query of the request with another page."""
    options = {name: values for name, values in request.args.lists() if name not in _PAGING}
    assert request.endpoint is not None
    values: dict[str, Any] = {**(request.view_args or {}), **options, **paging}
    return url_for(request.endpoint, **values)
