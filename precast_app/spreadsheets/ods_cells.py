"""Cells of an OpenDocument spreadsheet: their values from the attributes and the text of their elements."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta

from precast_app.messages import Message
from precast_app.spreadsheets.errors import damaged
from precast_app.spreadsheets.number_formats import round_to_excel, shown_unit
from precast_app.spreadsheets.sheet import Cell, CellError, FormattedNumber, ShownText
from precast_app.spreadsheets.xlsx.sheet_xml import Attributes, local_name

# LibreOffice shows a text with one of these prefixes in a cell whose formula failed.
_ERROR_PREFIXES = ("#", "Err:")
# What a cell shows of a number in a format with nothing but digits, signs and separators.
_PLAIN_NUMBER = re.compile(r"[-+\d.,'\s]+(?:E[-+]?\d+)?")
_DURATION = re.compile(
    r"PT(?:(?P<hours>[0-9]{1,8})H)?(?:(?P<minutes>[0-9]{1,8})M)?(?:(?P<seconds>[0-9]{1,8}(?:[.,][0-9]{1,20})?)S)?"
)
_MAX_LITERAL_LENGTH = 80  # characters, so that a format of three is within Excel's limit
_LAST_WORD = re.compile(r"(?<![^\W\d_])[^\W\d_]{1,20}[²³]?\Z")


def attribute(attributes: Attributes, name: str) -> str:
    """Return the attribute with this local name; an empty text if there is none."""
    return next((value for key, value in attributes.items() if local_name(key) == name), "")


def count_attribute(attributes: Attributes, name: str) -> int:
    """Return an attribute that counts cells, rows or blanks, at least 1. Raise `UnreadableFile` if it is no number."""
    text = attribute(attributes, name)
    if not text:
        return 1
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise damaged(Message("a cell or row says %(name)s=%(text)s", name=name, text=f"{text[:20]!r}"))
    return max(1, int(text))


def cell_value(attributes: Attributes, text: str) -> Cell:
    """Return the stored value of a cell; `text` is what the cell shows."""
    kinds = {value for key, value in attributes.items() if local_name(key) == "value-type"}
    formula = attribute(attributes, "formula")
    if "error" in kinds or (formula and text.startswith(_ERROR_PREFIXES)):
        return CellError(text or "#ERR")
    if not kinds:
        return CellError(f"={formula.partition('=')[2]}"[:60]) if formula and not text else text
    try:
        if kinds & {"float", "percentage", "currency"}:
            return _number_cell(float(attribute(attributes, "value")), text.strip())
        if "boolean" in kinds:
            return attribute(attributes, "boolean-value") == "true"
        if "date" in kinds:
            written = attribute(attributes, "date-value")
            if "T" in written:
                return datetime.fromisoformat(written).replace(tzinfo=None)
            return _midnight(date.fromisoformat(written))
        if "time" in kinds and (duration := _DURATION.fullmatch(attribute(attributes, "time-value"))):
            return _as_time(
                timedelta(**{unit: float(count.replace(",", ".")) for unit, count in duration.groupdict("0").items()})
            )
    except ValueError:
        return text
    return attribute(attributes, "string-value") or text


def _as_time(duration: timedelta) -> time | timedelta:
    """Return a duration of less than a day as the time of day that the other formats have for it."""
    return (_midnight(date.min) + duration).time() if timedelta() <= duration < timedelta(days=1) else duration


def _number_cell(number: float, shown: str) -> Cell:
    """Return a number with what its cell shows, if that is more than the number's digits."""
    rounded = round_to_excel(number)
    if not shown or (_PLAIN_NUMBER.fullmatch(shown) and not _is_padded(shown)):
        return rounded
    unit = _LAST_WORD.search(shown)
    # A format that is nothing but a literal, for positive numbers, negative ones and zero.
    literal = f'"{shown}"' if '"' not in shown and len(shown) < _MAX_LITERAL_LENGTH else "General"
    code = ";".join([literal] * 3)
    return FormattedNumber(rounded, ShownText(shown, shown_unit(unit[0]) if unit else None, code))


def _is_padded(shown: str) -> bool:
    digits = shown.lstrip("-")
    return digits[:1] == "0" and digits[1:2].isdigit()


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day)  # noqa: DTZ001 # a cell has no time zone
