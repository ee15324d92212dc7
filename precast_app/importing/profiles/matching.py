"""The import profile that was made for files with the headings of a file. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from precast_app.importing.profiles.header_search import ListHeading, ListLayout, headings_at, read_layout
from precast_app.importing.profiles.profile import ImportProfile, ProfileColumn
from precast_app.spreadsheets import Book, SheetScan, column_letter
from precast_app.text import match_key

# The profiles that are compared with a file.
_MOST_PROFILES = 500
_Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class _HeadRow:
    """One of the first rows of a sheet, taken for the headings; two rows if `header_count` is 2."""

    sheet: str
    scan: SheetScan
    position: int
    header_count: int
    headings: tuple[ListHeading, ...]
    keys: Counter[_Key]


def find_profile(book: Book, profiles: Sequence[tuple[int, ImportProfile]]) -> int | None:
    """Return the id of the profile all of whose used headings a row of the file has; None if there is no such profile.

    Of several, the one that knows the most headings of the file is returned, and of these the first one: pass the
    project's profiles before those of the installation, and the newest first. Columns may have moved, titles may have
    come or gone, and headings that the profile doesn't know may have been added.
    """
    best: tuple[int, int] | None = None
    rows = _HeadRows(book)
    for id_, profile in profiles[:_MOST_PROFILES]:
        found = _find_rows(rows, profile)
        if found is None:
            continue
        known = sum((found.keys & _all_keys(profile)).values())
        if best is None or known > best[0]:
            best = known, id_
    return best and best[1]


def layout_of(book: Book, profile: ImportProfile) -> ListLayout | None:
    """Return the layout of the sheet that a profile fits; None if no row has all headings that it uses."""
    found = _find_rows(_HeadRows(book), profile)
    if found is None:
        return None
    return read_layout(book, found.sheet, found.scan, found.position, found.header_count, profile.skip_rows)


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


class _HeadRows:
    """The first rows of the sheets of a book as headings, each read once."""

    def __init__(self, book: Book) -> None:
        self._book = book
        self._found: dict[tuple[str, int], list[_HeadRow]] = {}

    def of(self, profile: ImportProfile) -> Iterator[_HeadRow]:
        """Yield the rows that may have the headings of a profile: those where it says so come first."""
        count = len(profile.header_rows)
        # A sheet may have been renamed, so the others are searched too.
        for sheet in sorted(
            self._book.sheets, key=lambda name: (name != profile.sheet, name in self._book.hidden_sheets)
        ):
            yield from sorted(self._rows(sheet, count), key=lambda row: self._number(row) != profile.header_rows[0])

    def _rows(self, sheet: str, count: int) -> list[_HeadRow]:
        if (sheet, count) not in self._found:
            scan = self._book.scan(sheet)
            self._found[sheet, count] = [
                _HeadRow(sheet, scan, position, count, headings, Counter(map(_heading_key, headings)))
                for position in range(len(scan.head))
                if (headings := headings_at(scan, position, count))
            ]
        return self._found[sheet, count]

    @staticmethod
    def _number(row: _HeadRow) -> int:
        return row.scan.head[row.position].number


def _find_rows(rows: _HeadRows, profile: ImportProfile) -> _HeadRow | None:
    needed = Counter(map(_column_key, profile.used_columns))
    if not needed:
        return None
    return next((row for row in rows.of(profile) if needed <= row.keys), None)


def _all_keys(profile: ImportProfile) -> Counter[_Key]:
    return Counter(map(_column_key, profile.columns))


def _heading_key(heading: ListHeading) -> _Key:
    if heading.top or heading.sub:
        return match_key(heading.top), match_key(heading.sub)
    return "", column_letter(heading.index + 1)


def _column_key(column: ProfileColumn) -> _Key:
    if column.heading or column.sub_heading:
        return match_key(column.heading), match_key(column.sub_heading)
    return "", column.column or ""
