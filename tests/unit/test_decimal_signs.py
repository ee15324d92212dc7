"""Numbers that are text: which sign is the decimal sign, for a cell and for a column."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from precast_app.importing import decimal_signs
from precast_app.importing.decimal_signs import DecimalSign, DecimalSigns

POINT, COMMA = DecimalSign.POINT, DecimalSign.COMMA


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("12", None),
        ("W-1", None),
        ("", None),
        ("12.5", POINT),
        ("12,5", COMMA),
        ("0,181", COMMA),
        ("0.181", POINT),
        (",125", COMMA),
        ("1234,567", COMMA),
        ("1.250,00", COMMA),
        ("1,250.00", POINT),
        ("1.250.000", COMMA),
        ("1,250,000", POINT),
        ("1 200,500", COMMA),
        ("1'200.500", POINT),
        ("1,5E3", COMMA),
        ("1,250", "either"),
        ("2.125", "either"),
        ("-2.125", "either"),
    ],
)
def test_a_text_shows_its_decimal_sign(text: str, shown: object) -> None:
    assert decimal_signs.evidence(text) == shown


@pytest.mark.parametrize(
    ("text", "sign", "number"),
    [
        ("1,200", COMMA, "1.200"),
        ("1,200", POINT, "1200"),
        ("1.200", COMMA, "1200"),
        ("1.200,5", POINT, "1200.5"),
        ("1 200,5", POINT, "1200.5"),
        ("12.5", COMMA, "12.5"),
        ("12", COMMA, "12"),
        ("1,23,456.5", COMMA, "123456.5"),
        ("12,34,56,789", COMMA, "123456789"),
        ("1,25,000", COMMA, "125000"),
        ("123,45,678.5", POINT, "123,45,678.5"),
        ("1,23,45", POINT, "1,23,45"),
        ("W-1,5", COMMA, "W-1,5"),
    ],
)
def test_a_number_is_rewritten_with_a_decimal_point(text: str, sign: DecimalSign, number: str) -> None:
    assert decimal_signs.with_point(text, sign) == number


@given(st.decimals(min_value=0, max_value=999_999, places=2), st.sampled_from(DecimalSign))
def test_every_grouped_number_is_read_by_its_own_signs(number: object, sign: DecimalSign) -> None:
    written = f"{number:,}"
    if sign is COMMA:
        written = written.translate(str.maketrans(",.", ".,"))
    assert decimal_signs.with_point(written, sign.other) == str(number)


def test_a_column_decides_by_all_its_cells() -> None:
    signs = DecimalSigns(file_sign=POINT)
    for text in ("2,125", "0,181", "11,5"):
        signs.add(6, text)
    reading = signs.read(6, "2,125")
    assert (reading.text, reading.is_certain) == ("2.125", True)


def test_a_column_that_shows_nothing_is_read_with_a_warning() -> None:
    signs = DecimalSigns(file_sign=None)
    signs.add(2, "3.000")
    reading = signs.read(2, "3.000")
    assert (reading.text, reading.is_certain) == ("3.000", False)
    assert decimal_signs.reading_message("3.000", reading).startswith("3.000 was read as 3, but its point may")


def test_a_point_needs_no_warning_between_commas() -> None:
    signs = DecimalSigns(file_sign=POINT)
    signs.add(2, "1.125")
    assert signs.read(2, "1.125").is_certain
    assert not signs.read(2, "1,125").is_certain


def test_a_column_that_shows_nothing_is_decided_by_the_file() -> None:
    signs = DecimalSigns(file_sign=POINT)
    signs.add(2, "1.125")
    signs.add(3, "0,5")
    assert signs.read(2, "1.125") == decimal_signs.Reading("1125", is_certain=True)
    signs.add(4, "0.5")
    assert signs.read(2, "1.125") == decimal_signs.Reading("1.125", is_certain=False)
