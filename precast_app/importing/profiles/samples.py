"""Sample cells as an import profile reads them. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from precast_app.importing import cell_parsing, decimal_signs, units
from precast_app.importing.cell_parsing import InvalidCell
from precast_app.importing.decimal_signs import DecimalSign
from precast_app.importing.profiles import cell_values, vocabulary
from precast_app.importing.profiles.column_values import shown_text
from precast_app.importing.profiles.profile import (
    UNIT_IN_CELL,
    BaseTarget,
    ImportProfile,
    ItemTarget,
    PlaceField,
    PlaceTarget,
    ProfileColumn,
    value_kind,
)
from precast_app.importing.schema import BASE_COLUMNS, GROUP_SPECS, MAX_MEASURE, ColumnGroup
from precast_app.spreadsheets import Cell

_CHARACTERS = 120


@dataclass(frozen=True, slots=True)
class Sample:
    """A cell as its sheet shows it and as it is read, in the unit of the base column, or why it can't be read."""

    text: str
    read_as: str | None = None
    problem: str | None = None


def read_sample(cell: Cell, column: ProfileColumn, profile: ImportProfile, sign: DecimalSign) -> Sample:
    """Return a cell of a column as a profile reads it; `sign` decides numbers if the profile doesn't."""
    text = shown_text(cell)[:_CHARACTERS]
    if column.target is None:
        return Sample(text)
    rules = cell_values.index_rules(profile.values.get(value_kind(column.target), {}))
    value = rules.get(cell_values.rule_key(text), cell)
    try:
        return Sample(text, _read(value, column, column.decimal or profile.decimal or sign))
    except InvalidCell as invalid:
        return Sample(text, problem=invalid.message)


def _read(cell: Cell, column: ProfileColumn, sign: DecimalSign) -> str:
    parse: Callable[[Any], object] = shown_text
    match column.target:
        case BaseTarget(field):
            base = next(each for each in BASE_COLUMNS if each.field == field)
            if base.unit:
                return _shown(_parse_measure(cell, base.unit, column, sign))
            parse = base.parse
        case ItemTarget(ColumnGroup.BOM | ColumnGroup.NODES as group):
            parse = GROUP_SPECS[group].parse
            cell = _with_point(cell, sign)
        case ItemTarget(group):
            parse = GROUP_SPECS[group].parse
        case PlaceTarget(PlaceField.COUNT):
            parse = GROUP_SPECS[ColumnGroup.NODES].parse
            cell = _with_point(cell, sign)
    return _shown(parse(cell))


def _parse_measure(cell: Cell, own: str, column: ProfileColumn, sign: DecimalSign) -> object:
    stated = (vocabulary.split_unit(text)[1] for text in (column.sub_heading, column.heading))
    unit = column.unit or next(filter(None, stated), own)
    if unit == UNIT_IN_CELL:
        return cell_values.parse_measure(cell, maximum=MAX_MEASURE, unit=own, sign=sign)
    factor = units.factor(own, unit) or Decimal(1)
    return cell_parsing.parse_converted(_with_point(cell, sign), maximum=MAX_MEASURE, factor=factor, unit=unit)


def _with_point(cell: Cell, sign: DecimalSign) -> Cell:
    return decimal_signs.with_point(cell, sign) if isinstance(cell, str) else cell


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)[:_CHARACTERS]
