"""Import profiles as JSON."""

from __future__ import annotations

from typing import Any

import pytest

from precast_app.errors import RequestError
from precast_app.importing.decimal_signs import DecimalSign
from precast_app.importing.profiles.profile import (
    BaseTarget,
    Blank,
    ItemTarget,
    PlaceField,
    PlaceTarget,
    Shape,
    possible_units,
)
from precast_app.importing.profiles.schema import dump_profile, load_profile
from precast_app.importing.schema import ColumnGroup

# The example of the API's page.
HAFENSTRASSE: dict[str, Any] = {
    "name": "Hafenstraße", "sheet": "Stückliste", "header_rows": [3], "first_data_row": 4, "skip_rows": [],
    "shape": "element_type",
    "columns": [
        {"heading": "Pos.", "target": "name"}, {"heading": "Bauteil", "target": "element_type"},
        {"heading": "Länge [m]", "target": "length", "unit": "m"}, {"heading": "EG", "target": {"node": "EG"}},
        {"heading": "Bewehrt", "target": {"stage": "Reinforcement"}},
        {"heading": "Zeichnung", "target": {"drawing_type": "Assembly"}},
        {"heading": "Stahl", "target": {"product": "Rebar_8MM"}}, {"heading": "Bemerkung", "target": None},
    ],
    "constants": {"version": "VR-1"},
    "values": {"element_type": {"Wand": "WALL"}, "stage": {"ja": "yes", "nein": "no"}},
    "blank": "clear", "encoding": None, "delimiter": None, "decimal": ",",
}  # fmt: skip


def changed(**fields: Any) -> dict[str, Any]:
    """Return a small valid profile with other values of some fields."""
    columns = [{"heading": "Mark", "target": "name"}, {"heading": "Kind", "target": "element_type"}]
    return {"name": "Office", "columns": columns, **fields}


def test_a_profile_says_what_each_column_means() -> None:
    profile = load_profile(HAFENSTRASSE)
    assert [column.target for column in profile.columns] == [
        BaseTarget("name"),
        BaseTarget("element_type"),
        BaseTarget("length"),
        ItemTarget(ColumnGroup.NODES, "EG"),
        ItemTarget(ColumnGroup.STAGES, "Reinforcement"),
        ItemTarget(ColumnGroup.DRAWINGS, "Assembly"),
        ItemTarget(ColumnGroup.BOM, "Rebar_8MM"),
        None,
    ]
    assert (profile.decimal, profile.blank, profile.shape) == (DecimalSign.COMMA, Blank.CLEAR, Shape.ELEMENT_TYPE)
    assert [column.heading for column in profile.used_columns][-1] == "Stahl"


def test_a_profile_is_the_same_after_it_was_written_and_read_again() -> None:
    profile = load_profile(HAFENSTRASSE)
    written = dump_profile(profile)
    assert load_profile(written) == profile
    assert {name: written[name] for name in HAFENSTRASSE if name != "columns"} == {
        name: value for name, value in HAFENSTRASSE.items() if name != "columns"
    }
    assert [{name: column[name] for name in ("heading", "target")} for column in written["columns"]] == [
        {name: column[name] for name in ("heading", "target")} for column in HAFENSTRASSE["columns"]
    ]


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"nmae": "x"}, "nmae"),
        ({"name": ""}, "name"),
        ({"columns": []}, "columns"),
        ({"shape": "room"}, "shape"),
        ({"header_rows": [4, 3]}, "header_rows"),
        ({"header_rows": [3], "first_data_row": 3}, "first_data_row"),
        ({"header_rows": [1, 2, 3]}, "header_rows"),
        ({"encoding": "rot13"}, "encoding"),
        ({"delimiter": "x"}, "delimiter"),
        ({"decimal": "'"}, "decimal"),
        ({"values": {"colour": {"a": "b"}}}, "values"),
        ({"constants": {"colour": "red"}}, "constants"),
        ({"columns": [{"heading": "Mark", "target": "colour"}]}, "columns"),
        ({"columns": [{"heading": "Mark", "target": {"node": "-"}}]}, "columns"),
        ({"columns": [{"heading": "Mark", "target": {"node": "EG", "stage": "Casting"}}]}, "columns"),
        ({"columns": [{"heading": "Mark", "target": "length", "unit": "kg"}]}, "columns"),
        ({"columns": [{"heading": "Mark", "target": "name", "unit": "mm"}]}, "columns"),
        ({"columns": [{"heading": "", "target": "name"}]}, "columns"),
        ({"columns": [{"heading": "A", "target": "name"}, {"heading": "B", "target": "name"}]}, "columns"),
        ({"columns": [{"heading": "EG", "target": {"node": n}} for n in ("Block A.EG", "block_a.eg")]}, "columns"),
        ({"columns": [{"heading": "Mark", "target": "name"}]}, "columns"),
        ({"shape": "piece"}, "columns"),
    ],
)
def test_an_invalid_profile_is_refused_with_the_name_of_the_field(fields: dict[str, Any], name: str) -> None:
    with pytest.raises(RequestError) as refused:
        load_profile(changed(**fields))
    assert list(refused.value.errors) == [name]


@pytest.mark.parametrize("body", [None, [], "profile", 3, {"name": 3, "columns": {}}])
def test_what_is_no_profile_at_all_is_refused(body: object) -> None:
    with pytest.raises(RequestError):
        load_profile(body)


def test_a_draft_says_what_is_missing() -> None:
    draft = load_profile(
        {"name": "Office", "shape": "element_type_and_node", "columns": [{"heading": "A"}]}, complete=False
    )
    assert list(draft.missing()) == ["name", "element_type", "place", "count"]
    constants = load_profile(
        changed(columns=[{"heading": "Mark", "target": "name"}], constants={"element_type": "WALL"})
    )
    assert constants.missing() == {}


def test_a_unit_may_be_written_in_another_way() -> None:
    columns = [*changed()["columns"], {"heading": "V", "target": "volume", "unit": "m³"}]
    assert dump_profile(load_profile(changed(columns=columns)))["columns"][2]["unit"] == "m3"


def test_units_belong_to_measures() -> None:
    assert possible_units(BaseTarget("length")) == ("mm", "cm", "dm", "m", "km", "in", "ft", "yd", "cell")
    assert possible_units(BaseTarget("name")) == possible_units(PlaceTarget(PlaceField.COUNT)) == ()
