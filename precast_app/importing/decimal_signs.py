"""The decimal signs of numbers that are stored as text. Pure.

`1,250` is 1250 where the comma separates thousands, and 1.25 where it is the decimal sign. A column is decided by those
of its cells that can be read in one way only, such as `0,5` or `1.250,00`; a column without any by those of the file.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from precast_app.messages import Message
from precast_app.spreadsheets import Book
from precast_app.text import clean_text

# Longer than any number.
_MAX_LENGTH = 80
_NUMBER = re.compile(r"[+-]?[.,]?\d[\d.,]*(?:[eE][+-]?\d+)?")
_SPACED_THOUSANDS = re.compile(r"(?<=\d)[ '’](?=\d{3}(?!\d))")


class DecimalSign(StrEnum):
    """The sign before the decimals; the other one separates thousands."""

    POINT = "."
    COMMA = ","

    @property
    def other(self) -> DecimalSign:
        """The sign that separates thousands."""
        return DecimalSign.COMMA if self is DecimalSign.POINT else DecimalSign.POINT


def file_sign(book: Book) -> DecimalSign | None:
    """Return the decimal sign that the form of a file suggests: the point if commas separate its fields."""
    if book.format != "csv":
        return None
    return DecimalSign.COMMA if book.decimal_comma else DecimalSign.POINT


Evidence = DecimalSign | Literal["either"] | None


def evidence(text: str) -> Evidence:
    """Return the decimal sign that a text shows, "either" if it can be read in both ways, None if it shows nothing."""
    number = _without_spaces(text)
    if number is None:
        return None
    points, commas = number.count("."), number.count(",")
    if points and commas:
        return DecimalSign.COMMA if number.rfind(",") > number.rfind(".") else DecimalSign.POINT
    if points > 1:
        return DecimalSign.COMMA
    if commas > 1:
        return DecimalSign.POINT
    if not points and not commas:
        return None
    sign = DecimalSign.POINT if points else DecimalSign.COMMA
    digits = number.casefold().partition("e")[0]
    whole, _, decimals = digits.lstrip("+-").partition(sign)
    is_grouped = len(decimals) == 3 and 1 <= len(whole) <= 3 and not whole.startswith("0")
    # With spaces between the thousands, the sign can't separate thousands too.
    return "either" if is_grouped and number == clean_text(text) else sign


def with_point(text: str, sign: DecimalSign) -> str:
    """Return a number with a decimal point and without thousands separators; any other text as it is.

    `sign` decides only texts that can be read in two ways.
    """
    shown = evidence(text)
    number = _without_spaces(text)
    if number is None:
        return text
    if shown is None:
        return number
    decimal = sign if shown == "either" else shown
    whole, found, decimals = number.rpartition(decimal) if decimal in number else (number, "", "")
    groups = whole.lstrip("+-").split(decimal.other)
    if len(groups) > 1 and not _are_thousands(groups):
        return text
    return whole.replace(decimal.other, "") + ("." + decimals if found else "")


def _are_thousands(groups: Sequence[str]) -> bool:
    """Return whether a number is grouped in threes, or as in India: `12,34,567`."""
    first, *middle, last = map(len, groups)
    return last == 3 and ((1 <= first <= 3 and set(middle) <= {3}) or (1 <= first <= 2 and set(middle) == {2}))


def _without_spaces(text: str) -> str | None:
    """Return a clean number without spaces or apostrophes between its thousands; None if the text is no number."""
    if len(text) > _MAX_LENGTH:
        return None
    number = _SPACED_THOUSANDS.sub("", clean_text(text))
    return number if _NUMBER.fullmatch(number) else None


@dataclass(frozen=True, slots=True)
class Reading:
    """A number as text with a decimal point; `is_certain` is False if it could have been read in another way."""

    text: str
    is_certain: bool


class DecimalSigns:
    """The decimal signs of the columns of a file, collected from all cells before the first unclear one is read.

    `file_sign` is the sign that the form of the file suggests: the point if commas separate its fields.
    """

    def __init__(self, file_sign: DecimalSign | None) -> None:
        self._file_sign = file_sign
        self._seen: dict[int, set[DecimalSign]] = defaultdict(set)

    def add(self, column: int, text: str) -> bool:
        """Collect the evidence of a cell; return whether it can be read in two ways."""
        shown = evidence(text)
        if isinstance(shown, DecimalSign):
            self._seen[column].add(shown)
        return shown == "either"

    def read(self, column: int, text: str) -> Reading:
        """Return how a cell of a column is read."""
        seen = self._seen.get(column, set())
        if evidence(text) != "either":
            return Reading(with_point(text, DecimalSign.POINT), is_certain=True)
        if len(seen) == 1:
            (sign,) = seen
            return Reading(with_point(text, sign), is_certain=True)
        in_file = set().union(*self._seen.values())
        if len(in_file) == 1:
            (sign,) = in_file
            return Reading(with_point(text, sign), is_certain=True)
        sign = self._file_sign or DecimalSign.POINT
        is_certain = self._file_sign is not None and sign in text and not in_file
        return Reading(with_point(text, sign), is_certain)


def reading_message(text: str, reading: Reading) -> str:
    """Return the warning about a number that could have been read in another way."""
    sign = Message("comma") if "," in text else Message("point")
    # Without zeros at its end, the number shows how it was read: 1.250 as 1.25.
    number = reading.text
    if "." in number and "e" not in number.casefold():
        number = number.rstrip("0").rstrip(".")
    return Message(
        "%(text)s was read as %(number)s, but its %(sign)s may be a decimal sign or separate "
        "thousands, and the other numbers do not show which. Check the value; write numbers "
        "without thousands separators.",
        text=clean_text(text),
        number=number,
        sign=sign,
    )
