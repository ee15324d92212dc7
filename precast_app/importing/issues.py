"""An issue: something in the file that a person should know. Bad data is a value, not an exception."""

from __future__ import annotations

from dataclasses import dataclass

from precast_app.enums import Severity
from precast_app.spreadsheets import ReaderNote


@dataclass(frozen=True, slots=True)
class Issue:
    """`row` counts from 1 and `column` is a letter, as the spreadsheet shows them; `code` never changes its meaning."""

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
    """Issues that are only counted, and the numbers of the rejected rows that they are about."""

    count: int = 0
    rows: frozenset[int] = frozenset()


def from_note(note: ReaderNote) -> Issue:
    """Return what a reader chose or repaired as an issue of the file."""
    return Issue(Severity(note.severity), note.code, note.message)
