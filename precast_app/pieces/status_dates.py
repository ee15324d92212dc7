"""Dates in the cells of a list of pieces. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from enum import Enum
from functools import cache

from babel import dates

from precast_app.importing.cell_parsing import InvalidCell, display_text, reject_error_cell
from precast_app.spreadsheets import Cell, unescape_formula
from precast_app.text import clean_text

_MAX_TEXT_LENGTH = 40
# Day, month and year in any order, and a time; such as 12.10.2026, 10/12/26, 12-Oct-2026 or 2026-10-12 14:30:00Z.
_DATE = re.compile(
    r"\A(\d{1,4})([./ -])[ ]?(\d{1,2}|[^\W\d_]{3,12}\.?)[./ -][ ]?(\d{1,4})"
    r"(?:(?:T|,?[ ])(\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d{1,6})?)?(?:[ ]?([AaPp])\.?[Mm]\.?|Z)?)?\Z"
)
_ZONED = re.compile(r"\A\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?[+-]\d{2}:?\d{2}\Z")
# The languages of the headings of such lists.
_LANGUAGES = ("en", "de", "fr", "es", "it", "nl", "pl", "fi", "pt", "tr")
_SHORTEST_MONTH = 3
_NOT_A_DATE = "Enter a date, for example 2026-10-12 or 12.10.2026."


class DayFirst(Enum):
    """Whether `10/12/2026` is in December (yes) or in October (no); unclear if nothing in the file tells."""

    YES = "yes"
    NO = "no"
    UNCLEAR = "unclear"


def day_order(cells: Iterable[Cell]) -> DayFirst:
    """Return the order of day and month in a column, by the first date with slashes that can have one order only."""
    found = DayFirst.YES
    for cell in cells:
        if isinstance(cell, str) and len(cell) <= _MAX_TEXT_LENGTH and (parts := _DATE.match(clean_text(cell))):
            if parts[2] != "/" or len(parts[1]) == 4:
                continue
            if not parts[3].isdecimal():
                continue
            first, second = int(parts[1]), int(parts[3])
            if first > 12:
                return DayFirst.YES
            if second > 12:
                return DayFirst.NO
            if first != second:
                found = DayFirst.UNCLEAR
    return found


def parse_date(cell: Cell, order: DayFirst) -> date | datetime | None:
    """Return the day or the time that a cell has, None for a blank one; raise `InvalidCell` if it has neither.

    A time without a zone is in UTC.
    """
    reject_error_cell(cell)
    if isinstance(cell, datetime):
        is_day = not (cell.hour or cell.minute or cell.second or cell.microsecond)
        return cell.date() if is_day else _in_utc(cell)
    if isinstance(cell, date):
        return cell
    written = clean_text(unescape_formula(display_text(cell)))
    if not written:
        return None
    try:
        return _parse(written, order) if isinstance(cell, str) and len(written) <= _MAX_TEXT_LENGTH else _refuse()
    except ValueError as error:
        raise InvalidCell("not_a_date", _NOT_A_DATE) from error


def _parse(written: str, order: DayFirst) -> date | datetime:
    if _ZONED.match(written):
        return datetime.fromisoformat(written)
    parts = _DATE.match(written)
    if parts is None:
        return _refuse()
    first, separator, third = parts[1], parts[2], parts[4]
    second = int(parts[3]) if parts[3].isdecimal() else _months().get(_month_key(parts[3]), 0)
    if len(first) == 4:
        day = date(int(first), second, int(third))
    else:
        is_day_first = separator != "/" or order is not DayFirst.NO or not parts[3].isdecimal()
        year = int(third) + (2000 if len(third) <= 2 else 0)
        day = date(year, second, int(first)) if is_day_first else date(year, int(first), second)
    if parts[5] is None:
        return day
    hour = int(parts[5])
    if half := (parts[8] or "").casefold():
        if not 1 <= hour <= 12:
            return _refuse()
        hour = hour % 12 + (12 if half == "p" else 0)
    return datetime(day.year, day.month, day.day, hour, int(parts[6]), int(parts[7] or 0), tzinfo=UTC)


@cache
def _months() -> Mapping[str, int]:
    """Return the numbers of the months by their names and abbreviations; one with two meanings is left out."""
    found: dict[str, set[int]] = {}
    for language in _LANGUAGES:
        for width in ("wide", "abbreviated"):
            for context in ("format", "stand-alone"):
                for number, name in dates.get_month_names(width, context, language).items():
                    if len(key := _month_key(name)) >= _SHORTEST_MONTH:
                        found.setdefault(key, set()).add(number)
                        found.setdefault(key[:_SHORTEST_MONTH], set()).add(number)
    english = {_month_key(name): number for number, name in dates.get_month_names("abbreviated", locale="en").items()}
    return {key: next(iter(numbers)) for key, numbers in found.items() if len(numbers) == 1} | english


def _month_key(name: str) -> str:
    return name.casefold().rstrip(".")


def _refuse() -> date:
    raise ValueError(_NOT_A_DATE)


def _in_utc(time: datetime) -> datetime:
    return time if time.tzinfo else time.replace(tzinfo=UTC)
