"""Cells to values, and what is said about those that can't be."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from precast_app.importing import cell_parsing
from precast_app.importing.cell_parsing import InvalidCell
from precast_app.spreadsheets import CellError
from precast_app.spreadsheets.number_formats import round_to_excel


@pytest.mark.parametrize(
    ("cell", "number"),
    [
        ("", None),
        ("  ", None),
        (3150.0, "3150"),
        (0.1, "0.1"),
        (0.0042, "0.0042"),
        ("0.0042", "0.0042"),
        ("10.50", "10.5"),
        (0.3, "0.3"),
        ("2972.0", "2972"),
        ("2.972E3", "2972"),
        ("1,200", "1200"),
        ("1 200", "1200"),
        ("1 200,5", "1200.5"),
        ("1,234,567.25", "1234567.25"),
        ("1,5", "1.5"),
        ("0,500", "0.5"),
        ("123456.123456789012345678901234567891", "123456.123456789012345678901234567891"),
        (" 2.0 ", "2"),
        ("1e3", "1000"),
        (0, "0"),
    ],
)
def test_a_number_has_one_form_however_it_is_written(cell: object, number: str | None) -> None:
    value = cell_parsing.parse_decimal(cell, maximum=10_000_000)
    assert (None if value is None else str(value)) == number


@pytest.mark.parametrize(
    ("cell", "code"),
    [
        ("tall", "not_a_number"),
        ("12 mm", "not_a_number"),
        ("1.2.3", "not_a_number"),
        ("1_000", "not_a_number"),
        ("١٢", "not_a_number"),
        ("nan", "not_a_number"),
        ("inf", "not_a_number"),
        (float("nan"), "not_a_number"),
        (float("inf"), "not_a_number"),
        (True, "not_a_number"),
        (date(2024, 1, 2), "not_a_number"),
        (-1.0, "negative_number"),
        ("-0.001", "negative_number"),
        (1_000_001.0, "number_too_large"),
        ("1e999999", "number_too_large"),
        ("1234567890123456e9999999", "number_too_large"),
        ("0." + "0" * 30 + "1", "too_many_decimals"),
        (CellError("#REF!"), "error_cell"),
        (CellError("=A1+B1"), "error_cell"),
    ],
)
def test_a_cell_without_a_number_is_rejected(cell: object, code: str) -> None:
    with pytest.raises(InvalidCell) as caught:
        cell_parsing.parse_decimal(cell, maximum=1_000_000, unit="mm")
    assert caught.value.code == code


def test_the_message_names_the_limit_with_its_unit() -> None:
    with pytest.raises(InvalidCell, match="from 0 to 1 000 000 mm"):
        cell_parsing.parse_decimal(1_000_001.0, maximum=1_000_000, unit="mm")


def test_a_formula_without_its_result_is_named() -> None:
    with pytest.raises(InvalidCell, match=r"without the result of the formula =A1\+B1\. Open the file in Excel"):
        cell_parsing.parse_decimal(CellError("=A1+B1"), maximum=1_000_000, unit="mm")


@given(st.decimals(min_value=0, max_value=1_000_000, places=6))
def test_every_decimal_is_parsed_exactly(number: Decimal) -> None:
    assert cell_parsing.parse_decimal(str(number), maximum=1_000_000) == number


@given(st.floats(min_value=0, max_value=1_000_000))
def test_a_cell_of_a_workbook_keeps_the_15_digits_that_excel_shows(number: float) -> None:
    try:
        value = cell_parsing.parse_decimal(round_to_excel(number), maximum=1_000_000)
    except InvalidCell as bad:
        assert bad.code == "too_many_decimals"
    else:
        assert value is not None
        assert value == Decimal(f"{number:.15g}")


@given(st.floats(min_value=0, max_value=1_000_000).filter(lambda number: number == 0 or number > 1e-10))
def test_a_float_is_the_same_in_a_csv_file_and_in_a_workbook(number: float) -> None:
    in_workbook = cell_parsing.parse_decimal(round_to_excel(number), maximum=1_000_000)
    assert cell_parsing.parse_decimal(repr(number), maximum=1_000_000) == in_workbook


@given(st.integers(min_value=0, max_value=10**19), st.integers(min_value=0, max_value=25), st.integers(0, 5))
@example(1141989621310976, 20, 5)
def test_a_stored_number_is_parsed_as_itself(digits: int, decimals: int, zeros: int) -> None:
    shift = Decimal(1).scaleb(-decimals)
    written = f"{digits * shift:.{decimals + zeros}f}"
    try:
        stored = cell_parsing.parse_decimal(written, maximum=10**20)
    except InvalidCell:
        return
    assert stored is not None
    assert cell_parsing.parse_decimal(f"{stored:f}", maximum=10**20) == stored


@pytest.mark.parametrize(
    ("cell", "pieces"),
    [("", 0), ("2", 2), ("2.0", 2), (" 2 ", 2), (2.0, 2), ("0", 0), (0.0, 0), ("2.0000000000000004", 2)],
)
def test_a_number_of_pieces_is_parsed(cell: object, pieces: int) -> None:
    assert cell_parsing.parse_count(cell, maximum=100) == pieces


def test_half_a_piece_is_rejected() -> None:
    with pytest.raises(InvalidCell) as caught:
        cell_parsing.parse_count(1.5, maximum=100)
    assert caught.value.code == "not_a_whole_number"


@pytest.mark.parametrize(
    "cell", ["yes", "Y", " TRUE ", "1", 1.0, "x", "X", True, "1.0", "1,0", "1.00", "WAHR", "Vrai", "DOĞRU"]
)
def test_yes(cell: object) -> None:
    assert cell_parsing.parse_yes_no(cell) is True


@pytest.mark.parametrize("cell", ["", "no", "N", "false", "0", 0.0, "-", " ", False, "0,0", "0.00", "FALSCH", "YANLIŞ"])
def test_no(cell: object) -> None:
    assert cell_parsing.parse_yes_no(cell) is False


@pytest.mark.parametrize("cell", ["maybe", "1,000", "1.5", "0.", "2.0"])
def test_neither_yes_nor_no(cell: str) -> None:
    with pytest.raises(InvalidCell) as caught:
        cell_parsing.parse_yes_no(cell)
    assert caught.value.code == "not_yes_or_no"


@pytest.mark.parametrize(
    ("cell", "shown"),
    [
        (" W  101\u200b\u200e ", "W 101"),
        (101.0, "101"),
        (1.5, "1.5"),
        (datetime(2024, 1, 2), "2024-01-02"),  # noqa: DTZ001 # a cell has no time zone
        (True, "TRUE"),
        ("", None),
        ("\u00a0", None),
    ],
)
def test_text_is_parsed_as_displayed(cell: object, shown: str | None) -> None:
    assert cell_parsing.parse_text(cell, max_length=150, blank=None) == shown


@pytest.mark.parametrize(
    ("cell", "code"),
    [("x" * 151, "text_too_long"), ("a\x07b", "unprintable_text"), (CellError("#N/A"), "error_cell")],
)
def test_unusable_text_is_rejected(cell: object, code: str) -> None:
    with pytest.raises(InvalidCell) as caught:
        cell_parsing.parse_text(cell, max_length=150, blank=None)
    assert caught.value.code == code


def test_a_name_must_be_there() -> None:
    with pytest.raises(InvalidCell) as caught:
        cell_parsing.parse_required_text(" ", max_length=150)
    assert caught.value.code == "missing_value"


@pytest.mark.parametrize(
    ("cell", "identifier"), [("101.0", "101"), ("101,0", "101"), ("1,000", "1,000"), ("A1.0", "A1.0"), (101.0, "101")]
)
def test_an_id_has_no_decimals(cell: object, identifier: str) -> None:
    assert cell_parsing.parse_identifier(cell, max_length=20) == identifier


@pytest.mark.parametrize(("cell", "amount"), [("", None), ("0", None), (0.0, None), ("1.5", Decimal("1.5"))])
def test_a_quantity_of_0_and_a_blank_cell_mean_no_product(cell: object, amount: Decimal | None) -> None:
    assert cell_parsing.parse_positive_decimal(cell, maximum=10) == amount
