"""What a number looks like in its cell's number format."""

from __future__ import annotations

import io
from datetime import datetime

import openpyxl
import pytest
import xlsxwriter

from precast_app.exporting.sheet_copy import SheetCopy
from precast_app.importing import cell_parsing
from precast_app.spreadsheets import Cell, FormattedNumber, ReaderNote, open_book
from precast_app.spreadsheets.number_formats import parse_number_format, round_to_excel
from tests.unit import ods_files


@pytest.mark.parametrize(
    ("code", "number", "shown"),
    [
        ("0000", 12, "0012"),
        ("0000", 12345, "12345"),
        ("0000", -12, "-0012"),
        ('"W-"0', 101, "W-101"),
        ('"W-"General', 101.5, "W-101.5"),
        ("\\W\\-000", 7, "W-007"),
        ('0.00 "m"', 3, "3.00 m"),
        ('0.0# "m"', 3.25, "3.25 m"),
        ('0.0# "m"', 3, "3.0 m"),
        ("0%", 0.5, "50%"),
        ("0.0%", 0.125, "12.5%"),
        ("00-00", 1234, "12-34"),
        ("00-00", 5, "00-05"),
        ('#,##0 "pcs"', 12345, "12,345 pcs"),
        ('[$€-407]#,##0.00" each"', 2.5, "€2.50 each"),
        ('"yes";;"no"', 1, "yes"),
        ('"yes";;"no"', 0, "no"),
        ('0"+";"minus "0', -4, "minus 4"),
        ('#.## "m"', 0.5, ".5 m"),
        ('0 "mm"', 2.5, "3 mm"),
    ],
)
def test_a_simple_format_is_shown_as_excel_shows_it(code: str, number: float, shown: str) -> None:
    found = parse_number_format(code)
    assert found.is_telling
    assert found.show(number) == shown


@pytest.mark.parametrize(
    "code", ["General", "0", "0.00", "#,##0", "#,##0.00", "@", "[Red]0", "_(* #,##0.00_)", "", ";;;"]
)
def test_a_format_of_digits_only_tells_nothing_more(code: str) -> None:
    assert not parse_number_format(code).is_telling


@pytest.mark.parametrize("code", ["# ?/?", "0.00E+00", '[<10]"few";0', "0,", '0.0"x"0'])
def test_a_format_that_is_not_simple_is_not_shown(code: str) -> None:
    found = parse_number_format(code)
    assert found.is_telling
    assert found.show(3) is None


@pytest.mark.parametrize(
    ("code", "unit"),
    [
        ('0.00 "m"', "m"),
        ('0" cm"', "cm"),
        ('0 "mm"', "mm"),
        ('0 "kg"', "kg"),
        ('0 "Floor"', None),
        ('0 "t"', "t"),
        ('0 "Zoll"', "Zoll"),
        ('0 "м"', "м"),
        ("0 \\M\\e\\t\\e\\r", "Meter"),
        ('0 "cm²"', "cm²"),
        ('0 "м²"', "м²"),
        ("0''", "''"),
    ],
)
def test_the_text_behind_the_digits_is_a_unit_if_it_is_known(code: str, unit: str | None) -> None:
    assert parse_number_format(code).unit == unit


@pytest.mark.parametrize(
    ("number", "rounded"),
    [
        (0.1 + 0.2, 0.3),
        (2.0000000000000004, 2.0),
        (57.699999999999996, 57.7),
        (0.0042, 0.0042),
        (123456789012345.0, 123456789012345.0),
        (1234567890123456789.0, 1234567890123460000.0),
        (1e-300, 1e-300),
        (float("inf"), float("inf")),
    ],
)
def test_numbers_have_the_digits_that_excel_shows(number: float, rounded: float) -> None:
    assert round_to_excel(number) == rounded
    assert round_to_excel(-number) == -rounded


def workbook(*cells: tuple[float, str]) -> io.BytesIO:
    """Return a workbook with these numbers and their formats in one row."""
    file = io.BytesIO()
    with xlsxwriter.Workbook(file) as book:
        sheet = book.add_worksheet("S")
        for column, (number, code) in enumerate(cells):
            sheet.write_number(0, column, number, book.add_format({"num_format": code}))
    return file


def first_row(file: io.BytesIO) -> list[Cell]:
    [row] = open_book(file).rows("S")
    return list(row.cells)


def test_cells_have_their_number_and_what_they_show() -> None:
    cells = first_row(workbook((12, "0000"), (101, '"W-"0'), (0.5, "0%"), (3, '0 "m"'), (7, "0.00"), (0.1 + 0.2, "0")))
    assert cells == [12.0, 101.0, 0.5, 3.0, 7.0, 0.3]
    assert [cell.shown for cell in cells[:4] if isinstance(cell, FormattedNumber)] == ["0012", "W-101", "50%", "3 m"]
    assert [type(cell) for cell in cells[4:]] == [float, float]


def test_other_columns_than_those_that_matter_as_shown_have_plain_numbers() -> None:
    file = workbook((12, "0000"), (101, '"W-"0'), (3, '0 "m"'), (0.1 + 0.2, "00.0"), (45_000, "yyyy-mm-dd"))
    [row] = open_book(file).rows("S", {0})
    assert list(row.cells[:4]) == [12.0, 101.0, 3.0, 0.3]
    assert [getattr(cell, "shown", None) for cell in row.cells] == ["0012", None, "3 m", None, None]
    assert row.cells[4] == datetime(2023, 3, 15)  # noqa: DTZ001 # a cell has no time zone


def test_a_text_column_takes_what_the_cell_shows_and_a_number_column_the_number() -> None:
    padded, named = first_row(workbook((12, "0000"), (101, '"W-"0')))
    assert cell_parsing.parse_text(padded, max_length=10, blank=None) == "0012"
    assert cell_parsing.parse_text(named, max_length=10, blank=None) == "W-101"
    assert str(cell_parsing.parse_decimal(named, maximum=1000)) == "101"


def test_the_scan_and_the_rows_show_the_same() -> None:
    file = workbook((12, "0000"), (45_000, "yyyy-mm-dd"), (0.1 + 0.2, "General"))
    [head] = open_book(file).scan("S").head
    assert list(head.cells) == first_row(file)
    assert [getattr(cell, "shown", None) for cell in head.cells] == ["0012", None, None]


def test_a_copy_of_a_cell_shows_the_same() -> None:
    """A rejected row that is corrected and uploaded again keeps its names."""
    row = ods_files.row(ods_files.number("12", "0012"), ods_files.number("-3", "-3.00 m"))
    opendocument = open_book(io.BytesIO(ods_files.ods(ods_files.table(row))))
    excel = open_book(workbook((12, "0000"), (101, '"W-"0'), (0.5, "0%"), (3, "# ?/?")))
    for book in (opendocument, excel):
        [original] = book.rows(book.sheets[0])
        copied = io.BytesIO()
        with xlsxwriter.Workbook(copied) as out:
            SheetCopy(out, "S").copy_row(0, original.cells, {0: "ff0000"})
        cells = first_row(copied)
        assert cells == original.cells
        assert [getattr(cell, "shown", "") for cell in cells] == [getattr(cell, "shown", "") for cell in original.cells]


def unit_notes(file: io.BytesIO) -> list[ReaderNote]:
    book = open_book(file)
    for sheet in book.sheets:
        list(book.rows(sheet))
    return [note for note in book.notes if note.code == "unit_in_number_format"]


def test_a_unit_in_a_number_format_is_reported_once_for_each_column() -> None:
    book = openpyxl.Workbook()
    for row in (1, 2, 3):
        book.active.cell(row, 2, 3.5).number_format = '0.0 "m"'
        book.active.cell(row, 3, 100).number_format = '0 "mm"'
        book.active.cell(row, 4, 5).number_format = '0 "cm"'
    file = io.BytesIO()
    book.save(file)
    found = unit_notes(file)
    assert [(note.severity, note.row, note.column, note.value) for note in found] == [
        ("warning", 1, "B", "3.5 m"),
        ("warning", 1, "C", "100 mm"),
        ("warning", 1, "D", "5 cm"),
    ]
    assert [note.unit for note in found] == ["m", "mm", "cm"]
    assert found[0].message.startswith("3 cells of column B show the unit m")


def test_an_opendocument_cell_has_what_it_shows() -> None:
    row = ods_files.row(
        ods_files.number("12", "0012"),
        ods_files.number("0.5", "50%"),
        ods_files.number("3", "3.00 m"),
        ods_files.number("1234.5", "1,234.50"),
        ods_files.number("0.30000000000000004", "0.3"),
        ods_files.number("4", "4 Tonnen"),
        ods_files.number("5", "5 m²"),
    )
    file = io.BytesIO(ods_files.ods(ods_files.table(row)))
    book = open_book(file)
    [found] = book.rows("Sheet1")
    assert list(found.cells) == [12.0, 0.5, 3.0, 1234.5, 0.3, 4.0, 5.0]
    assert [getattr(cell, "shown", None) for cell in found.cells] == [
        "0012",
        "50%",
        "3.00 m",
        None,
        None,
        "4 Tonnen",
        "5 m²",
    ]
    assert [note.column for note in unit_notes(file)] == ["C", "F", "G"]
