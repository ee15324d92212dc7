"""Cells of an office's own file: replacements of words, and measures that name their unit. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal

from precast_app.importing import cell_parsing, decimal_signs, units
from precast_app.importing.cell_parsing import InvalidCell
from precast_app.importing.decimal_signs import DecimalSign
from precast_app.importing.schema import CellParser, Column
from precast_app.messages import Message
from precast_app.spreadsheets import FormattedNumber, unescape_formula, unit_name
from precast_app.text import clean_text, match_key

_MAX_TEXT_LENGTH = 80
_MEASURE = re.compile(r"\A(?P<number>[+-]?[\d.,][\d.,'’ ]*+)(?P<unit>[^\d\s.,+-].*)?")
# As in `5' 6 1/2"`, `5'-6"` and `6 1/2"`.
_FEET = re.compile(r"\A(?P<feet>\d+(?:[.,]\d+)?) ?(?:'|′|’|ft\.?|feet|foot)(?: ?-? ?(?P<rest>\d.*))?", re.IGNORECASE)
_INCHES = re.compile(
    r"\A(?:(?P<number>\d+(?:[.,]\d+)?)|(?:(?P<whole>\d+)[ -])?(?P<top>\d+) ?[/⁄] ?(?P<bottom>\d+))"
    r" ?(?P<sign>\"|″|''|in\.?|inch(?:es)?)?",
    re.IGNORECASE,
)
_MM_PER_INCH = Decimal("25.4")
_INCHES_PER_FOOT = 12


def rule_key(text: str) -> str:
    """Return the key by which a cell is compared with the replacements of a profile."""
    return match_key(text) or clean_text(text)


def replacing_parser(column: Column, parse: CellParser | None = None) -> CellParser:
    """Return the column's parser, or another one, preceded by the replacements of its cells."""
    rules, parse_cell = column.replacements, parse or column.parse
    if not rules:
        return parse_cell

    def parse_replaced(cell: object) -> object:
        text = cell if isinstance(cell, str) else cell_parsing.display_text(cell)
        return parse_cell(rules.get(rule_key(text), cell))

    return parse_replaced


def is_replaced_by_nothing(cells: Sequence[object], column: Column, value: object) -> bool:
    """Return whether a cell is not blank, but `value`, what it is read as, is: the profile replaces it by nothing."""
    if value not in ("", None) or not column.replacements or not 0 <= column.index < len(cells):
        return False
    cell = cells[column.index]
    return bool(clean_text(cell if isinstance(cell, str) else cell_parsing.display_text(cell)))


def index_rules(rules: Mapping[str, str]) -> dict[str, str]:
    """Return the replacements by the key of the text that they replace."""
    return {rule_key(old): new for old, new in rules.items()}


def parse_measure(cell: object, *, maximum: int, unit: str, sign: DecimalSign) -> Decimal | None:
    """Return a measure that names its unit, converted to `unit`; None for a blank cell.

    `sign` decides numbers that can be read in two ways, such as `1,250 mm`. Raise `InvalidCell` if no unit is named.
    """
    if isinstance(cell, FormattedNumber) and cell.unit is not None:
        return _convert(Decimal(repr(float(cell))), cell.unit, unit, maximum)
    text = (
        clean_text(unescape_formula(cell_parsing.display_text(cell))) if not isinstance(cell, str) else clean_text(cell)
    )
    if not text or len(text) > _MAX_TEXT_LENGTH:
        return cell_parsing.parse_decimal(cell, maximum=maximum, unit=unit)
    if unit == "mm" and (inches := _parse_inches(text)) is not None:
        return _convert(inches, "in", unit, maximum)
    match = _MEASURE.fullmatch(text)
    if match is None or not match["unit"]:
        number = cell_parsing.parse_decimal(decimal_signs.with_point(text, sign), maximum=maximum, unit=unit)
        if not number:
            return number
        raise InvalidCell(
            "missing_unit",
            Message(
                "The cell names no unit. Write it after the number, for example %(number)s %(unit)s.",
                number=text,
                unit=unit,
            ),
        )
    number = cell_parsing.parse_decimal(decimal_signs.with_point(match["number"].strip(), sign), maximum=10**18)
    return None if number is None else _convert(number, match["unit"], unit, maximum)


def measure_with_point(text: str, sign: DecimalSign) -> str:
    """Return a number, or a number with a unit behind it, with a decimal point; any other text as it is."""
    match = _MEASURE.fullmatch(clean_text(text)) if len(text) <= _MAX_TEXT_LENGTH else None
    if match is None or not match["unit"]:
        return decimal_signs.with_point(text, sign)
    return f"{decimal_signs.with_point(match['number'].strip(), sign)} {match['unit']}"


def _convert(number: Decimal, named: str, unit: str, maximum: int) -> Decimal | None:
    factor = units.factor(unit, named)
    if factor is None:
        raise InvalidCell(
            "unknown_unit_in_cell",
            Message(
                "The unit %(unit)s is not known here. Use one of %(units)s.",
                unit=named,
                units=", ".join(units.names(unit)),
            ),
        )
    return cell_parsing.parse_converted(
        cell_parsing.canonical(number), maximum=maximum, factor=factor, unit=unit_name(named) or named
    )


def _parse_inches(text: str) -> Decimal | None:
    """Return the inches of a text in feet and inches, None if it is something else."""
    feet = _FEET.fullmatch(text)
    rest = feet["rest"] if feet else text
    total = _INCHES_PER_FOOT * _decimal(feet["feet"]) if feet else Decimal(0)
    if rest is None:
        return total
    inches = _INCHES.fullmatch(rest)
    if inches is None or not (feet or inches["sign"]):
        return None
    if inches["number"]:
        return total + _decimal(inches["number"])
    if not int(inches["bottom"]):
        return None
    return total + int(inches["whole"] or 0) + Decimal(inches["top"]) / Decimal(inches["bottom"])


def _decimal(text: str) -> Decimal:
    return Decimal(text.replace(",", "."))
