"""Units in headings, such as `Height (m)`, and how their numbers are converted to the unit of the column. Pure."""

from __future__ import annotations

from decimal import Decimal

from precast_app.spreadsheets import unit_name

# By the unit in which a column is stored: what one of each other unit is in it. The inches, feet and pounds are
# the international ones, which are exact.
_FACTORS: dict[str, dict[str, Decimal]] = {
    "mm": {
        "mm": Decimal(1), "cm": Decimal(10), "dm": Decimal(100), "m": Decimal(1000),
        "km": Decimal(1_000_000), "in": Decimal("25.4"), "ft": Decimal("304.8"), "yd": Decimal("914.4"),
    },
    "kg": {
        "g": Decimal("0.001"), "kg": Decimal(1), "t": Decimal(1000),
        "lb": Decimal("0.45359237"), "kip": Decimal("453.59237"),
    },
    "m²": {
        "mm2": Decimal("0.000001"), "cm2": Decimal("0.0001"), "dm2": Decimal("0.01"), "m2": Decimal(1),
        "in2": Decimal("0.00064516"), "ft2": Decimal("0.09290304"), "yd2": Decimal("0.83612736"),
    },
    "m³": {
        "mm3": Decimal("0.000000001"), "cm3": Decimal("0.000001"), "l": Decimal("0.001"), "m3": Decimal(1),
        "in3": Decimal("0.000016387064"), "ft3": Decimal("0.028316846592"), "yd3": Decimal("0.764554857984"),
    },
}  # fmt: skip


def factor(unit: str, text: str) -> Decimal | None:
    """Return by what a number in the unit that a text names is multiplied to be in `unit` (mm, kg, m² or m³).

    None if the unit is unknown or measures something else.
    """
    return _FACTORS[unit].get(unit_name(text) or "")


def is_stored(text: str) -> bool:
    """Return whether a text names a unit in which a column is stored, such as `m³` or `kg`."""
    return any(factor(unit, text) == 1 for unit in _FACTORS)


def names(unit: str) -> list[str]:
    """Return the units that are converted to `unit`."""
    return list(_FACTORS[unit])
