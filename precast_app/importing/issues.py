"""Issues: what a person should know about a file. Invalid data is a value, not an exception. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from precast_app.enums import Severity
from precast_app.spreadsheets import ReaderNote


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


def from_note(note: ReaderNote) -> Issue:
    """Return the issue for what a reader of files chose or corrected."""
    return Issue(
        severity=Severity(note.severity),
        code=note.code,
        message=note.message,
        row=note.row,
        column=note.column,
        value=note.value,
    )
