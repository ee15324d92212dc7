"""The unit of a column of measures: from its heading, a row of units, its cells, or the size of its numbers. Pure."""

from __future__ import annotations

from precast_app.importing import units
from precast_app.importing.profiles import vocabulary
from precast_app.importing.profiles.column_values import ColumnValues
from precast_app.importing.profiles.list_columns import ListColumn
from precast_app.importing.profiles.profile import UNIT_IN_CELL, BaseTarget, Target
from precast_app.importing.schema import BASE_COLUMNS

_SHOWN = 60
_UNIT_OF = {column.field: column.unit for column in BASE_COLUMNS if column.unit}
# Largest sizes that are believable, in the unit of the column, of a piece of precast concrete.
_LARGEST = {
    "length": 40_000,
    "height": 15_000,
    "width": 15_000,
    "thickness": 2_000,
    "mass": 120_000,
    "volume": 60,
    "area": 250,
}


def unit_of(column: ListColumn, target: Target) -> tuple[str | None, str, float]:
    """Return the unit of a column with a measure, a sentence that says why, and a factor for the confidence.

    The unit is None if it is the one of the base column and nothing states it.
    """
    field = target.field if isinstance(target, BaseTarget) else ""
    if field not in _UNIT_OF:
        return None, "", 1.0
    own = _UNIT_OF[field]
    stated = next(filter(None, (vocabulary.split_unit(text)[1] for text in (column.heading.sub, column.top))), "")
    for unit, where in (
        (stated, f"The heading says {stated}."),
        (column.unit_below, f"The row below says {column.unit_below}."),
    ):
        if unit:
            # A unit that measures something else contradicts the heading.
            fits = units.factor(own, unit) is not None
            return (unit, where, 1.0) if fits else (None, "", 0.25)
    values = column.values
    if values.units and values.share(values.with_unit) >= 0.5:
        fitting = [unit for unit in values.units if units.factor(own, unit) is not None]
        if not fitting:
            return None, "", 0.2
        example = next(text for text in values.texts if not text.isdigit())
        return UNIT_IN_CELL, f"Each cell names its unit, as in {example[:_SHOWN]}.", 1.0
    if unknown := vocabulary.unknown_unit(column.text):
        return None, f"The unit {unknown} is not known.", 0.5
    return _unit_by_size(field, values)


def _unit_by_size(field: str, values: ColumnValues) -> tuple[str | None, str, float]:
    """Return the unit in which the numbers of a column without a unit are sizes of precast pieces."""
    median = values.median
    own = _UNIT_OF[field]
    if median is None or median <= 0:
        return None, "", 1.0
    unit = None
    if own == "mm":
        metres = {"thickness": 2.0}.get(field, 25.0)
        centimetres = {"length": 1_300, "thickness": 60, "width": 60, "height": 60}[field]
        if median <= metres:
            unit = "m"
        elif median <= centimetres and (field != "length" or median < 900):
            unit = "cm"
    elif own == "kg" and median <= 60:
        unit = "t"
    if unit:
        return unit, f"No unit is named; numbers such as {values.texts[0][:_SHOWN]} are taken for {unit}.", 0.9
    is_plausible = median <= _LARGEST[field]
    return None, f"No unit is named; the numbers are read in {own}.", 1.0 if is_plausible else 0.5
