"""Headings to columns: found by name, in any order, in one row or in two."""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter

from precast_app.errors import JobFailed
from precast_app.importing import column_mapping
from precast_app.importing.cell_parsing import InvalidCell
from precast_app.importing.hierarchy import path_key_of
from precast_app.importing.issues import Issue
from precast_app.importing.reference_data import ReferenceData, ReferenceItem
from precast_app.importing.schema import BASE_COLUMNS, ColumnGroup, ColumnMap
from precast_app.spreadsheets import Book, Limits, open_book
from precast_app.text import match_key
from tests.conftest import EXAMPLES

BASE_HEADINGS = [column.heading for column in BASE_COLUMNS]


def items(first_id: int, *names: str, key: Callable[[str], str] = match_key) -> tuple[ReferenceItem, ...]:
    return tuple(ReferenceItem(id_, name, key(name)) for id_, name in enumerate(names, first_id))


def reference() -> ReferenceData:
    """Return the reference data of a project with a name that two groups share, `Reinforcement`."""
    return ReferenceData(
        1,
        {
            ColumnGroup.DRAWINGS: items(1, "Shuttering", "Reinforcement"),
            ColumnGroup.NODES: items(11, "Tower_A.Floor_1", "Tower_A.Floor_2", "Podium", key=path_key_of),
            ColumnGroup.STAGES: items(21, "Reinforcement", "Casting"),
            ColumnGroup.BOM: items(31, "Steel_6MM", "Grout_M40"),
        },
        {11: "TA_F1", 12: "TA_F2", 13: "P"},
    )


def with_items(group: ColumnGroup, members: tuple[ReferenceItem, ...]) -> ReferenceData:
    """Return the project's reference data with other items in a group."""
    project = reference()
    return dataclasses.replace(project, items={**project.items, group: members})


def csv(*headings: str) -> Book:
    names = {"type": "WALL", "element type": "WALL", "name": "W-1", "element type name": "W-1"}
    row = [names.get(heading.casefold(), "") for heading in headings]
    return open_book(io.BytesIO("\n".join((",".join(headings), ",".join(row))).encode()), Limits())


def workbook(path: Path, *rows: list[Any], merged: tuple[tuple[int, int, int], ...] = ()) -> Book:
    """Return a sheet with these rows; `merged` are (row, first column, last column), counted from 0."""
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet("Element Types")
        for number, cells in enumerate(rows):
            sheet.write_row(number, 0, cells)
        for row, first, last in merged:
            sheet.merge_range(row, first, row, last, rows[row][first])
    return open_book(io.BytesIO(path.read_bytes()), Limits())


def targets(columns: ColumnMap) -> dict[str, tuple[ColumnGroup, str | int]]:
    return {column.letter: (column.group, column.target) for column in columns.columns}


def matched(book: Book) -> tuple[ColumnMap, list[Issue]]:
    return column_mapping.map_columns(book, reference())


def test_one_flat_row_in_any_order_whatever_its_writing() -> None:
    columns, issues = matched(
        csv("podium", "Casting", "NAME", "type", "height (mm)", "LENGTH[mm]", " Thickness ", "Weight", "volume",
            "Area", "Width", "Version", "tower a.FLOOR-1", "steel 6mm", "Shuttering")
    )  # fmt: skip
    assert issues == []
    found = targets(columns)
    assert found["A"] == (ColumnGroup.NODES, 13)
    assert found["B"] == (ColumnGroup.STAGES, 22)
    assert (found["C"], found["D"]) == ((ColumnGroup.BASE, "name"), (ColumnGroup.BASE, "element_type"))
    assert found["H"] == (ColumnGroup.BASE, "mass")
    assert (found["M"], found["N"], found["O"]) == (
        (ColumnGroup.NODES, 11),
        (ColumnGroup.BOM, 31),
        (ColumnGroup.DRAWINGS, 1),
    )
    # Values stand with the base columns first, in the order in which they are declared.
    assert [column.target for column in columns.columns[:10]] == [column.field for column in BASE_COLUMNS]


def test_a_column_type_beside_element_type_is_not_taken_for_it() -> None:
    columns, issues = matched(csv("Type", *BASE_HEADINGS))
    assert targets(columns)["B"] == (ColumnGroup.BASE, "element_type")
    assert [issue.column for issue in issues] == ["A"]


def test_two_rows_with_merged_headings_and_a_sample(tmp_path: Path) -> None:
    top = [*BASE_HEADINGS, "Drawing Types", "", "Tower A", "", "Stages", "", "Steel", "", "Podium"]
    sub = [*[""] * 10, "Shuttering", "Reinforcement", "Floor 1", "Floor 2", "Reinforcement", "Casting", "6MM", "", ""]
    sample = ["ET001", "Beam", "300", *[""] * 7, "Drw_1", "Drw_2", "Qty_1", "Qty_2", "Stage_1", "Stage_2", "BOM_1"]
    book = workbook(
        tmp_path / "two.xlsx", top, sub, sample, ["WALL", "W-1"], merged=((0, 10, 11), (0, 12, 13), (0, 14, 15))
    )
    columns, issues = matched(book)
    found = targets(columns)
    assert (found["K"], found["L"]) == ((ColumnGroup.DRAWINGS, 1), (ColumnGroup.DRAWINGS, 2))
    assert (found["M"], found["N"]) == ((ColumnGroup.NODES, 11), (ColumnGroup.NODES, 12))
    assert (found["O"], found["P"], found["Q"]) == (
        (ColumnGroup.STAGES, 21),
        (ColumnGroup.STAGES, 22),
        (ColumnGroup.BOM, 31),
    )
    assert found["S"] == (ColumnGroup.NODES, 13)
    assert columns.first_data_row == 4
    assert column_mapping.count_rows(book) == ("Element Types", 1)
    assert issues == []


def test_digits_as_sub_headings(tmp_path: Path) -> None:
    """What Excel makes of a floor called 1."""
    project = with_items(ColumnGroup.NODES, items(11, "7.1", "7.2", key=path_key_of))
    path = tmp_path / "digits.xlsx"
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet("Element Types")
        sheet.write_row(0, 0, BASE_HEADINGS)
        sheet.merge_range(0, 10, 0, 11, 7)
        sheet.write_row(1, 10, [1, 2])
        sheet.write_row(2, 0, ["WALL", "W-1"])
    columns, issues = column_mapping.map_columns(open_book(io.BytesIO(path.read_bytes()), Limits()), project)
    assert (targets(columns)["K"], targets(columns)["L"], issues) == (
        (ColumnGroup.NODES, 11),
        (ColumnGroup.NODES, 12),
        [],
    )


@pytest.mark.parametrize(
    ("row", "first_data_row"),
    [
        (["ET001", "Beam Type A", "300"], 4),
        (["ET001", "Beam Type A", "300", *[""] * 7, "Drw_1"], 4),
        (["COL", "T3", "300", *[""] * 7, "Drw_T1.pdf", "Drw_T2.pdf"], 3),
        (["ET001", "Beam Type A", 300], 3),
    ],
)
def test_the_sample_row_is_not_read_as_data(tmp_path: Path, row: list[Any], first_data_row: int) -> None:
    sub = [*[""] * 10, "Shuttering", "Reinforcement"]
    top = [*BASE_HEADINGS, "Drawing Types", ""]
    book = workbook(tmp_path / "sample.xlsx", top, sub, row, ["WALL", "W-1"], merged=((0, 10, 11),))
    assert matched(book)[0].first_data_row == first_data_row


def test_a_first_row_without_its_names_is_no_second_heading() -> None:
    book = open_book(io.BytesIO((",".join([*BASE_HEADINGS, "Casting"]) + "\n" + "," * 10 + "yes\n").encode()), Limits())
    assert matched(book)[0].first_data_row == 2


@pytest.mark.parametrize("heading", ["Area m²", "Area (m²):", "AREA [m2]", "Area."])
def test_a_unit_behind_a_heading(heading: str) -> None:
    columns, issues = matched(csv(*[heading if each == "Area" else each for each in BASE_HEADINGS]))
    assert (len(columns.columns), issues) == (10, [])


def test_names_with_points_and_blanks() -> None:
    names = ("Q.C. Check", "Dwg. No. 1")
    project = with_items(ColumnGroup.STAGES, items(41, *names))
    columns, issues = column_mapping.map_columns(csv(*BASE_HEADINGS, *names), project)
    assert ([column.target for column in columns.columns[10:]], issues) == ([41, 42], [])


def test_a_node_called_like_a_base_column() -> None:
    project = with_items(ColumnGroup.NODES, items(11, "Mass"))
    _, (issue,) = column_mapping.map_columns(csv(*BASE_HEADINGS, "Mass"), project)
    assert "Write Hierarchy_Mass if you mean that." in issue.message


def test_a_third_row_that_is_no_sample_is_data(tmp_path: Path) -> None:
    sub = [*[""] * 10, "Floor 1"]
    book = workbook(tmp_path / "no_sample.xlsx", [*BASE_HEADINGS, "Tower A"], sub, ["WALL", "W-1"], ["WALL", "W-2"])
    assert matched(book)[0].first_data_row == 3
    assert column_mapping.count_rows(book)[1] == 2


def test_the_sample_workbook() -> None:
    book = open_book(io.BytesIO((EXAMPLES / "element_types.xlsx").read_bytes()), Limits())
    assert column_mapping.count_rows(book) == ("Element Types", 120)


def test_a_name_that_two_groups_share_is_rejected_with_advice() -> None:
    with pytest.raises(JobFailed, match="Write Drawing Types_Reinforcement or Stages_Reinforcement"):
        matched(csv(*BASE_HEADINGS, "Reinforcement"))
    columns, _ = matched(csv(*BASE_HEADINGS, "Stages_Reinforcement", "drawing types_reinforcement"))
    assert (targets(columns)["K"], targets(columns)["L"]) == ((ColumnGroup.STAGES, 21), (ColumnGroup.DRAWINGS, 2))


def test_a_heading_that_names_nothing_is_left_out_with_the_nearest_name() -> None:
    columns, (issue,) = matched(csv(*BASE_HEADINGS, "Stel_6MM", "", "Casting"))
    assert (issue.code, issue.column, issue.heading) == ("unknown_heading", "K", "Stel_6MM")
    assert "the nearest name that it has is Steel_6MM" in issue.message
    assert targets(columns)["M"] == (ColumnGroup.STAGES, 22)


@pytest.mark.parametrize("missing", BASE_HEADINGS[2:])
def test_a_file_may_lack_every_base_column_but_the_names(missing: str) -> None:
    columns, issues = matched(csv(*[heading for heading in BASE_HEADINGS if heading != missing]))
    assert ([column.heading for column in columns.columns], issues) == (
        [heading for heading in BASE_HEADINGS if heading != missing],
        [],
    )


@pytest.mark.parametrize(
    ("heading", "cell", "value"),
    [
        ("Height", 3.0, "3"),
        ("Height (mm)", 3.0, "3"),
        ("Height (m)", 3.0, "3000"),
        ("Height [cm]", "2,5", "25"),
        ("Height in m", 2.95, "2950"),
        ("Height_ft", 10.0, "3048"),
        ("Length (in)", 1.0, "25.4"),
        ("Mass (t)", 2.8125, "2812.5"),
        ("Weight lbs.", 1.0, "0.45359237"),
        ("Volume (l)", 181.0, "0.181"),
        ("Volume (ft³)", 1.0, "0.028316846592"),
        ("Area (sq ft)", 1.0, "0.09290304"),
        ("Area sq ft", 1.0, "0.09290304"),
        ("Height (Zoll)", 1.0, "25.4"),
        ("Height metres", 2.95, "2950"),
        ("Height (in m)", 2.95, "2950"),
        ("Height [unit: cm]", 295.0, "2950"),
        ("Length (yards)", 2.0, "1828.8"),
        ("Area (sq. yd)", 1.0, "0.83612736"),
        ("Volume (mm³)", 3_000_000.0, "0.003"),
        ("Area (dm²)", 250.0, "2.5"),
        ("Length / mètres", 2.95, "2950"),
        ("Height（ｍ）", 3.0, "3000"),
        ("Ｈｅｉｇｈｔ (ｃｍ)", 3.0, "30"),
        ("Height (м)", 3.0, "3000"),
        ("Mass (Tonnen)", 2.8125, "2812.5"),
        ("Mass_кг", 3.0, "3"),
        ("Volume (litres)", 181.0, "0.181"),
        ("Area (metros cuadrados)", 3.0, "3"),
    ],
)
def test_numbers_are_converted_from_the_unit_of_the_heading(heading: str, cell: object, value: str) -> None:
    columns, issues = matched(csv("Element Type", "Element Type Name", heading))
    (column,) = columns.columns[2:]
    assert str(column.parse(cell)) == value
    assert {issue.code for issue in issues} <= {"unit_converted"}
    assert bool(issues) == (str(column.parse(1.0)) != "1")


@pytest.mark.parametrize("heading", ["Height (kg)", "Mass (mm)", "Volume (bags)"])
def test_a_unit_of_something_else_is_named(heading: str) -> None:
    columns, (issue,) = matched(csv("Element Type", "Element Type Name", heading))
    assert (issue.severity, issue.code, issue.column) == ("warning", "unknown_unit", "C")
    assert str(columns.columns[2].parse(3.0)) == "3"


def test_a_number_in_another_unit_has_the_limit_of_its_column() -> None:
    columns, _ = matched(csv("Element Type", "Element Type Name", "Height (m)"))
    with pytest.raises(InvalidCell, match="from 0 to 1 000 m"):
        columns.columns[2].parse(1_001.0)


def test_no_header_row_at_all() -> None:
    with pytest.raises(JobFailed, match="No header row was found"):
        matched(csv("Code", "Amount"))


@pytest.mark.parametrize("again", ["Height", "height (m)", "Podium"])
def test_of_two_columns_that_mean_the_same_the_first_is_read(again: str) -> None:
    columns, (issue,) = matched(csv(*BASE_HEADINGS, "podium", again))
    assert (issue.severity, issue.code, issue.column) == ("warning", "repeated_heading", "L")
    assert len(columns.columns) == 11


def test_two_sheets_with_the_headings_are_refused_unless_one_has_the_name(tmp_path: Path) -> None:
    for names, refused in ((("One", "Two"), True), (("One", "element types"), False)):
        path = tmp_path / "sheets.xlsx"
        with xlsxwriter.Workbook(path) as book:
            for name in names:
                sheet = book.add_worksheet(name)
                sheet.write_row(0, 0, BASE_HEADINGS)
                sheet.write_row(1, 0, ["WALL", "W-1"])
        opened = open_book(io.BytesIO(path.read_bytes()), Limits())
        if refused:
            with pytest.raises(JobFailed, match="More than one sheet"):
                matched(opened)
        else:
            assert matched(opened)[0].sheet == "element types"
