"""Texts by which a spreadsheet program replaced a value when it saved a CSV file: the value itself is lost."""

from __future__ import annotations

import re

from precast_app.messages import Message
from precast_app.spreadsheets.sheet import ReaderNote, column_letter

_MONTHS = (
    "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"  # English
    "|mär|mrz|mai|okt|dez"  # German
    "|janv|févr|mars|avr|juin|juil|août|sept|déc"  # French
    "|ene|abr|ago|dic"  # Spanish
)
_MONTH = re.compile(rf"[0-9]{{1,4}}(?:-|\. ?| )(?:{_MONTHS})|(?:{_MONTHS})\.?(?:-| )[0-9]", re.IGNORECASE)
_DATE = re.compile(
    rf"[0-9]{{1,2}}(?:-|\. ?| )(?:{_MONTHS})\.?(?:(?:-| )[0-9]{{2,4}})?|(?:{_MONTHS})\.?(?:-| )[0-9]{{1,4}}",
    re.IGNORECASE,
)
# Excel shows a number of more than eleven digits like this. No measure or quantity is that large.
_SCIENTIFIC = re.compile(r"[0-9](?:[.,][0-9]{1,14})?E\+(?:1[1-9]|[2-9][0-9])")
_HASHES = re.compile(r"#{3,}")
_MOST_NOTES = 50  # for each code

_CODES = ("date_in_text", "rounded_number", "hidden_value")


class ReplacedValues:
    """Warnings about replaced values, at most 50 for each code."""

    def __init__(self) -> None:
        self._found: list[ReaderNote] = []
        self._counts = dict.fromkeys(_CODES, 0)

    @property
    def notes(self) -> tuple[ReaderNote, ...]:
        """Return a warning for each cell, and one for each code that has more cells than are listed."""
        more = (
            ReaderNote(
                "warning", code, Message("%(count)s more cells have the same problem.", count=count - _MOST_NOTES)
            )
            for code, count in self._counts.items()
            if count > _MOST_NOTES
        )
        return (*self._found, *more)

    def clear(self) -> None:
        """Forget what was found."""
        self._found.clear()
        self._counts = dict.fromkeys(_CODES, 0)

    def add_row(self, number: int, cells: list[str]) -> None:
        """Add a warning for each cell of a row that holds a replaced value."""
        for column, cell in enumerate(cells, 1):
            code = _code(cell.strip()) if len(cell) < 40 else None
            if code is None:
                continue
            self._counts[code] += 1
            if self._counts[code] <= _MOST_NOTES:
                shown = cell.strip()
                message = _message(code, shown)
                self._found.append(ReaderNote("warning", code, message, number, column_letter(column), shown))


def may_be_replaced(line: str) -> bool:
    """Return whether a line may hold a replaced value: a quick check that few lines pass."""
    return "E+" in line or "###" in line or _MONTH.search(line) is not None


def _code(cell: str) -> str | None:
    if _HASHES.fullmatch(cell):
        return "hidden_value"
    if _SCIENTIFIC.fullmatch(cell):
        return "rounded_number"
    return "date_in_text" if _DATE.fullmatch(cell) else None


def _message(code: str, shown: str) -> Message:
    match code:
        case "date_in_text":
            return Message(
                "The cell holds %(value)s, which looks like a date that Excel made of something else, such as "
                "1-2. If so, "
                "format the column as text, enter the value again and save the file again.",
                value=shown,
            )
        case "rounded_number":
            return Message(
                "The cell holds %(value)s, which is how Excel shortens a long number. The other digits are lost. "
                "Format "
                "the column as text or as a number without decimals, enter the full value and save the file again.",
                value=shown,
            )
        case _:
            return Message(
                "The cell holds only %(value)s, which Excel shows if a column is too narrow. The value is lost. "
                "Widen the "
                "column and save the file again.",
                value=shown,
            )
