"""How well the cells of a column fit what its heading means. Pure."""

from __future__ import annotations

from precast_app.importing.profiles.column_values import ColumnValues
from precast_app.importing.profiles.profile import BaseTarget, ItemTarget, PlaceField, PlaceTarget, Target
from precast_app.importing.schema import MEASURES, ColumnGroup


def look_like_marks(values: ColumnValues) -> bool:
    """Return whether the cells are mostly different texts with letters and digits, such as `W-101`."""
    has_codes = values.share(values.codes) >= 0.8
    return has_codes and values.distinct_share > 0.3 and not values.files and not values.with_unit and not values.dates


def rate_fit(target: Target, values: ColumnValues) -> float:
    """Return a factor from 0 to 1: how well the cells of a column fit a target."""
    if not values.filled:
        return 0.8
    match target:
        case BaseTarget("name"):
            return _name_fit(values)
        case BaseTarget("element_type"):
            return _element_type_fit(values)
        case BaseTarget(field) if field in MEASURES:
            return _step(values.share(values.numbers + values.with_unit), (0.8, 1.0), (0.5, 0.7), rest=0.2)
        case PlaceTarget(PlaceField.COUNT):
            return (
                0.5
                if values.is_serial and values.filled > 5
                else _step(values.share(values.integers), (0.85, 1.0), rest=0.25)
            )
        case PlaceTarget():
            if values.with_unit or values.dates or values.share(values.numbers - values.integers) > 0.1:
                return 0.2
            return 0.3 if values.median is not None and abs(values.median) > 300 else 1.0
        case ItemTarget(ColumnGroup.DRAWINGS):
            if values.share(values.levels) >= 0.5:
                return 0.3
            return _step(values.share(values.files), (0.5, 1.0), rest=0.85) if not values.numbers else 0.6
        case ItemTarget(ColumnGroup.NODES):
            return _step(values.share(values.integers), (0.9, 1.0), rest=0.3)
    return 1.0


def _name_fit(values: ColumnValues) -> float:
    if values.dates or values.files or values.with_unit or values.share(values.numbers - values.integers) > 0.3:
        return 0.2
    if values.share(values.kinds) >= 0.7 and (not values.codes or values.distinct_share < 0.5):
        return 0.45
    is_bare_serial = values.is_serial and not values.codes
    if is_bare_serial:
        return 0.62
    is_few = values.filled >= 8 and values.distinct <= max(2, values.filled // 5)
    return 0.75 if is_few and not values.codes else 1.0


def _element_type_fit(values: ColumnValues) -> float:
    if values.files or values.with_unit or values.dates or values.share(values.numbers) > 0.5:
        return 0.2
    if values.share(values.kinds) >= 0.5:
        return 1.0
    is_code_like = values.share(values.codes) >= 0.8
    repeats = values.distinct <= max(1, values.filled // 2)
    if is_code_like and not repeats:
        return 0.4
    return 0.95 if repeats and not is_code_like else 0.8


def _step(share: float, *steps: tuple[float, float], rest: float) -> float:
    return next((factor for least, factor in steps if share >= least), rest)
