"""Workbooks as offices send them, odd in their sheets, headings, columns and rows: all is read as it is meant.

Each is the sample's workbook with its first rows; whatever is odd about it, the same must be stored.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import openpyxl
import pytest
from openpyxl.styles import PatternFill

from precast_app.errors import RequestError
from tests.conftest import EXAMPLES, run_import
from tests.integration import odd_workbooks
from tests.integration.odd_workbooks import (
    BASE,
    COUNT,
    Rows,
    Stored,
    assert_read,
    columns,
    delimited,
    flat,
    issue_keys,
    message,
    rows_of,
    saved,
    spans,
    stored,
    truth,
    workbook,
    written,
)

furnished = pytest.fixture(scope="module")(odd_workbooks.furnished)
meadows = pytest.fixture(odd_workbooks.meadows)


def without(*headings: str) -> Stored:
    """Return what is stored where these columns were left out."""
    return {names: {key: cell for key, cell in row.items() if key not in headings} for names, row in truth().items()}


def under(columns: Rows, top: str | None, sub: str | None = None) -> list[Any]:
    """Return the column under these headings."""
    return next(column for column in columns if column[0] == top and (sub is None or column[1] == sub))


def test_nothing_odd(meadows: int, tmp_path: Path) -> None:
    """What all others are measured by: three of the sample's numbers, and that the flat file says the same."""
    assert_read(meadows, run_import(meadows, saved(workbook(), tmp_path / "types.xlsx")))
    beam = stored(meadows)["BEAM", "B-00001"]
    assert [str(beam[heading]) for heading in ("Volume", "Tower_A.Floor_3", "Steel_12MM")] == ["0.1806", "3", "219.947"]
    assert run_import(meadows, EXAMPLES / "element_types.csv").unchanged_count == COUNT


@pytest.mark.parametrize(
    "ranges",
    [
        [(2, "Range: K1-L1"), (4, "Range: A1-D1"), (30, "Range: N1-AQ1"), (1, "Range: ZZ1-ZZ1")],
        [(0, "Range: K1-J1"), (0, "Range: K1-J1"), (0, "Range: K1-J1"), (0, "Range: AQ1-N1")],
        [("three", "after the base columns"), ("13", "see below"), (None, None), ("#REF!", "Range: ")],
    ],
    ids=["wrong", "reversed", "text"],
)
def test_ranges_in_summary_that_are(meadows: int, tmp_path: Path, ranges: list[tuple[Any, Any]]) -> None:
    book = workbook()
    # Nor does the project's number matter, which is another one in each installation.
    book["Summary"]["B2"] = "77"
    for row, (count, where) in enumerate(ranges, 4):
        book["Summary"][f"B{row}"], book["Summary"][f"C{row}"] = count, where
    assert_read(meadows, run_import(meadows, saved(book, tmp_path / "types.xlsx")))


def test_groups_and_towers_in_another_order(meadows: int, tmp_path: Path) -> None:
    """Materials first, towers and floors backwards, the base columns in the middle."""
    base, drawings, tower_a, tower_b, podium, stages, bom = (
        columns()[first:last] for first, last in ((0, 10), (10, 13), (13, 19), (19, 25), (25, 26), (26, 34), (34, 43))
    )
    shuffled = [*bom[::-1], *tower_b[::-1], *base[::-1], *podium, *stages[::-1], *tower_a[::-1], *drawings]
    assert_read(meadows, run_import(meadows, written(tmp_path / "types.xlsx", shuffled)))


def test_columns_hidden_moved_and_inserted_empty(meadows: int, tmp_path: Path) -> None:
    cells = columns()
    mass, shuttering = cells[5], cells[12]
    moved = [each for each in cells if each not in (mass, shuttering)]
    # The floors of a tower change places, two columns go to the far end, one of them with a heading of its own.
    moved[11], moved[15] = moved[15], moved[11]
    moved += [mass, shuttering]
    for place in (40, 23, 10, 4, 0):
        moved.insert(place, [None] * len(mass))
    book = workbook(rows_of(moved), spans(moved))
    sheet = book["Element Types"]
    for letter in ("C", "F", "R", "Z"):
        sheet.column_dimensions[letter].hidden = True
    sheet.row_dimensions[6].hidden = True
    for row in range(1, 40):
        sheet.cell(row, 1).fill = PatternFill("solid", "FFFF00")
    assert_read(meadows, run_import(meadows, saved(book, tmp_path / "types.xlsx")))


def test_a_column_inserted_empty_below_a_merged_heading(meadows: int, tmp_path: Path) -> None:
    """Excel widens the merged heading: what then stands over nothing names neither the tower nor anything else."""
    path = tmp_path / "before.csv"
    path.write_text(delimited([[*BASE, "Tower_A"], ["BEAM", "B-00001", *[""] * 8, 2]]))
    run_import(meadows, path)
    widened = columns()
    for place, top in ((36, "Steel"), (28, "Stages"), (16, "Tower A"), (11, "Drawing Types")):
        widened.insert(place, [top, *[None] * (len(widened[0]) - 1)])
    done = run_import(meadows, written(tmp_path / "types.xlsx", widened))
    assert done.status == "completed"
    expected = truth()
    expected["BEAM", "B-00001"]["Tower_A"] = 2
    assert stored(meadows) == expected


def test_a_repeated_column(meadows: int, tmp_path: Path) -> None:
    """The first one counts, whatever stands in the other."""
    again: Rows = [
        ["Steel", "6MM", "BOM_6MM", *[999] * COUNT],
        [None, "Podium", "Qty_Podium", *[7] * COUNT],
        ["Mass", None, "2400", *[1] * COUNT],
    ]
    done = run_import(meadows, written(tmp_path / "types.xlsx", [*columns(), *again]))
    assert_read(meadows, done, *(("repeated_heading", *place) for place in (("AR", 2), ("AS", 2), ("AT", 1))))


def test_a_node_without_a_parent_under_a_blank_heading(meadows: int, tmp_path: Path) -> None:
    """Right behind the merged heading of a tower, of which it is no floor."""
    cells = columns()
    podium = under(cells, None, "Podium")
    cells.remove(podium)
    cells.insert(19, podium)
    assert_read(meadows, run_import(meadows, written(tmp_path / "types.xlsx", cells)))


def test_blank_headings_that_are_not_merged_continue_nothing(meadows: int, tmp_path: Path) -> None:
    """Of what stands under one, only a name that says it all is understood: a stage, but no floor."""
    done = run_import(meadows, saved(workbook(merged=()), tmp_path / "types.xlsx"))
    floors = [f"Tower_{tower}.Floor_{floor}" for tower in "AB" for floor in range(2, 7)]
    lost = ["O", "P", "Q", "R", "S", "U", "V", "W", "X", "Y", "AJ", "AK", "AM", "AO"]
    left_out = without(*floors, "Steel_8MM", "Steel_12MM", "Concrete_M40", "Lifter_2.5T")
    assert_read(meadows, done, *(("unknown_heading", letter, 2) for letter in lost), expected=left_out)


def test_a_heading_that_names_nothing(meadows: int, tmp_path: Path) -> None:
    cells = columns()
    under(cells, None, "Podium")[1] = "Podiumm"
    done = run_import(meadows, written(tmp_path / "types.xlsx", cells))
    assert_read(meadows, done, ("unknown_heading", "Z", 2), expected=without("Podium"))
    assert "called Podiumm; the nearest name that it has is Podium." in message(done, "unknown_heading")


def test_headings_in_another_writing(meadows: int, tmp_path: Path) -> None:
    """In other letters, with units, other spaces and hyphens, or one of the other names."""
    cells = columns()
    for column, heading in zip(
        cells,
        ("TYPE", " name ", "Height (mm)", "LENGTH [mm]", "thickness:", "Weight (kg)", "Volume m³", "area", "Width *"),
        strict=False,
    ):
        column[0] = heading
    cells[9][0] = "version"
    for old, new in (("Tower A", " tower-a"), ("Tower B", "TOWER_B"), ("Steel", "steel ")):
        for column in cells:
            column[0] = new if column[0] == old else column[0]
    # The node without a parent stands in the first row.
    cells[25][:2] = "PODIUM ", None
    cells[13][1], cells[14][1], cells[34][1] = "FLOOR_1", "floor-2", "6mm"
    assert_read(meadows, run_import(meadows, written(tmp_path / "types.xlsx", cells)))


def test_no_summary(meadows: int, tmp_path: Path) -> None:
    book = workbook()
    del book["Summary"]
    assert_read(meadows, run_import(meadows, saved(book, tmp_path / "types.xlsx")))


def test_no_sample_row(meadows: int, tmp_path: Path) -> None:
    cells = [[*column[:2], *column[3:]] for column in columns()]
    assert_read(meadows, run_import(meadows, written(tmp_path / "types.xlsx", cells)))


def test_a_third_row_that_looks_much_like_the_sample(meadows: int, tmp_path: Path) -> None:
    """It has the sample's texts, but tells of drawings and quantities as data do."""
    cells = [[*column[:2], *column[3:]] for column in columns()]
    for column in cells:
        column[2] = None
    cells[0][2], cells[1][2], cells[2][2], cells[10][2], cells[13][2] = "ET001", "Beam Type A", "300", "Drw_1.dwg", 2
    done = run_import(meadows, written(tmp_path / "types.xlsx", cells))
    first = {"Height": 300, "Element Type Version": "VR-1", "Assembly": "Drw_1.dwg", "Tower_A.Floor_1": 2}
    expected = {("ET001", "Beam Type A"): first, **dict([*truth().items()][1:])}
    assert_read(meadows, done, expected=expected)


def test_no_second_row(meadows: int, tmp_path: Path) -> None:
    """What stands under a tower's name alone goes to none of its floors, and not to the tower."""
    cells = [[column[0], *column[2:]] for column in columns()]
    done = run_import(meadows, written(tmp_path / "types.xlsx", cells))
    others = {heading for row in truth().values() for heading in row} - set(BASE)
    assert stored(meadows) == without(*others)
    letters = [column for code, column, _ in issue_keys(done) if code == "unknown_heading"]
    assert {"K", "N", "T", "AA", "AI", "AL", "AN"} <= set(letters)


def test_one_flat_header_row(meadows: int, tmp_path: Path) -> None:
    """As openpyxl streams it, all numbers of it as texts."""
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("ELEMENT-TYPES")
    for row in flat():
        sheet.append(row)
    assert_read(meadows, run_import(meadows, saved(book, tmp_path / "types.xlsx")))


def test_another_sheet_name(meadows: int, tmp_path: Path) -> None:
    book = workbook(sheet="Tabelle1 (2)")
    notes = book.create_sheet("Notes", 0)
    notes.append(["Element Type", "is the first heading of the other sheet"])
    book["Summary"].sheet_state = "hidden"
    assert_read(meadows, run_import(meadows, saved(book, tmp_path / "types.xlsx")))


def test_two_sheets_with_the_headings(meadows: int, tmp_path: Path) -> None:
    """One of them must have the name, or it is unclear which is meant."""
    book = workbook(sheet="element_types")
    other = book.copy_worksheet(book["element_types"])
    other.title = "Old"
    other["C4"] = 1
    book.move_sheet(other, -2)
    assert_read(meadows, run_import(meadows, saved(book, tmp_path / "types.xlsx")))
    book["element_types"].title = "New"
    with pytest.raises(RequestError, match=r"More than one sheet has the headings \(Old, New\)"):
        run_import(meadows, saved(book, tmp_path / "types.xlsx"))


def test_empty_rows_in_between(meadows: int, tmp_path: Path) -> None:
    """Above the headings, before and behind the sample row, and among the data, whose rows keep their numbers."""
    top, sub, sample, *data = rows_of(columns())
    blanks = [" \N{NO-BREAK SPACE}"] * 5
    rows = [[], blanks, top, sub, blanks, sample, [], *data[:3], [], blanks, *data[3:], [], blanks]
    rows[14] = [*rows[14], "beyond"]
    book = workbook(rows, ())
    for _, first, last in spans(columns()):
        book["Element Types"].merge_cells(start_row=3, end_row=3, start_column=first + 1, end_column=last + 1)
    done = run_import(meadows, saved(book, tmp_path / "types.xlsx"))
    assert_read(meadows, done, ("cell_beyond_headings", "AR", 15))


def test_an_empty_row_between_the_headings(meadows: int, tmp_path: Path) -> None:
    top, *rest = rows_of(columns())
    book = workbook([top, [], *rest])
    done = run_import(meadows, saved(book, tmp_path / "types.xlsx"))
    assert_read(meadows, done)


def test_a_title_above_the_headings(meadows: int, tmp_path: Path) -> None:
    book = workbook([["Green Meadows: element types"], ["Type list of 3 May", None, 12], *rows_of(columns())], ())
    for _, first, last in spans(columns()):
        book["Element Types"].merge_cells(start_row=3, end_row=3, start_column=first + 1, end_column=last + 1)
    book["Element Types"].merge_cells("A1:AQ1")
    assert_read(meadows, run_import(meadows, saved(book, tmp_path / "types.xlsx")))


def test_totals_at_the_end(meadows: int, tmp_path: Path) -> None:
    """Whatever they are called, and wherever that stands; the last one has no name at all."""
    rows = rows_of(columns())
    names = [("Subtotal", None), ("Total", None), ("GRAND TOTAL:", ""), (None, "Total quantity"), ("Summe", None)]
    sums = [sum(cell for cell in column[3:] if isinstance(cell, int | float)) or None for column in columns()]
    rows += [[], *([*both, *sums[2:]] for both in (*names, ("", None)))]
    done = run_import(meadows, saved(workbook(rows), tmp_path / "types.xlsx"))
    assert_read(meadows, done, *(("totals_row", None, COUNT + row) for row in range(5, 11)))
