"""Lists in pages: which one the address asks for, and where the others are."""

from __future__ import annotations

from collections.abc import Callable

from flask import request, url_for

from precast_app.queries.paging import Page

_MOST_OFFSET = 10_000_000


def requested_page(lines: int, name: str = "offset") -> Page:
    """Return the page that the address asks for; an invalid or too large number becomes the nearest valid one."""
    return Page(lines, min(max(request.args.get(name, 0, type=int), 0), _MOST_OFFSET))


def links(**chosen: str) -> Callable[[int], str]:
    """Where this list goes on from an offset, with what was chosen of it; nothing else of the address goes along."""
    endpoint, known = str(request.endpoint), {**chosen, **(request.view_args or {})}

    def link(offset: int) -> str:
        return url_for(endpoint, **{**known, "offset": offset})

    return link
