"""What a file contains, by its headings."""

from __future__ import annotations

import io

import openpyxl
import pytest

from precast_app.importing.job_type_detection import detect_job_types
from precast_app.importing.reference_schema import REFERENCE_SPECS
from precast_app.spreadsheets import Limits, open_book
from tests.conftest import EXAMPLES, REFERENCE_DATA

# The kinds whose files need no more than names.
NAMED = [
    job_type
    for job_type, spec in REFERENCE_SPECS.items()
    if [column.heading for column in spec.columns if column.required] == ["Name"]
]


def detect(content: bytes) -> list[str]:
    return detect_job_types(open_book(io.BytesIO(content), Limits()))


@pytest.mark.parametrize(
    ("headings", "expected"),
    [
        ("Element Type,Element Type Name,Height", ["element_type_import"]),
        ("Type;Name;Height (mm);Order", ["element_type_import"]),
        ("name,ORDER", ["stage_import"]),
        ("Name,Parent ID", ["hierarchy_import"]),
        ("Product Name,Product Type,Unit", ["bom_product_import"]),
        ("Name", NAMED),
        ("Name,Remarks", NAMED),
    ],
)
def test_headings_decide_the_job_type(headings: str, expected: list[str]) -> None:
    assert sorted(detect(f"{headings}\nA,B,C\n".encode())) == sorted(expected)


@pytest.mark.parametrize("file", ["element_types.xlsx", "element_types.csv"])
def test_the_sample_of_element_types_is_recognized(file: str) -> None:
    assert detect((EXAMPLES / file).read_bytes()) == ["element_type_import"]


@pytest.mark.parametrize(("job_type", "file"), REFERENCE_DATA.items())
def test_the_sample_of_reference_data_is_recognized(job_type: str, file: str) -> None:
    found = detect((EXAMPLES / file).read_bytes())
    # A list of names alone fits several types.
    assert found == [job_type] or (job_type == "drawing_type_import" and job_type in found)


def test_a_list_of_another_office_is_recognized_by_its_content() -> None:
    text = "Production list week 12;;;;\nPos.;Bauteil;Länge [m];Gewicht [t];EG\n001;Wand;2,45;3,6;2\n"
    assert detect(text.encode()) == ["element_type_import"]
    # The heading Name alone fits several kinds of reference data.
    assert detect(b"Name,Length (mm),Weight (kg),Floor,Qty\nW1,4000,2500,1,2\n") == ["element_type_import"]


@pytest.mark.parametrize(
    "text", ["Piece,Status,Date,Note\nWALL/T1_F2/0001,dispatched,2026-10-11,\n", "Mark;Zustand\nW1;fertig\n"]
)
def test_a_list_of_the_statuses_of_pieces_is_recognized(text: str) -> None:
    assert detect(text.encode()) == ["piece_status_import"]


def test_element_types_are_recognized_in_any_sheet_below_a_title() -> None:
    book = openpyxl.Workbook()
    book.active.append(["Name"])
    sheet = book.create_sheet("Walls")
    sheet.append(["Project Nord"])
    sheet.append(["Element Type", "Element Type Name", "Height"])
    sheet.append(["WALL", "W-1", 2500])
    file = io.BytesIO()
    book.save(file)
    assert detect(file.getvalue()) == ["element_type_import"]


@pytest.mark.parametrize(
    ("headings", "expected"),
    [("ProductName,Unit,Rate", "bom_product_import"), ("Colour,Weight", "element_type_import")],
)
def test_incomplete_headings_get_the_most_similar_type(headings: str, expected: str) -> None:
    assert detect(f"{headings}\nA,B,C\n".encode()) == [expected]
