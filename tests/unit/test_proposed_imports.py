"""Lists of other offices are imported by the profile that was proposed for them, without an error."""

from __future__ import annotations

import io
from dataclasses import replace
from decimal import Decimal
from functools import partial
from typing import Any

import pytest

from precast_app.importing import create_missing, row_validation
from precast_app.importing.profiles import application, missing_items, row_grouping
from precast_app.importing.profiles.profile import ImportProfile
from precast_app.importing.profiles.proposal import propose
from precast_app.importing.reference_data import ReferenceData
from precast_app.importing.schema import ColumnGroup
from precast_app.spreadsheets import Book, open_book
from tests.unit import more_office_lists, office_lists
from tests.unit.office_lists import OTHER_OFFICES

EMPTY = ReferenceData(1)
LISTS = office_lists.LISTS | more_office_lists.LISTS


def proposed(content: bytes, **constants: str) -> ImportProfile:
    profile = propose(open_book(io.BytesIO(content)), EMPTY).profile
    return replace(profile, constants={**profile.constants, **constants})


def imported(content: bytes, profile: ImportProfile) -> dict[tuple[str, str], dict[str, Any]]:
    """Return the values of each element type, with its pieces by node heading; fail if a row has an error."""

    def book() -> Book:
        return open_book(io.BytesIO(content))

    project = create_missing.preview(EMPTY, missing_items.find_missing_entries(book(), profile, EMPTY))
    opened = book()
    columns, issues = application.map_columns(opened, profile, project)
    rows = list(row_validation.validate_rows(partial(opened.rows, columns.sheet), columns))
    if columns.grouping is not None:
        columns, rows = row_grouping.group_rows(rows, columns, project)
    errors = [issue for issue in (*issues, *(each for row in rows for each in row.issues)) if issue.severity == "error"]
    assert errors == []
    found = {}
    for row in (row for row in rows if not row.skipped):
        values = {str(name): row.values[index] for index, name in columns.positions(ColumnGroup.BASE)}
        values["pieces"] = sum(int(str(row.values[index])) for index, _ in columns.positions(ColumnGroup.NODES))
        values["stages"] = [row.values[index] for index, _ in columns.positions(ColumnGroup.STAGES)]
        found[str(values["element_type"]), str(values["name"])] = values
    return found


@pytest.mark.parametrize(
    ("file", "constants", "element_types", "pieces"),
    [
        ("assembly_list.xlsx", {"element_type": "WALL"}, 24, 107),
        ("wall_schedule.csv", {}, 18, 94),
        ("fertigteilliste.xlsx", {}, 16, 81),
        ("piece_list.csv", {}, 12, 114),
    ],
)
def test_a_sample_is_imported_with_at_most_one_choice_of_a_person(
    file: str, constants: dict[str, str], element_types: int, pieces: int
) -> None:
    content = (OTHER_OFFICES / file).read_bytes()
    profile = proposed(content, **constants)
    assert profile.missing() == {}
    found = imported(content, profile)
    assert (len(found), sum(each["pieces"] for each in found.values())) == (element_types, pieces)


# Element types and pieces, and some values of one element type.
FOUND: dict[str, tuple[int, int, tuple[str, str], dict[str, Any]]] = {
    "French": (
        3,
        15,
        ("Voile", "V02"),
        {"length": 3655, "thickness": 200, "mass": 5120, "pieces": 5, "stages": [True]},
    ),
    "Spanish": (3, 32, ("Placa alveolar", "PA-02"), {"length": 6400, "height": 200, "mass": 3070, "pieces": 18}),
    "Italian": (3, 20, ("COLUMN", "P2"), {"length": 7250, "width": 500, "height": 600, "pieces": 6}),
    "Dutch": (3, 20, ("Breedplaat", "V201"), {"length": 5400, "thickness": 60, "mass": 1944, "pieces": 12}),
    "Polish": (3, 19, ("Ściana", "S-2"), {"length": 4500, "volume": Decimal("1.823"), "mass": 4560, "pieces": 2}),
    "Finnish": (3, 22, ("Ontelolaatta", "O-201"), {"area": Decimal("8.64"), "thickness": 265, "pieces": 16}),
    "Portuguese": (3, 32, ("Laje alveolar", "L1"), {"length": 9000, "width": 1200, "height": 200, "mass": 5400}),
    "Turkish": (3, 20, ("Perde", "D1"), {"width": 200, "height": 3000, "mass": 6750, "volume": Decimal("2.7")}),
    "Hindi": (3, 10, ("Dharan", "DH-01"), {"length": 5400, "width": 300, "thickness": 600, "mass": 2430}),
    "English, feet and inches": (2, 5, ("Sandwich wall", "PC-101"), {"length": 3810, "mass": 4200, "pieces": 3}),
    "Austrian, a basement called KG": (2, 18, ("Elementdecke", "FD1"), {"length": 5400, "mass": 2030, "pieces": 10}),
    "English, stages and materials": (2, 6, ("Wall", "W1"), {"length": 4000, "stages": [True, True, False]}),
    "American, feet and two heading rows": (
        3,
        30,
        ("Double Tee", "DT-102"),
        {"length": Decimal("17830.8"), "height": Decimal("863.6"), "pieces": 14},
    ),
    "American, levels as columns": (2, 14, ("WALL PANEL", "WP-1"), {"length": 9144, "mass": Decimal("16329.32532")}),
    "British, headings on every page": (4, 5, ("Stair Flight", "ST2"), {"width": 1200, "mass": 3100, "pieces": 1}),
    "Floor only in the first row of its block": (3, 10, ("Wall", "W1"), {"length": 4000, "pieces": 4}),
    "French, one unit over three dimensions": (
        3,
        19,
        ("Voile", "V01"),
        {"height": 2800, "thickness": 200, "mass": 5880},
    ),
    "Brazilian, two towers": (2, 22, ("Pilar", "P1"), {"length": 9000, "mass": 3600, "pieces": 16}),
    "Indian, towers as columns": (3, 40, ("SLAB", "SL-01"), {"volume": Decimal("1.26"), "mass": 3150, "pieces": 20}),
    "English, two heading rows": (2, 6, ("Wall", "W2"), {"length": 3500, "mass": 3937, "pieces": 3}),
}


@pytest.mark.parametrize("name", LISTS)
def test_a_list_of_another_office_is_imported_without_a_choice(name: str) -> None:
    content = LISTS[name].content
    found = imported(content, proposed(content))
    element_types, pieces, key, values = FOUND[name]
    assert (len(found), sum(each["pieces"] for each in found.values())) == (element_types, pieces)
    assert {field: found[key][field] for field in values} == values
