"""Issues: what a person should know about a file. Invalid data is a value, not an exception. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from precast_app.enums import Severity
from precast_app.importing import units
from precast_app.spreadsheets import ReaderNote, unit_name


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """Something wrong or odd in a file.

    `row` counts from 1 and `column` is a letter, as the spreadsheet shows them. A `code` never changes its meaning.
    """

    severity: Severity
    code: str
    message: str
    row: int | None = None
    column: str | None = None
    heading: str | None = None
    value: str | None = None
    sheet: str | None = None


@dataclass(frozen=True, slots=True)
class IssueOverflow:
    """Issues that are only counted, and the numbers of the rejected rows that they belong to."""

    count: int = 0
    rows: frozenset[int] = frozenset()


def from_notes(notes: Iterable[ReaderNote], unit_by_column: Mapping[str, str] | None = None) -> Iterator[Issue]:
    """Yield the issues for what a reader of files chose or corrected.

    `unit_by_column` has the unit in which the numbers of a column are read, by the column's letters. A cell that shows
    this unit is no news, nor is one that shows a unit of other columns, such as kg, in a column without a unit.
    """
    for note in notes:
        if note.unit is None or not _is_unit_of_column(note.unit, (unit_by_column or {}).get(note.column or "")):
            yield _from_note(note)


def _is_unit_of_column(shown: str, unit: str | None) -> bool:
    return unit_name(shown) == unit_name(unit) if unit else units.is_stored(shown)


def _from_note(note: ReaderNote) -> Issue:
    return Issue(
        severity=Severity(note.severity),
        code=note.code,
        message=note.message,
        row=note.row,
        column=note.column,
        value=note.value,
    )
