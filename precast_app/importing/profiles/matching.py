"""Where a file has the headings of an import profile, and which profile was made for it. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from precast_app.errors import JobFailed
from precast_app.importing.profiles.header_search import ListHeading, ListLayout, headings_at, read_layout
from precast_app.importing.profiles.profile import (
    BaseTarget,
    ImportProfile,
    PieceStatusField,
    PieceStatusTarget,
    ProfileColumn,
    Shape,
)
from precast_app.messages import Message
from precast_app.spreadsheets import Book, SheetScan, column_letter
from precast_app.text import match_key

# The profiles that are compared with a file.
_MAX_PROFILES = 500
_Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class HeaderRows:
    """One or two of the first rows of a sheet, taken for its headings; `position` is their index in the scan."""

    sheet: str
    scan: SheetScan
    position: int
    header_count: int
    headings: tuple[ListHeading, ...]
    keys: Counter[_Key]

    @property
    def first_row(self) -> int:
        """The number of the upper row."""
        return self.scan.head[self.position].number

    @property
    def last_row(self) -> int:
        """The number of the lower row."""
        return self.scan.head[min(self.position + self.header_count, len(self.scan.head)) - 1].number


def find_profile(book: Book, profiles: Sequence[tuple[int, ImportProfile]]) -> int | None:
    """Return the id of the profile all of whose used headings a row of the file has; None if there is no such profile.

    Of several, the one that knows the most headings of the file is returned, and of these the first one: pass the
    project's profiles before those of the installation, and the newest first. Columns may have moved, titles may have
    come or gone, and headings that the profile doesn't know may have been added.
    """
    best: tuple[int, int] | None = None
    candidates = _Candidates(book)
    for id_, profile in profiles[:_MAX_PROFILES]:
        found = _find_complete(candidates, profile)
        if found is None:
            continue
        known = sum((found.keys & _keys(profile.columns)).values())
        if best is None or known > best[0]:
            best = known, id_
    return best and best[1]


def find_layout(book: Book, profile: ImportProfile) -> ListLayout | None:
    """Return the layout of the sheet that a profile fits; None if no row has all headings that it uses."""
    found = _find_complete(_Candidates(book), profile)
    if found is None:
        return None
    return read_layout(book, found.sheet, found.scan, found.position, found.header_count, profile.skip_rows)


def find_header(book: Book, profile: ImportProfile) -> HeaderRows:
    """Return the rows that have most of the headings that a profile uses; of several, those that it names.

    Raise `JobFailed` if no row has the heading of the names or, in a list of pieces, of the codes.
    """
    used, names = _keys(profile.used_columns), _keys(filter(_identifies, profile.columns))
    best: tuple[int, HeaderRows] | None = None
    for rows in _Candidates(book).of(profile):
        known = (rows.keys & used).total()
        if known > (best[0] if best else 0) and ("name" in profile.constants or names & rows.keys):
            best = known, rows
        if best is not None and best[0] == used.total():
            break
    if best is None:
        headings = [
            column.heading or Message("column %(column)s", column=column.column)
            for column in filter(_identifies, profile.columns)
        ]
        if profile.shape is Shape.PIECE_STATUS:
            raise JobFailed(
                Message(
                    "The file has no column %(heading)s, from which the import profile %(profile)s reads the codes of "
                    "the pieces. Choose another profile, or correct the heading.",
                    heading=headings[0] if headings else "",
                    profile=profile.name,
                )
            )
        raise JobFailed(
            Message(
                "The file has no column %(heading)s, from which the import profile %(profile)s reads "
                "the element type names. Choose another profile, or say again what the columns mean.",
                heading=headings[0] if headings else Message("of the import profile"),
                profile=profile.name,
            )
        )
    return best[1]


def match_columns(headings: Iterable[ListHeading], profile: ImportProfile) -> dict[int, ProfileColumn]:
    """Return the profile's columns by the index of the file's column; repeated headings are matched in their order."""
    waiting: dict[_Key, list[ProfileColumn]] = {}
    for column in profile.columns:
        waiting.setdefault(_column_key(column), []).append(column)
    found = {}
    for heading in headings:
        columns = waiting.get(_heading_key(heading))
        if columns:
            found[heading.index] = columns.pop(0)
    return found


class _Candidates:
    """The first rows of the sheets of a book as headings, each read once."""

    def __init__(self, book: Book) -> None:
        self._book = book
        self._found: dict[tuple[str, int], list[HeaderRows]] = {}

    def of(self, profile: ImportProfile) -> Iterator[HeaderRows]:
        """Yield the rows that may have the headings of a profile: those where it says so come first."""
        count = len(profile.header_rows)
        # A sheet may have been renamed, so the others are searched too.
        for sheet in sorted(
            self._book.sheets, key=lambda name: (name != profile.sheet, name in self._book.hidden_sheets)
        ):
            yield from sorted(self._rows(sheet, count), key=lambda rows: rows.first_row != profile.header_rows[0])

    def _rows(self, sheet: str, count: int) -> list[HeaderRows]:
        if (sheet, count) not in self._found:
            scan = self._book.scan(sheet)
            self._found[sheet, count] = [
                HeaderRows(sheet, scan, position, count, headings, Counter(map(_heading_key, headings)))
                for position in range(len(scan.head))
                if (headings := headings_at(scan, position, count))
            ]
        return self._found[sheet, count]


def _find_complete(candidates: _Candidates, profile: ImportProfile) -> HeaderRows | None:
    """Return the first rows that have all headings which a profile uses."""
    used = _keys(profile.used_columns)
    return next((rows for rows in candidates.of(profile) if used <= rows.keys), None) if used else None


def _identifies(column: ProfileColumn) -> bool:
    return column.target in (BaseTarget("name"), PieceStatusTarget(PieceStatusField.PIECE))


def _keys(columns: Iterable[ProfileColumn]) -> Counter[_Key]:
    return Counter(map(_column_key, columns))


def _heading_key(heading: ListHeading) -> _Key:
    if heading.top or heading.sub:
        return match_key(heading.top), match_key(heading.sub)
    return "", column_letter(heading.index + 1)


def _column_key(column: ProfileColumn) -> _Key:
    if column.heading or column.sub_heading:
        return match_key(column.heading), match_key(column.sub_heading)
    return "", column.column or ""
