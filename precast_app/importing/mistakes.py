"""Equal mistakes of a file, and what their cells may be meant to say. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal

from precast_app.importing.cell_parsing import InvalidCell
from precast_app.importing.decimal_signs import DecimalSign
from precast_app.importing.profiles import cell_values, vocabulary
from precast_app.importing.schema import BASE_COLUMNS, MAX_MEASURE, Column, ColumnGroup
from precast_app.text import clean_text

# A whole number with a word for pieces behind it.
_COUNT = re.compile(r"\A(\d{1,9}) ?[^\W\d_]{1,12}\.?\Z")
_MAX_LENGTH = 80
_UNITS = {column.field: column.unit for column in BASE_COLUMNS if column.unit}


@dataclass(frozen=True, slots=True)
class WrongCell:
    """An invalid cell of a row: its column, its trimmed text, and what is wrong."""

    row: int
    column: str
    heading: str
    text: str
    code: str
    message: str


@dataclass(slots=True)
class Mistake:
    """Cells of a column with the same text and the same error; `suggestion` is what they may be meant to say."""

    column: str
    heading: str
    text: str
    code: str
    message: str
    rows: list[int] = field(default_factory=list)
    suggestion: str | None = None


def group_mistakes(cells: Iterable[WrongCell], columns: Iterable[Column], limit: int) -> list[Mistake]:
    """Return the most frequent mistakes, each with its rows."""
    found: dict[tuple[str, str, str], Mistake] = {}
    for cell in cells:
        key = cell.column, cell.text, cell.code
        if key not in found:
            found[key] = Mistake(cell.column, cell.heading, cell.text, cell.code, cell.message)
        found[key].rows.append(cell.row)
    by_letter = {column.letter: column for column in columns}
    most_frequent = sorted(found.values(), key=lambda each: -len(each.rows))[:limit]
    for mistake in most_frequent:
        if mistake.column in by_letter:
            mistake.suggestion = suggest(by_letter[mistake.column], mistake.text)
    return most_frequent


def suggest(column: Column, text: str) -> str | None:
    """Return what a cell of the column may be meant to say; None if that is not clear."""
    text = clean_text(text)
    if not text or len(text) > _MAX_LENGTH:
        return None
    if not any(map(str.isalnum, text)):
        return "" if _is_valid(column, "") else None
    if column.group is ColumnGroup.BASE and column.target in _UNITS:
        return _measure(column, text)
    if column.group is ColumnGroup.STAGES:
        return _yes_or_no(text)
    counted = _COUNT.match(text)
    return counted[1] if counted and column.is_number and _is_valid(column, counted[1]) else None


def _measure(column: Column, text: str) -> str | None:
    """Return a measure without its unit, if the column has the unit in which it is stored."""
    unit, sign = _UNITS[str(column.target)], column.sign or DecimalSign.POINT
    try:
        value = cell_values.parse_measure(text, maximum=MAX_MEASURE, unit=unit, sign=sign)
        shown = f"{value:f}" if isinstance(value, Decimal) else ""
        return shown if shown and column.parse(shown) == value else None
    except InvalidCell:
        return None


def _yes_or_no(text: str) -> str | None:
    words = vocabulary.load().words
    return next((answer for answer in ("yes", "no") if vocabulary.squash(text) in words[answer]), None)


def _is_valid(column: Column, text: str) -> bool:
    try:
        column.parse(text)
    except InvalidCell:
        return False
    return True
