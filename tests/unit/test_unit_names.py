"""Names of units in the languages of lists."""

from __future__ import annotations

import pytest

from precast_app.spreadsheets import unit_name


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("m", "m"), ("M.", "m"), ("ｍ", "m"), ("м", "m"), ("metres", "m"), ("Meter", "m"), ("mètres", "m"),
        ("metros", "m"), ("metri", "m"), ("metrów", "m"), ("Метры", "m"), ("米", "m"),
        ("mm", "mm"), ("㎜", "mm"), ("мм", "mm"), ("millimètres", "mm"), ("senttimetri", "cm"), ("Zentimeter", "cm"),
        ("Zoll", "in"), ("pulgadas", "in"), ("İNÇ", "in"), ("″", "in"), ("cale", "in"), ("Fuß", "ft"), ("pés", "ft"),
        ("Tonnen", "t"), ("tonnellate", "t"), ("toneladas", "t"), ("т", "t"), ("тонн", "t"), ("tonni", "t"),
        ("кг", "kg"), ("Kilogramm", "kg"), ("chilogrammi", "kg"), ("quilos", "kg"), ("г", "g"), ("lbs.", "lb"),
        ("m²", "m2"), ("㎡", "m2"), ("м^2", "m2"), ("кв. м", "m2"), ("mètres carrés", "m2"), ("metrekare", "m2"),
        ("M3", "m3"), ("ｍ³", "m3"), ("м³", "m3"), ("куб.м", "m3"), ("metry sześcienne", "m3"), ("metreküp", "m3"),
        ("sq. ft", "ft2"), ("cu yd", "yd3"), ("sq yd", "yd2"), ("mm³", "mm3"), ("dm²", "dm2"), ("Kilometer", "km"),
        ("Liter", "l"), ("л", "l"),
    ],
)  # fmt: skip
def test_a_unit_has_one_name_in_all_languages(text: str, unit: str) -> None:
    assert unit_name(text) == unit


@pytest.mark.parametrize("text", ["", "bags", "Stück", "0.5", "-t", "metersandmore", "m" * 10_000, "Pfund", "livres"])
def test_other_texts_are_no_units(text: str) -> None:
    assert unit_name(text) is None
