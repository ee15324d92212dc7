"""The import profile by which an uploaded file is read, if it needs one. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from precast_app.errors import JobFailed
from precast_app.importing import header_detection
from precast_app.importing.profiles import matching
from precast_app.importing.profiles.profile import ImportProfile
from precast_app.spreadsheets import Book


def choose_profile(book: Book, profiles: Sequence[tuple[int, ImportProfile]]) -> int | None:
    """Return the id of the profile that was made for such files; None if the file is read by the project's headings.

    A file with the headings of the template needs a profile that knows all its headings, so that an export is never
    read by a profile for some list with a few of the same headings.
    """
    chosen = matching.find_profile(book, profiles) if profiles else None
    if chosen is None or (_has_template_headings(book) and not _knows_all_headings(book, dict(profiles)[chosen])):
        return None
    return chosen


def _has_template_headings(book: Book) -> bool:
    try:
        header_detection.detect_header(book)
    except JobFailed:
        return False
    return True


def _knows_all_headings(book: Book, profile: ImportProfile) -> bool:
    layout = matching.find_layout(book, profile)
    if layout is None:
        return False
    known = matching.match_columns(layout.headings, profile)
    return all(heading.index in known for heading in layout.headings if heading.top or heading.sub)
