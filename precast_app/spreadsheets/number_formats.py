"""Number formats of cells: which show a date, and what a number looks like in the others."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache

import xlrd

from precast_app.spreadsheets.sheet import Cell, FormattedNumber
from precast_app.spreadsheets.unit_names import unit_name

_MAX_FORMAT_LENGTH = 255  # characters, Excel's own limit
_BUILT_IN = {
    1: "0",
    2: "0.00",
    3: "#,##0",
    4: "#,##0.00",
    9: "0%",
    10: "0.00%",
    11: "0.00E+00",
    12: "# ?/?",
    13: "# ??/??",
    46: "[h]:mm:ss",
    48: "##0.0E+0",
}
_BUILT_IN_DATES = frozenset((*range(14, 23), *range(27, 37), 45, 47, *range(50, 59)))
# Literal text, colours and conditions of a number format, but not elapsed times such as [h].
_LITERAL = re.compile(r'"[^"]*"?|[\\_*].?|\[(?!(?:h+|m+|s+)\])[^\]]*\]?', re.IGNORECASE | re.DOTALL)
_DATE_FIELD = re.compile(r"[dmyhs]", re.IGNORECASE)
_ELAPSED = re.compile(r"\[[hms]{1,5}\]", re.IGNORECASE)
# A quoted or escaped literal, a blank as wide as a character, a filling character, brackets, or one character.
_TOKEN = re.compile(r'"[^"]*"?|[\\_*].?|\[[^\]]*\]?|General|.', re.IGNORECASE | re.DOTALL)
_PLACEHOLDERS = frozenset("0#?")
EXCEL_DIGITS = 15
_EXACT = 10**EXCEL_DIGITS
# Units that are not converted.
_MORE_UNITS = frozenset({"pcs"})


def shown_unit(text: str) -> str | None:
    """Return the text if it is a unit, such as `cm` but not `pieces`; else None."""
    return text if unit_name(text) or text.lower() in _MORE_UNITS else None


def round_to_excel(number: float) -> float:
    """Return a number rounded to the 15 significant digits that Excel shows: 0.30000000000000004 is 0.3."""
    if -_EXACT < number < _EXACT and number == int(number):
        return number
    return float(f"{number:.{EXCEL_DIGITS}g}")


@dataclass(frozen=True, slots=True)
class NumberFormat:
    """Number format of a cell.

    is_date       it shows a number as a date or a time
    is_elapsed    it shows a number as a duration
    is_telling    it shows more than the number's digits: padding, a text before or after them, a percent sign
    unit          the unit after the number, None if no unit follows it
    code          the format in Excel's notation
    """

    sections: tuple[_Section | None, ...] = ()
    is_date: bool = False
    is_elapsed: bool = False
    is_telling: bool = False
    unit: str | None = None
    code: str = ""

    def value(self, number: float, from_1904: bool) -> Cell:
        """Return a number as the date, time or duration that its cell shows, or rounded as Excel shows it."""
        if self.is_date:
            return _as_moment(number, self.is_elapsed, from_1904)
        rounded = round_to_excel(number)
        return FormattedNumber(rounded, self) if self.is_telling else rounded

    def show(self, number: float) -> str | None:
        """Return what the cell shows, or None if the format is not simple enough."""
        if not self.sections or number != number or abs(number) == float("inf"):
            return None
        place = 1 if number < 0 else 2 if number == 0 else 0
        is_own = place < len(self.sections)
        section = self.sections[place if is_own else 0]
        if section is None:
            return None
        shown = section.show(abs(Decimal(repr(number))))
        return f"-{shown}" if number < 0 and not is_own else shown


@dataclass(frozen=True, slots=True)
class _Section:
    """Part of a format for positive, negative or zero numbers.

    `digits` are the placeholders before the decimal point, and literals between them.
    """

    prefix: str
    digits: tuple[str, ...]
    decimals: str
    suffix: str
    is_grouped: bool
    is_percent: bool

    @property
    def is_telling(self) -> bool:
        literals = any(each not in _PLACEHOLDERS for each in self.digits) and self.digits != ("General",)
        return bool(self.prefix or self.suffix) or literals or self.digits.count("0") > 1

    def show(self, number: Decimal) -> str:
        if not self.digits and not self.decimals:
            return (self.prefix + self.suffix).strip()
        scaled = number.scaleb(2) if self.is_percent else number
        if self.digits == ("General",):
            return f"{self.prefix}{_plain(scaled)}{self.suffix}".strip()
        fixed = f"{scaled.quantize(Decimal(1).scaleb(-len(self.decimals)), ROUND_HALF_UP):f}"
        whole, _, fraction = fixed.partition(".")
        places = len(self.decimals)
        while places and self.decimals[places - 1] != "0" and fraction[places - 1] == "0":
            places -= 1
        point = "." if self.decimals else ""
        return f"{self.prefix}{self._show_whole(whole.lstrip('0'))}{point}{fraction[:places]}{self.suffix}".strip()

    def _show_whole(self, whole: str) -> str:
        left, shown = list(whole), []
        first = next((at for at, each in enumerate(self.digits) if each in _PLACEHOLDERS), 0)
        for at in range(len(self.digits) - 1, -1, -1):
            each = self.digits[at]
            if each not in _PLACEHOLDERS:
                shown.append(each)
            elif left:
                shown.append(left.pop())
            elif each == "0":
                shown.append("0")
            if at == first:
                shown.extend(reversed(left))
                left = []
        text = "".join(reversed(shown))
        return f"{int(text):,}" if self.is_grouped and text.isdigit() and not text.startswith("0") else text


def _plain(number: Decimal) -> str:
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


@lru_cache(maxsize=1024)
def parse_number_format(code: str) -> NumberFormat:
    """Return the format that a code such as `0.00 "m"` describes."""
    if len(code) > _MAX_FORMAT_LENGTH:
        return GENERAL
    # The section after the first semicolon is for negative numbers.
    fields = _LITERAL.sub("", code).partition(";")[0]
    if _DATE_FIELD.search(fields.replace("General", "")) is not None:
        return NumberFormat(is_date=True, is_elapsed=_ELAPSED.search(fields) is not None)
    sections = tuple(map(_parse_section, _split_sections(code)))[:3]
    numeric = sections[:1] if len(sections) < 2 else sections
    is_telling = any(each is None or each.is_telling for each in numeric)
    first = sections[0] if sections else None
    suffix = first.suffix.strip() if first is not None and (first.digits or first.decimals) else ""
    return NumberFormat(sections, is_telling=is_telling, unit=shown_unit(suffix), code=code)


GENERAL = NumberFormat()


def built_in_format(number: int) -> NumberFormat:
    """Return one of the formats that a workbook refers to by number only."""
    if number in _BUILT_IN_DATES:
        return NumberFormat(is_date=True)
    return parse_number_format(_BUILT_IN[number]) if number in _BUILT_IN else GENERAL


def _split_sections(code: str) -> Iterator[list[str]]:
    section: list[str] = []
    for token in _TOKEN.findall(code):
        if token == ";":
            yield section
            section = []
        else:
            section.append(token)
    yield section


def _parse_section(tokens: list[str]) -> _Section | None:
    """Return a section, or None if it is not simple: a fraction, an exponent, a condition, thousands left out."""
    parts: list[str] = []  # placeholders, points, commas and literals, each literal with a mark before it
    is_percent = False
    for token in tokens:
        if token in ("E", "e") or token.startswith(("[<", "[>", "[=")):
            return None
        if token[0] in "_*":
            continue
        if token[0] == "[":
            token = token[1:].partition("]")[0]
            token = f'"{token[1:].partition("-")[0]}"' if token.startswith("$") else '""'
        if token[0] == '"':
            parts.extend("\\" + each for each in token.strip('"'))
        elif token[0] == "\\" or token in _PLACEHOLDERS or token in (".", ","):
            parts.append(token)
        elif token == "/" and any(each in _PLACEHOLDERS for each in parts):
            return None
        elif token == "@" or token.lower() == "general":
            parts.append("General")
        else:
            is_percent = is_percent or token == "%"
            parts.append("\\" + token)
    return _build_section(parts, is_percent)


def _build_section(parts: list[str], is_percent: bool) -> _Section | None:
    places = [at for at, each in enumerate(parts) if each in _PLACEHOLDERS or each == "General"]
    if not places:
        literal = "".join(each[-1] for each in parts)
        return _Section(literal, (), "", "", False, is_percent)
    first, last = places[0], places[-1]
    if first and parts[first - 1] == ".":
        first -= 1
    core = parts[first : last + 1]
    rest = parts[last + 1 :]
    if rest and rest[0] == ",":
        return None
    point = core.index(".") if "." in core else len(core)
    whole, decimals = core[:point], core[point + 1 :]
    if not set(decimals) <= _PLACEHOLDERS:
        return None
    digits = tuple(each[-1] if each.startswith("\\") else each for each in whole if each != ",")
    # A point after the digits without decimals, as in `0.`, is part of what follows.
    return _Section(
        "".join(each[-1] for each in parts[:first]),
        digits,
        "".join(decimals),
        "".join(each[-1] for each in rest),
        "," in whole,
        is_percent,
    )


def _as_moment(number: float, is_elapsed: bool, from_1904: bool) -> Cell:
    try:
        if is_elapsed:
            return timedelta(milliseconds=round(number * 86_400_000))
        moment: datetime = xlrd.xldate_as_datetime(number, int(from_1904))
    except (ValueError, OverflowError):
        return number
    return time(moment.hour, moment.minute, moment.second, moment.microsecond) if 0 <= number < 1 else moment
