"""What a person is shown of a list to say what its columns mean."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from typing import Any

import pytest

from precast_app.importing.profiles import schema
from precast_app.importing.profiles.column_description import describe
from precast_app.importing.profiles.profile import (
    BaseTarget,
    ImportProfile,
    PlaceField,
    PlaceTarget,
    ProfileColumn,
    Shape,
)
from precast_app.importing.profiles.proposal import propose
from precast_app.importing.reference_data import ReferenceData
from precast_app.spreadsheets import Book, Limits, open_book
from tests.conftest import EXAMPLES
from tests.unit.office_lists import OTHER_OFFICES, newer_german_list, reference

EMPTY = ReferenceData(1)


def opened(source: str | bytes) -> Book:
    content = source if isinstance(source, bytes) else (OTHER_OFFICES / source).read_bytes()
    return open_book(io.BytesIO(content), Limits())


def column(described: dict[str, Any], heading: str) -> dict[str, Any]:
    (found,) = (each for each in described["columns"] if each["heading"] == heading)
    return found  # type: ignore[no-any-return]


def test_the_german_list() -> None:
    described = describe(opened("fertigteilliste.xlsx"), EMPTY)
    assert json.loads(json.dumps(described)) == described
    assert schema.dump_profile(schema.load_profile(described["profile"])) == described["profile"]
    (sheet,) = described["sheets"]
    assert (sheet["name"], sheet["hidden"], len(sheet["rows"])) == ("Stückliste", False, 18)
    assert sheet["rows"][0] == {"number": 1, "cells": ["Fertigteilliste BV Hafenstraße"]}
    length = column(described, "Länge [m]")
    assert (length["index"], length["letter"], length["target"], length["unit"]) == (2, "C", "length", "m")
    # In the unit of the base column.
    assert (length["samples"], length["read_as"]) == (["2,45", "3,40", "4,45"], ["2450", "3400", "4450"])
    assert length["problem"] is None
    assert length["proposals"][0] == {
        "target": "length",
        "unit": "m",
        "confidence": 0.95,
        "reason": "Länge [m] means length in German. The heading says m.",
    }
    assert column(described, "Gewicht [t]")["read_as"] == ["3614", "5015", "6564"]
    assert column(described, "Bewehrt")["read_as"] == ["yes", "no"]
    assert (described["missing"], described["messages"], described["matched_profile"]) == ([], [], None)
    assert (described["row_count"], described["element_type_count"]) == (16, 16)
    assert [(each["kind"], each["name"], each["where"], each["parts"]) for each in described["new_items"]] == [
        ("node", "EG", "column H", None),
        ("node", "1. OG", "column I", None),
        ("node", "2. OG", "column J", None),
        ("stage", "Bewehrt", "column K", None),
        ("drawing_type", "Zeichnung", "column L", None),
    ]


def test_units_in_cells_are_converted() -> None:
    described = describe(opened("wall_schedule.csv"), EMPTY)
    assert column(described, "Length")["read_as"] == ["1530", "5310", "5420"]
    assert column(described, "Area")["read_as"] == ["4.59", "15.93", "16.26"]
    assert (described["row_count"], described["element_type_count"]) == (38, 18)
    assert described["messages"] == ["All rows are taken for WALL, because the title is Precast Wall Schedule."]


def test_feet_and_inches_in_cells_are_converted() -> None:
    text = "Mark,Type,Length,Weight,Level,Qty\nW1,Wall,12' 6\",4.2 t,L1,2\nW2,Wall,10',9000 lb,L2,1\n"
    described = describe(opened(text.encode()), EMPTY)
    assert column(described, "Length")["read_as"] == ["3810", "3048"]
    assert column(described, "Weight")["read_as"] == ["4200", "4082.33133"]


def test_new_places_are_named_with_the_cells_that_they_consist_of() -> None:
    project = reference(nodes=["Tower_A", "Tower_A.Floor_1", "Tower_A.Floor_2"])
    described = describe(opened("piece_list.csv"), project)
    assert described["profile"]["values"] == {"tower": {"A": "Tower_A"}, "floor": {"1": "Floor_1", "2": "Floor_2"}}
    found = {each["name"]: (each["where"], each["parts"]) for each in described["new_items"]}
    assert found["Tower_A.3"] == ("column E, 15 rows", {"tower": "A", "floor": "3"})
    assert "Tower_A.Floor_1" not in found
    assert set(found) == {"Tower_A.3", "B.Floor_1", "B.Floor_2", "B.3"}


def test_new_items_that_a_profile_leaves_out_stay_in_the_list() -> None:
    profile = propose(opened("fertigteilliste.xlsx"), EMPTY).profile
    columns = tuple(
        replace(each, target=None) if each.heading in ("EG", "Bewehrt") else each for each in profile.columns
    )
    described = describe(opened("fertigteilliste.xlsx"), EMPTY, [], replace(profile, columns=columns))
    assert [(each["kind"], each["name"], each["left_out"]) for each in described["new_items"]] == [
        ("node", "EG", True),
        ("node", "1. OG", False),
        ("node", "2. OG", False),
        ("stage", "Bewehrt", True),
        ("drawing_type", "Zeichnung", False),
    ]
    places = propose(opened("piece_list.csv"), EMPTY).profile
    without_b = replace(places, values={**places.values, "tower": {"B": ""}})
    found = describe(opened("piece_list.csv"), EMPTY, [], without_b)["new_items"]
    assert {each["name"]: each["left_out"] for each in found} == {
        **{f"A.{floor}": False for floor in (1, 2, 3)},
        **{f"B.{floor}": True for floor in (1, 2, 3)},
    }


def test_a_missing_element_type_is_asked_for() -> None:
    described = describe(opened("assembly_list.xlsx"), EMPTY)
    assert described["missing"] == ["element_type"]
    assert described["messages"] == ["Nothing says the element type: choose a column or type one for all rows."]
    # The row of units and the total are no data.
    assert (described["row_count"], described["element_type_count"]) == (54, 24)


def test_the_matched_profile_is_used_with_the_rows_of_this_file() -> None:
    profile = propose(opened("fertigteilliste.xlsx"), EMPTY).profile
    profile = replace(profile, name="Hafenstraße", first_data_row=4)
    described = describe(opened(newer_german_list()), EMPTY, [(7, profile)])
    assert described["matched_profile"] == {"id": 7, "name": "Hafenstraße"}
    assert described["profile"]["name"] == "Hafenstraße"
    assert (described["profile"]["header_rows"], described["profile"]["first_data_row"]) == ([4], 5)
    assert described["profile"]["sheet"] == "Stückliste Rev. B"
    new = column(described, "3. OG")
    # The profile doesn't know it, so it is ignored until a person says otherwise.
    assert (new["target"], new["proposals"][0]["target"]) == (None, {"node": "3. OG"})


def test_a_draft_is_described_as_it_reads_the_file() -> None:
    profile = propose(opened("fertigteilliste.xlsx"), EMPTY).profile
    columns = tuple(
        replace(each, target=BaseTarget("width"), unit="cm") if each.heading == "Dicke [cm]" else each
        for each in profile.columns
        if each.heading != "Pos."
    )
    draft = replace(profile, columns=columns, skip_rows=(1,))
    described = describe(opened("fertigteilliste.xlsx"), EMPTY, [], draft)
    assert column(described, "Dicke [cm]")["target"] == "width"
    assert column(described, "Dicke [cm]")["read_as"] == ["200", "180", "150"]
    assert (column(described, "Pos.")["target"], described["missing"]) == (None, ["name"])
    assert (described["row_count"], described["element_type_count"]) == (15, None)
    assert column(described, "Pos.")["samples"] == ["002", "003", "004"]


def test_a_draft_without_headings_gets_a_proposal_for_its_row() -> None:
    draft = ImportProfile(name="x", sheet="Stückliste", header_rows=(1,), columns=(ProfileColumn(heading=""),))
    described = describe(opened("fertigteilliste.xlsx"), EMPTY, [], draft)
    assert described["profile"]["header_rows"] == [1]
    assert described["columns"][0]["heading"] == "Fertigteilliste BV Hafenstraße"
    again = describe(opened("fertigteilliste.xlsx"), EMPTY, [], replace(draft, header_rows=(3,)))
    assert column(again, "Länge [m]")["target"] == "length"


def test_a_sample_that_cannot_be_read_is_explained() -> None:
    draft = ImportProfile(
        name="x",
        header_rows=(1,),
        shape=Shape.ELEMENT_TYPE_AND_PLACE,
        columns=(
            ProfileColumn(heading="Mark", target=BaseTarget("name")),
            ProfileColumn(heading="Size", target=BaseTarget("length")),
            ProfileColumn(heading="Qty", target=PlaceTarget(PlaceField.COUNT)),
        ),
    )
    described = describe(opened(b"Mark,Size,Qty\nW1,long,2\nW2,4000,two\n"), EMPTY, [], draft)
    size = column(described, "Size")
    assert (size["samples"], size["read_as"]) == (["long", "4000"], [None, "4000"])
    assert size["problem"].startswith("long: Enter a number")
    assert column(described, "Qty")["problem"].startswith("two: ")


def test_the_targets_of_a_column_are_listed() -> None:
    project = reference(nodes=["Tower_A.EG"], stages=["Casting"], bom=["Steel_8MM"])
    targets = describe(opened("fertigteilliste.xlsx"), project)["targets"]
    by_label = {each["label"]: each for each in targets}
    assert by_label["Element Type Name"] == {
        "target": "name", "label": "Element Type Name", "kind": "base", "units": []
    }  # fmt: skip
    assert by_label["Length"]["units"][-1] == "cell"
    assert {"mm", "cm", "m", "in", "ft"} <= set(by_label["Length"]["units"])
    assert by_label["Steel_8MM"]["target"] == {"product": "Steel_8MM"}
    assert (by_label["Casting"]["kind"], by_label["Floor"]["kind"]) == ("stage", "place")
    # An item that the project lacks can be chosen because it is proposed.
    assert by_label["1. OG"]["target"] == {"node": "1. OG"}


def test_another_kind_of_list_is_said_to_be_one() -> None:
    described = describe(opened(b"Name,Department,Floor,Phone\nAnna,Design,2,555\n"), EMPTY)
    assert described["messages"][0].startswith("The headings are not those of a list of element types.")
    assert described["missing"] == ["name", "element_type"]
    assert all(each["target"] is None for each in described["columns"])


@pytest.mark.parametrize("file", ["element_types.xlsx", "element_types.csv"])
def test_a_file_of_this_system_is_described(file: str) -> None:
    described = describe(opened((EXAMPLES / file).read_bytes()), EMPTY)
    assert column(described, "Element Type Name")["target"] == "name"
    assert column(described, "Mass")["target"] == "mass"


@pytest.mark.parametrize("content", [b"x\n", b"1,2,3\n4,5,6\n", b"a\n\n\n", b"Mark\n"])
def test_a_file_without_headings_is_described(content: bytes) -> None:
    described = describe(opened(content), EMPTY)
    assert described["missing"] == ["name", "element_type"]


@pytest.mark.parametrize(
    "content", [b"Mark,Type,Length," + b"x" * 3_000 + b"\nW1,Wall,4000,1\n", b"Mark,Typ,L (mm)\n" + b"y" * 300]
)
def test_a_proposal_for_an_odd_file_is_a_valid_profile(content: bytes) -> None:
    described = describe(opened(content), EMPTY)
    profile = schema.load_profile(described["profile"], complete=False)
    assert describe(opened(content), EMPTY, [], profile)["profile"] == described["profile"]


def test_element_types_and_places_beyond_the_first_rows_are_counted() -> None:
    rows = [f"W{number % 250},Wall,Level {number // 250 + 1},1,4000" for number in range(500)]
    content = "\n".join(["Mark,Type,Level,Qty,Length (mm)", *rows, "Total,,,500,"])
    described = describe(opened(content.encode()), EMPTY)
    assert (described["row_count"], described["element_type_count"]) == (501, 250)
    assert [(item["name"], item["rows"]) for item in described["new_items"]] == [("Level 1", 250), ("Level 2", 250)]
