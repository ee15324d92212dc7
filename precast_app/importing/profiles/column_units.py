"""The unit of a column of measures: from its heading, a row of units, its cells, or the size of its numbers. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from precast_app.importing import units
from precast_app.importing.profiles import vocabulary
from precast_app.importing.profiles.column_values import ColumnValues
from precast_app.importing.profiles.list_columns import ListColumn
from precast_app.importing.profiles.profile import UNIT_IN_CELL, BaseTarget, Target
from precast_app.importing.schema import BASE_COLUMNS
from precast_app.messages import Message

_SHOWN = 60
_UNIT_OF = {column.field: column.unit for column in BASE_COLUMNS if column.unit}
# Largest sizes that are believable, in the unit of the column, of a piece of precast concrete.
_MAX_PLAUSIBLE = {
    "length": 40_000,
    "height": 15_000,
    "width": 15_000,
    "thickness": 2_000,
    "mass": 120_000,
    "volume": 60,
    "area": 250,
}


@dataclass(frozen=True, slots=True)
class UnitGuess:
    """The unit of a column, and why; None if it is the one of the base column, or the column has no measures.

    `factor`, from 0 to 1, says how well the unit fits what the column means. `is_stated` says whether the heading or
    the row below it names the unit.
    """

    unit: str | None
    reason: Message | None = None
    factor: float = 1.0
    is_stated: bool = False


def guess_unit(column: ListColumn, target: Target) -> UnitGuess:
    """Return the unit of a column that means the target."""
    field = target.field if isinstance(target, BaseTarget) else ""
    if field not in _UNIT_OF:
        return UnitGuess(None)
    own = _UNIT_OF[field]
    stated = next(filter(None, (vocabulary.split_unit(text)[1] for text in (column.heading.sub, column.top))), "")
    for unit, reason in (
        (stated, Message("The heading says %(unit)s.", unit=stated)),
        (column.unit_below, Message("The row below says %(unit)s.", unit=column.unit_below)),
    ):
        if unit:
            # A unit that measures something else contradicts the heading.
            fits = units.factor(own, unit) is not None
            return UnitGuess(unit, reason, is_stated=True) if fits else UnitGuess(None, factor=0.25)
    values = column.values
    if values.units and values.share(values.with_unit) >= 0.5:
        fitting = [unit for unit in values.units if units.factor(own, unit) is not None]
        if not fitting:
            return UnitGuess(None, factor=0.2)
        example = next(text for text in values.texts if not text.isdigit())
        return UnitGuess(UNIT_IN_CELL, Message("Each cell names its unit, as in %(cell)s.", cell=example[:_SHOWN]))
    if unknown := vocabulary.unknown_unit(column.text):
        return UnitGuess(None, Message("The unit %(unit)s is not known.", unit=unknown), 0.5)
    return _unit_by_size(field, values)


def _unit_by_size(field: str, values: ColumnValues) -> UnitGuess:
    """Return the unit in which the numbers of a column without a unit are sizes of precast pieces."""
    median = values.median
    own = _UNIT_OF[field]
    if median is None or median <= 0:
        return UnitGuess(None)
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
        reason = Message(
            "No unit is named; numbers such as %(number)s are taken for %(unit)s.",
            number=values.texts[0][:_SHOWN],
            unit=unit,
        )
        return UnitGuess(unit, reason, 0.9)
    is_plausible = median <= _MAX_PLAUSIBLE[field]
    reason = Message("No unit is named; the numbers are read in %(unit)s.", unit=own)
    return UnitGuess(None, reason, 1.0 if is_plausible else 0.5)
