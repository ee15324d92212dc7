"""How a cell of a column becomes a value by an import profile, for imports and for samples. Pure."""

from __future__ import annotations

from functools import partial

from precast_app.importing import cell_parsing, units
from precast_app.importing.decimal_signs import DecimalSign
from precast_app.importing.profiles import cell_values, vocabulary
from precast_app.importing.profiles.header_search import ListHeading
from precast_app.importing.profiles.profile import (
    UNIT_IN_CELL,
    BaseTarget,
    ItemTarget,
    PlaceField,
    PlaceTarget,
    ProfileColumn,
    Target,
)
from precast_app.importing.schema import BASE_COLUMNS, GROUP_SPECS, MAX_MEASURE, MEASURES, CellParser, ColumnGroup

BASE_BY_FIELD = {column.field: column for column in BASE_COLUMNS}
_MAX_PLACE_LENGTH = 500


def column_parser(column: ProfileColumn, heading: ListHeading, sign: DecimalSign) -> tuple[CellParser, str]:
    """Return the parser of a column, and the unit from which it converts numbers; "" if it doesn't.

    The column has a target. `sign` decides numbers with a unit behind them that can be read in two ways, such as
    `1,250 m`; numbers without one have a decimal point already.
    """
    match column.target:
        case BaseTarget(field) if field in MEASURES:
            return _measure_parser(column, field, heading, sign)
        case BaseTarget(field):
            return BASE_BY_FIELD[field].parse, ""
        case ItemTarget(group):
            return GROUP_SPECS[group].parse, ""
        case PlaceTarget(field):
            return place_parser(field), ""
    raise ValueError("A column without a target is not read.")


def place_parser(field: str) -> CellParser:
    """Return the parser of a cell that says where pieces go, or how many."""
    return GROUP_SPECS[ColumnGroup.NODES].parse if field == PlaceField.COUNT else _parse_place


def is_number(target: Target | None) -> bool:
    """Return whether the cells of a target are numbers, a unit in the cell aside."""
    match target:
        case BaseTarget(field):
            return field in MEASURES
        case PlaceTarget(field):
            return field is PlaceField.COUNT
        case ItemTarget(group):
            return GROUP_SPECS[group].value_type.is_number
    return False


def _measure_parser(
    column: ProfileColumn, field: str, heading: ListHeading, sign: DecimalSign
) -> tuple[CellParser, str]:
    base = BASE_BY_FIELD[field]
    if column.unit == UNIT_IN_CELL:
        return partial(cell_values.parse_measure, maximum=MAX_MEASURE, unit=base.unit, sign=sign), ""
    stated = (vocabulary.split_unit(text)[1] for text in (heading.sub, heading.top))
    unit = column.unit or next(filter(None, stated), "")
    factor = units.factor(base.unit, unit)
    if factor is None or factor == 1:
        return base.parse, ""
    return partial(cell_parsing.parse_converted, maximum=MAX_MEASURE, factor=factor, unit=unit), unit


def _parse_place(cell: object) -> str:
    """Return the name of a place, "" for a blank cell."""
    return cell_parsing.parse_text(cell, max_length=_MAX_PLACE_LENGTH, blank="") or ""
