"""Files in an office's own shape, read by an import profile."""

from __future__ import annotations

import io
from collections.abc import Sequence
from decimal import Decimal
from functools import partial
from typing import Any

import openpyxl
import pytest

from precast_app.errors import JobFailed
from precast_app.importing import create_missing, row_validation
from precast_app.importing.issues import Issue
from precast_app.importing.profiles import application, missing_items, row_grouping
from precast_app.importing.profiles.schema import load_profile
from precast_app.importing.reference_data import ReferenceData
from precast_app.importing.row_validation import Row
from precast_app.importing.schema import ColumnGroup, ColumnMap
from precast_app.spreadsheets import Book, UnreadableFile, open_book
from tests.conftest import ROOT
from tests.unit.profile_examples import ASSEMBLY_LIST, FERTIGTEILLISTE, PIECE_LIST, WALL_SCHEDULE

LISTS = ROOT / "tests" / "files" / "other_offices"
EMPTY_PROJECT = ReferenceData(1)
EXPECTED = {
    "assembly_list.xlsx": (ASSEMBLY_LIST, 24, 107),
    "wall_schedule.csv": (WALL_SCHEDULE, 18, 94),
    "fertigteilliste.xlsx": (FERTIGTEILLISTE, 16, 81),
    "piece_list.csv": (PIECE_LIST, 12, 114),
}


def read(
    content: bytes, profile: dict[str, Any], reference: ReferenceData = EMPTY_PROJECT, *, creates: bool = True
) -> tuple[ColumnMap, list[Row], list[Issue]]:
    """Return the columns, the data rows and the issues of a file, in a project that gets what it lacks."""
    loaded = load_profile(profile)

    def book() -> Book:
        return open_book(io.BytesIO(content), encoding=loaded.encoding, delimiter=loaded.delimiter)

    if creates:
        reference = create_missing.preview(reference, missing_items.find_missing_entries(book(), loaded, reference))
    opened = book()
    columns, issues = application.map_columns(opened, loaded, reference)
    rows = list(row_validation.validate_rows(partial(opened.rows, columns.sheet), columns))
    if columns.grouping is not None:
        columns, rows = row_grouping.group_rows(rows, columns, reference)
    issues += [issue for row in rows for issue in row.issues]
    return columns, [row for row in rows if not row.skipped], issues


def by_name(columns: ColumnMap, rows: Sequence[Row]) -> dict[str, dict[str, Any]]:
    """Return the base values of each row by name, and its pieces as `pieces`."""
    found = {}
    for row in rows:
        values = {str(name): row.values[index] for index, name in columns.positions(ColumnGroup.BASE)}
        values["pieces"] = sum(int(str(row.values[i])) for i, _ in columns.positions(ColumnGroup.NODES))
        found[str(values["name"])] = values
    return found


def lines(*rows: str) -> bytes:
    return "\n".join(rows).encode()


@pytest.mark.parametrize("name", EXPECTED)
def test_a_list_of_another_office_gives_its_element_types_and_pieces(name: str) -> None:
    profile, types, pieces = EXPECTED[name]
    columns, rows, issues = read((LISTS / name).read_bytes(), profile)
    found = by_name(columns, rows)
    assert (len(rows), len(found), sum(each["pieces"] for each in found.values())) == (types, types, pieces)
    assert [issue for issue in issues if issue.severity == "error"] == []


def test_measures_are_in_millimetres_and_kilograms() -> None:
    german = by_name(*read((LISTS / "fertigteilliste.xlsx").read_bytes(), FERTIGTEILLISTE)[:2])
    first = {name: german["001"][name] for name in ("length", "height", "thickness", "mass", "volume")}
    assert first == {"length": 2450, "height": 2950, "thickness": 200, "mass": 3614, "volume": Decimal("1.446")}
    assert (german["001"]["element_type"], german["004"]["element_type"]) == ("Brüstung", "WALL")
    schedule = by_name(*read((LISTS / "wall_schedule.csv").read_bytes(), WALL_SCHEDULE)[:2])
    assert [schedule["PW-01"][name] for name in ("length", "area", "volume", "pieces", "element_type")] == [
        1530, Decimal("4.59"), Decimal("0.83"), 8, "WALL",
    ]  # fmt: skip
    pieces = by_name(*read((LISTS / "piece_list.csv").read_bytes(), PIECE_LIST)[:2])
    assert (pieces["HC01"]["element_type"], pieces["HC01"]["mass"], pieces["HC01"]["pieces"]) == (
        "Dalle alvéolée",
        3804,
        9,
    )


def test_stages_and_drawings_are_read_by_the_value_rules() -> None:
    columns, rows, _ = read((LISTS / "fertigteilliste.xlsx").read_bytes(), FERTIGTEILLISTE)
    ((stage, _),) = columns.positions(ColumnGroup.STAGES)
    ((drawing, _),) = columns.positions(ColumnGroup.DRAWINGS)
    assert [row.values[stage] for row in rows[:3]] == [True, False, True]
    assert rows[0].values[drawing] == "BV-001.pdf"


def test_pieces_go_to_the_places_that_the_rows_name() -> None:
    loaded = load_profile(PIECE_LIST)
    book = open_book(io.BytesIO((LISTS / "piece_list.csv").read_bytes()), encoding="cp1252")
    entries = missing_items.find_missing_entries(book, loaded, EMPTY_PROJECT)
    assert [entry.values["path"] for entry in entries[ColumnGroup.NODES]][:4] == ["A", "A.2", "A.3", "B"]
    columns, rows, _ = read((LISTS / "piece_list.csv").read_bytes(), PIECE_LIST)
    first = {columns.columns[i].heading: rows[0].values[i] for i, _ in columns.positions(ColumnGroup.NODES)}
    assert first == {
        "Floor: A.2": 2,
        "Floor: A.3": 1,
        "Floor: B.1": 2,
        "Floor: B.2": 2,
        "Floor: B.3": 2,
        "Floor: A.1": 0,
    }


def test_a_floor_with_a_point_in_its_name_is_one_node() -> None:
    book = open_book(io.BytesIO((LISTS / "fertigteilliste.xlsx").read_bytes()))
    nodes = missing_items.find_missing_entries(book, load_profile(FERTIGTEILLISTE), EMPTY_PROJECT)[ColumnGroup.NODES]
    assert [(node.values["name"], node.values["naming_convention"]) for node in nodes] == [
        ("EG", "EG"),
        ("1. OG", "1_OG"),
        ("2. OG", "2_OG"),
    ]


COUNTS = {
    "name": "Counts", "shape": "element_type_and_node",
    "columns": [
        {"heading": "Type", "target": "element_type"}, {"heading": "Mark", "target": "name"},
        {"heading": "Floor", "target": "place"}, {"heading": "Qty", "target": "count"},
        {"heading": "L", "target": "length", "unit": "m"},
    ],
}  # fmt: skip


def test_rows_that_contradict_each_other_reject_the_element_type_and_are_both_named() -> None:
    content = lines("Type,Mark,Floor,Qty,L", "W,W1,EG,1,2.5", "W,W2,EG,1,3", "W,W1,OG,2,2.6")
    _, rows, issues = read(content, COUNTS)
    assert [row.rejected for row in rows] == [True, False]
    (issue,) = [issue for issue in issues if issue.severity == "error"]
    assert (issue.code, issue.row, issue.column, issue.heading, issue.value) == (
        "contradicting_rows", 4, "E", "L", "2.6",
    )  # fmt: skip
    assert "Row 2 and row 4" in issue.message


def test_counts_of_the_same_place_are_added() -> None:
    content = lines("Type,Mark,Floor,Qty,L", "W,W1,EG,1,2.5", "w, W1 ,eg,2,", "W,W1,OG,3,2.5")
    columns, rows, _ = read(content, COUNTS)
    assert [row.values[-2:] for row in rows] == [(3, 3)]
    assert by_name(columns, rows)["W1"]["length"] == 2500


def test_an_invalid_cell_in_any_row_rejects_the_element_type_at_its_own_cell() -> None:
    content = lines("Type,Mark,Floor,Qty,L", "W,W1,EG,1,2.5", "W,W2,EG,1,3", "W,W1,OG,two,2.5")
    _, rows, issues = read(content, COUNTS)
    assert [(row.number, row.rejected) for row in rows] == [(2, True), (3, False)]
    assert [(i.row, i.column, i.value) for i in issues if i.severity == "error"] == [(4, "D", "two")]


def test_an_unknown_place_names_the_nearest_one() -> None:
    content = lines("Type,Mark,Floor,Qty,L", "W,W1,Floor 1,1,2.5")
    known = create_missing.preview(
        EMPTY_PROJECT,
        missing_items.find_missing_entries(open_book(io.BytesIO(content)), load_profile(COUNTS), EMPTY_PROJECT),
    )
    _, rows, issues = read(lines("Type,Mark,Floor,Qty,L", "W,W1,Flor 1,1,2.5"), COUNTS, known, creates=False)
    assert [(i.code, i.row, i.column, i.value) for i in issues[1:]] == [("unknown_place", 2, "C", "Flor 1")]
    assert rows[0].rejected and "Floor_1" in issues[1].message


def test_pieces_without_a_place_are_refused() -> None:
    _, rows, issues = read(lines("Type,Mark,Floor,Qty,L", "W,W1,,1,2.5", "W,W2,,,2.5"), COUNTS)
    assert [row.rejected for row in rows] == [True, False]
    assert [(i.code, i.row, i.column) for i in issues[1:]] == [("missing_value", 2, "C")]


def test_columns_may_move_and_titles_may_come_and_go() -> None:
    content = lines("Our list,,,,", "L,Qty,Floor,Mark,Type", "2.5,1,EG,W1,W")
    columns, rows, _ = read(content, COUNTS)
    assert by_name(columns, rows)["W1"] == {"element_type": "W", "name": "W1", "length": 2500, "pieces": 1}


def test_a_heading_that_the_file_lacks_and_a_new_one_are_warned_about() -> None:
    _, rows, issues = read(lines("Type,Mark,Floor,Qty,Colour", "W,W1,EG,1,red"), COUNTS)
    assert [(issue.code, issue.heading) for issue in issues] == [
        ("missing_heading", "L"),
        ("unknown_heading", "Colour"),
    ]
    assert len(rows) == 1


def test_a_file_without_the_column_of_the_names_is_refused() -> None:
    with pytest.raises(JobFailed, match="Mark"):
        read(lines("Type,Position,Floor,Qty,L", "W,W1,EG,1,2"), COUNTS)


UNITS_IN_CELLS = {
    "name": "Schedule",
    "columns": [{"heading": "Mark", "target": "name"}, {"heading": "L", "target": "length", "unit": "cell"}],
    "constants": {"element_type": "W"},
}


@pytest.mark.parametrize(
    ("cell", "millimetres"),
    [
        ("4318 mm", "4318"), ("12.50 m", "12500"), ("1,5 m", "1500"), ("5' 6\"", "1676.4"), ("5'-6 1/2\"", "1689.1"),
        ("6 1/2\"", "165.1"), ("11/2\"", "139.7"), ("5'", "1524"), ("5'-0\"", "1524"), ("2 ft", "609.6"),
        ("1 250 mm", "1250"),
        ("1,250 mm", "1250"), ("3.5in", "88.9"), ("0", "0"), ("", None),
    ],
)  # fmt: skip
def test_a_unit_may_stand_in_the_cell(cell: str, millimetres: str | None) -> None:
    quoted = cell.replace('"', '""')
    columns, rows, issues = read(lines("Mark,L", f'W1,"{quoted}"'), UNITS_IN_CELLS)
    assert by_name(columns, rows)["W1"]["length"] == (None if millimetres is None else Decimal(millimetres)), issues


@pytest.mark.parametrize(
    ("cell", "code"), [("4318", "missing_unit"), ("3 kg", "unknown_unit_in_cell"), ("mm", "not_a_number")]
)
def test_a_cell_without_a_usable_unit_is_refused(cell: str, code: str) -> None:
    _, rows, issues = read(lines("Mark,L", f"W1,{cell}"), UNITS_IN_CELLS)
    assert [(issue.code, issue.column) for issue in issues] == [(code, "B")]
    assert rows[0].rejected


def test_a_blank_cell_of_another_element_type_does_not_repeat_the_measure_above() -> None:
    profile = {**COUNTS, "blank": "above"}
    columns, rows, _ = read(lines("Type,Mark,Floor,Qty,L", "W,W1,EG,1,2.5", ",,OG,2,", "W,W2,EG,1,"), profile)
    found = by_name(columns, rows)
    assert (found["W1"]["pieces"], found["W2"]["length"]) == (3, None)


def test_repeated_headings_and_totals_are_no_data() -> None:
    content = lines(
        "Type,Mark,Floor,Qty,L", "W,W1,EG,1,2.5", "Type,Mark,Floor,Qty,L", "W,W2,EG,1,3", "Summe Wände,,,2,"
    )
    _, rows, issues = read(content, {**COUNTS, "totals_words": ["Summe"]})
    assert [row.number for row in rows] == [2, 4]
    assert [issue.code for issue in issues if issue.severity == "warning"] == ["totals_row"]


def test_a_wrong_encoding_is_refused_and_a_right_one_is_read() -> None:
    profile = {**COUNTS, "encoding": "windows-1251"}
    content = "Type,Mark,Floor,Qty,L\nСтена,С1,EG,1,2".encode("cp1251")
    columns, rows, _ = read(content, profile)
    assert by_name(columns, rows)["С1"]["element_type"] == "Стена"
    with pytest.raises(UnreadableFile, match="utf-16"):
        read(content, {**COUNTS, "encoding": "utf-16"})


def test_a_sheet_with_sub_headings_is_read() -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in (["Mark", "Tower 1", None], [None, "EG", "OG"], ["W1", 1, 2]):
        sheet.append(row)
    sheet.merge_cells("B1:C1")
    file = io.BytesIO()
    book.save(file)
    columns = [
        {"heading": "Mark", "target": "name"},
        {"heading": "Tower 1", "sub_heading": "EG", "target": {"node": "Tower 1.EG"}},
        {"heading": "Tower 1", "sub_heading": "OG", "target": {"node": "Tower 1.OG"}},
    ]
    profile = {"name": "x", "header_rows": [1, 2], "columns": columns, "constants": {"element_type": "W"}}
    found, rows, _ = read(file.getvalue(), profile)
    assert by_name(found, rows)["W1"]["pieces"] == 3
