"""Pages of long lists: the one that the URL requests, and links to the others."""

from __future__ import annotations

from collections.abc import Callable

from flask import request, url_for

from precast_app.queries.paging import PageRequest

_MAX_OFFSET = 10_000_000


def requested_page(size: int, parameter: str = "offset") -> PageRequest:
    """Return the page that the URL requests; an invalid or too large offset becomes the nearest valid one."""
    return PageRequest(size, min(max(request.args.get(parameter, 0, type=int), 0), _MAX_OFFSET))


def links(**filters: str) -> Callable[[int], str]:
    """Return a function from an offset to the URL of that page; it keeps `filters` and no other parameters."""
    endpoint, arguments = str(request.endpoint), {**filters, **(request.view_args or {})}

    def link(offset: int) -> str:
        return url_for(endpoint, **{**arguments, "offset": offset})

    return link
