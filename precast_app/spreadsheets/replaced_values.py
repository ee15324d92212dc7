"""Texts by which a spreadsheet program replaced a value when it saved a CSV file: the value itself is lost."""

from __future__ import annotations

import re
from collections.abc import Set

from precast_app.messages import Message
from precast_app.spreadsheets.sheet import ReaderNote, column_letter

# The months as Excel and LibreOffice shorten them.
_MONTHS = frozenset(
    {
        "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
        "mär", "mrz", "mai", "okt", "dez",
        "janv", "févr", "mars", "avr", "juin", "juil", "août", "sept", "déc",
        "ene", "abr", "ago", "dic", "fev",
        "янв", "фев", "мар", "апр", "май", "июн", "июл", "авг", "сен", "окт", "ноя", "дек",
    }
)  # fmt: skip
# In Italian, Dutch, Polish, Finnish and Turkish. Only as they are written, because they mean other things, too.
_EXACT_MONTHS = frozenset(
    {
        "gen", "mag", "giu", "lug", "set", "ott", "mrt", "mei",
        "sty", "lut", "kwi", "maj", "cze", "lip", "sie", "wrz", "paź", "lis", "gru",
        "tammi", "helmi", "maalis", "huhti", "touko", "kesä", "heinä", "elo", "syys", "loka", "marras", "joulu",
        "Oca", "Şub", "Nis", "Haz", "Tem", "Ağu", "Eyl", "Eki", "Kas", "Ara",
    }
)  # fmt: skip
_DATE = re.compile(r"[0-9]{1,2}(?:[-/ ]|\. ?)([^\W\d_]{3,6})\.?(?:[-/ ][0-9]{2,4})?|([^\W\d_]{3,6})\.?[-/ ][0-9]{1,4}")
_MONTH_STARTS = frozenset(month[:3].casefold() for month in _MONTHS | _EXACT_MONTHS)
_WORD_BY_DIGIT = re.compile(r"[0-9](?:[-/ ]|\. ?)([^\W\d_]{3})|(?<![^\W\d_])([^\W\d_]{3})[^\W\d_]{0,3}+\.?[-/ ][0-9]")
# As Excel shows a date or a time that it made of 1-2-3 or 1:2. They are reported in columns of texts only.
_DIGITS = re.compile(
    r"(?:[0-9]{1,2}/[0-9]{1,2}/(?:[0-9]{4}|[0-9]{2})|[0-9]{1,2}([.-])[0-9]{1,2}\1[0-9]{4}"
    r"|[0-9]{4}([./-])[0-9]{1,2}\2[0-9]{1,2})(?:[T ][0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?)?"
    r"|[0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?(?: [AP]M)?"
)
_MAY_BE_DIGITS = re.compile(r"[0-9](?::[0-9]{2}|([/.-])[0-9]{1,2}\1[0-9]{1,2})")
# Excel shows a number of more than eleven digits like this. No measure or quantity is that large. In a column of texts
# it may also have been 1E5.
_SCIENTIFIC = re.compile(r"[0-9](?:[.,][0-9]{1,14})?E\+(?:1[1-9]|[2-9][0-9])")
_SCIENTIFIC_TEXT = re.compile(r"[0-9](?:[.,][0-9]{1,14})?E\+[0-9]{2,3}")
_HASHES = re.compile(r"#{3,}")
_MAX_NOTES = 50  # for each code

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
                "warning", code, Message("%(count)s more cells have the same problem.", count=count - _MAX_NOTES)
            )
            for code, count in self._counts.items()
            if count > _MAX_NOTES
        )
        return (*self._found, *more)

    def clear(self) -> None:
        """Forget what was found."""
        self._found.clear()
        self._counts = dict.fromkeys(_CODES, 0)

    def add_row(self, number: int, cells: list[str], text_columns: Set[int]) -> None:
        """Add a warning for each cell of a row that holds a replaced value."""
        for index, cell in enumerate(cells):
            code = _code(cell.strip(), index in text_columns) if len(cell) < 40 else None
            if code is None:
                continue
            self._counts[code] += 1
            if self._counts[code] <= _MAX_NOTES:
                shown = cell.strip()
                message = _message(code, shown)
                self._found.append(ReaderNote("warning", code, message, number, column_letter(index + 1), shown))


def may_be_replaced(line: str) -> bool:
    """Return whether a line may hold a replaced value: a quick check that few lines pass."""
    if "E+" in line or "###" in line or _MAY_BE_DIGITS.search(line) is not None:
        return True
    return any((after or before).casefold() in _MONTH_STARTS for after, before in _WORD_BY_DIGIT.findall(line))


def _code(cell: str, is_text: bool) -> str | None:
    if _HASHES.fullmatch(cell):
        return "hidden_value"
    if (_SCIENTIFIC_TEXT if is_text else _SCIENTIFIC).fullmatch(cell):
        return "rounded_number"
    if is_text and _DIGITS.fullmatch(cell):
        return "date_in_text"
    date = _DATE.fullmatch(cell)
    month = (date[1] or date[2]) if date else ""
    return "date_in_text" if month in _EXACT_MONTHS or month.casefold() in _MONTHS else None


def _message(code: str, shown: str) -> Message:
    match code:
        case "date_in_text":
            return Message(
                "The cell holds %(value)s, which looks like a date or a time that Excel made of something else, such "
                "as 1-2. If so, format the column as text, enter the value again and save the file again.",
                value=shown,
            )
        case "rounded_number":
            return Message(
                "The cell holds %(value)s, which is how Excel shows a long number, or a text such as 1E5 that it took "
                "for one. The other digits are lost. Format the column as text or as a number without decimals, enter "
                "the full value and save the file again.",
                value=shown,
            )
        case _:
            return Message(
                "The cell holds only %(value)s, which Excel shows if a column is too narrow. The value is lost. "
                "Widen the "
                "column and save the file again.",
                value=shown,
            )
