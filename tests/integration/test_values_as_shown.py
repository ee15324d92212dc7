"""Cells are imported as their spreadsheet program shows them, or the job says by cell what is odd."""

from __future__ import annotations

import unicodedata
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from tests.conftest import run_import
from tests.integration import odd_workbooks
from tests.integration.odd_workbooks import BASE, delimited, issue_keys, message, small, stored, with_parts

furnished = pytest.fixture(scope="module")(odd_workbooks.furnished)
meadows = pytest.fixture(odd_workbooks.meadows)

OTHERS = ["Podium", "Casting", "Steel_6MM", "Shuttering"]


def row(name: Any, *measures: Any) -> list[Any]:
    return ["WALL", name, *measures]


def test_numbers_in_text_columns_are_what_their_cells_show(meadows: int, tmp_path: Path) -> None:
    def fill(book: Any, page: Any) -> None:
        for line, (number, code) in enumerate(
            [(12, "0000"), (101, '"W-"0'), (0.5, "0%"), (7, "0.00"), (4, '0 "cm"')], 1
        ):
            page.write_string(line, 0, "WALL")
            page.write_number(line, 1, number, book.add_format({"num_format": code}))
            page.write_number(line, 2, 3, book.add_format({"num_format": '0.0 "m"'}))
            page.write_number(line, 3, 3, book.add_format({"num_format": '0 "mm"'}))

    done = run_import(meadows, small(tmp_path / "types.xlsx", OTHERS, fill=fill))
    assert [name for _, name in stored(meadows)] == ["0012", "W-101", "50%", "7", "4 cm"]
    assert issue_keys(done) == [("unit_in_number_format", "C", 2)]
    assert "5 cells of column C show the unit m" in message(done, "unit_in_number_format")


@pytest.mark.parametrize(
    ("heading", "code", "warning"),
    [
        ("Length", '0.0 "kg"', "unit_in_number_format"),
        ("Length", '0.0 "mm"', None),
        ("Length (m)", '0.0 "m"', None),
        ("Length (m)", '0.0 "mm"', "unit_in_number_format"),
        ("Mass", '0.0 "kg"', None),
        ("Mass", '0.0 "m³"', "unit_in_number_format"),
        ("Volume", '0.0 "m³"', None),
        ("Volume", '0.0 "cbm"', None),
        # A quantity of a product has the product's unit.
        ("Steel_6MM", '0.0 "kg"', None),
        ("Steel_6MM", '0.0 "lb"', "unit_in_number_format"),
    ],
)
def test_a_unit_in_a_number_format_is_expected_if_it_is_the_unit_of_the_column(
    meadows: int, tmp_path: Path, heading: str, code: str, warning: str | None
) -> None:
    path = small(tmp_path / "types.xlsx", OTHERS, row("A", 1, 2, 3, 4, 5), row("B", 6, 7, 8, 9, 10))
    book = openpyxl.load_workbook(path)
    [page] = book.worksheets
    [found] = [cell for cell in page[1] if cell.value == heading.partition(" ")[0]]
    found.value = heading
    for line in (2, 3):
        page.cell(line, found.column, 3).number_format = code
    book.save(path)
    done = run_import(meadows, path)
    expected = [(warning, found.column_letter, 2)] if warning else []
    assert [key for key in issue_keys(done) if key[0] == "unit_in_number_format"] == expected
    assert done.created_count == 2


def test_a_number_in_an_unsupported_format_has_a_warning(meadows: int, tmp_path: Path) -> None:
    def fill(book: Any, page: Any) -> None:
        for line, (number, code) in enumerate([(12, "0000"), (12, "General"), (1.5, "# ?/?")], 1):
            page.write_string(line, 0, "WALL")
            page.write_number(line, 1, number, book.add_format({"num_format": code}))
            # In a column of numbers the number counts, whatever the cell shows.
            page.write_number(line, 2, 3, book.add_format({"num_format": "0.00E+00"}))

    done = run_import(meadows, small(tmp_path / "types.xlsx", OTHERS, fill=fill))
    assert [name for _, name in stored(meadows)] == ["0012", "12", "1.5"]
    assert issue_keys(done) == [("complex_number_format", "B", 4)]
    assert "(# ?/?) is too complex" in message(done, "complex_number_format")


def test_a_number_format_of_a_heading_counts(meadows: int, tmp_path: Path) -> None:
    path = small(tmp_path / "types.xlsx", OTHERS, row("A", 1))
    book = openpyxl.load_workbook(path)
    heading = next(cell for cell in book.worksheets[0][1] if cell.value == "Steel_6MM")
    heading.value, heading.number_format = 6, '"Steel_"0"MM"'
    book.save(path)
    assert issue_keys(run_import(meadows, path)) == []


def test_binary_noise_is_rounded_to_what_excel_shows(meadows: int, tmp_path: Path) -> None:
    cells = row("A", 0.1 + 0.2, 57.699999999999996)
    done = run_import(meadows, small(tmp_path / "types.xlsx", OTHERS, [*cells, *[None] * 6, 2.0000000000000004]))
    assert issue_keys(done) == []
    found = {heading: str(cell) for heading, cell in stored(meadows)["WALL", "A"].items()}
    assert (found["Height"], found["Length"], found["Podium"]) == ("0.3", "57.7", "2")


def test_an_error_value_that_few_programs_know_rejects_only_its_row(meadows: int, tmp_path: Path) -> None:
    path = small(tmp_path / "types.xlsx", OTHERS, row("A", 1), row("B", "@@"))
    content = with_parts(path.read_bytes(), {"xl/sharedStrings.xml": lambda xml: xml.replace("@@", "#SPILL!")}, {})
    path.write_bytes(content)
    done = run_import(meadows, path)
    assert issue_keys(done) == [("error_cell", "C", 3)]
    assert list(stored(meadows)) == [("WALL", "A")]


def test_values_that_excel_replaced_in_a_csv_file_are_reported_by_cell(meadows: int, tmp_path: Path) -> None:
    path = tmp_path / "types.csv"
    rows = [row("01-Feb", "3"), row("1.23457E+11", "3"), row("########", "3"), row("#N/A", "3")]
    path.write_text(delimited([BASE, *([*each, *[""] * 7] for each in rows)]))
    done = run_import(meadows, path)
    assert issue_keys(done) == [
        ("date_in_text", "B", 2),
        ("error_cell", "B", 5),
        ("hidden_value", "B", 4),
        ("rounded_number", "B", 3),
    ]


def test_both_spellings_of_a_letter_are_one_name(meadows: int, tmp_path: Path) -> None:
    path = tmp_path / "types.csv"
    names = [unicodedata.normalize(form, "T\N{LATIN SMALL LETTER U WITH DIAERESIS}r") for form in ("NFC", "NFD")]
    path.write_text(delimited([BASE, *([*row(name), *[""] * 8] for name in names)]), encoding="utf-8")
    done = run_import(meadows, path)
    assert issue_keys(done) == [("duplicate_row", "B", 3)]
    assert list(stored(meadows)) == [("WALL", names[0])]
