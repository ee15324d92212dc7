"""Lists of other offices, in eleven languages, get a proposal of what their columns mean."""

from __future__ import annotations

import io
import textwrap
from typing import Any

import openpyxl
import pytest

from precast_app.importing.profiles import column_description, guess_reasons
from precast_app.importing.profiles.profile import (
    BASE_FIELDS,
    Blank,
    ImportProfile,
    ItemTarget,
    PlaceField,
    ProfileColumn,
    Shape,
)
from precast_app.importing.profiles.proposal import Proposal, propose
from precast_app.importing.profiles.schema import dump_target
from precast_app.importing.profiles.vocabulary import kind_of_element
from precast_app.importing.reference_data import ReferenceData
from precast_app.importing.schema import ColumnGroup
from precast_app.spreadsheets import Limits, open_book
from tests.conftest import EXAMPLES
from tests.unit import more_office_lists, office_lists
from tests.unit.office_lists import OTHER_OFFICES, reference

EMPTY = ReferenceData(1)
LISTS = office_lists.LISTS | more_office_lists.LISTS


def propose_for(content: str | bytes, project: ReferenceData = EMPTY, *profiles: ImportProfile) -> Proposal:
    data = content if isinstance(content, bytes) else textwrap.dedent(content).lstrip().encode()
    return propose(open_book(io.BytesIO(data), Limits()), project, profiles)


def targets(proposal: Proposal) -> dict[str, Any]:
    """Return the target of each column that is read, with its unit if it has one."""
    found = {}
    for column in proposal.profile.columns:
        heading = " / ".join(filter(None, (column.heading, column.sub_heading)))
        if column.target is not None:
            target = dump_target(column.target)
            found[heading] = (target, column.unit) if column.unit else target
    return found


def test_every_target_that_a_heading_can_have_is_named_in_reasons() -> None:
    assert {*guess_reasons.MEANINGS} == {*BASE_FIELDS, *PlaceField, "drawing_type"}


def reasons(proposal: Proposal) -> dict[str, str]:
    return {each.column.text: each.taken.reason for each in proposal.columns if each.taken}


def test_the_assembly_list_of_a_modelling_program() -> None:
    proposal = propose_for((OTHER_OFFICES / "assembly_list.xlsx").read_bytes())
    profile = proposal.profile
    assert targets(proposal) == {
        "Mark": "name",
        "Phase / Level": "floor",
        "Qty": "count",
        "Length": ("length", "mm"),
        "Height": ("height", "mm"),
        "Thk.": ("thickness", "mm"),
        "Weight": ("mass", "kg"),
        "Conc. vol.": ("volume", "m3"),
    }
    assert (profile.sheet, profile.header_rows, profile.skip_rows) == ("Report", (4,), (1,))
    assert profile.shape is Shape.ELEMENT_TYPE_AND_PLACE
    assert (profile.constants, profile.values, profile.totals_words) == ({}, {}, ())
    # Only what all rows are is left to a person.
    assert list(profile.missing()) == ["element_type"]


def test_the_wall_schedule() -> None:
    proposal = propose_for((OTHER_OFFICES / "wall_schedule.csv").read_bytes())
    profile = proposal.profile
    assert targets(proposal) == {
        "Type Mark": "name",
        "Level": "floor",
        "Count": "count",
        "Length": ("length", "cell"),
        "Area": ("area", "cell"),
        "Volume": ("volume", "cell"),
    }
    assert (profile.header_rows, profile.skip_rows) == ((2,), ())
    assert profile.shape is Shape.ELEMENT_TYPE_AND_PLACE
    assert profile.constants == {"element_type": "WALL"}
    blanks = {column.heading: column.blank for column in profile.columns if column.blank}
    assert blanks == {"Type Mark": Blank.ABOVE}
    assert profile.missing() == {}


def test_the_german_list() -> None:
    proposal = propose_for((OTHER_OFFICES / "fertigteilliste.xlsx").read_bytes())
    profile = proposal.profile
    assert targets(proposal) == {
        "Pos.": "name",
        "Bauteil": "element_type",
        "Länge [m]": ("length", "m"),
        "Höhe [m]": ("height", "m"),
        "Dicke [cm]": ("thickness", "cm"),
        "Gewicht [t]": ("mass", "t"),
        "Beton [m³]": ("volume", "m3"),
        "EG": {"node": "EG"},
        "1. OG": {"node": "1. OG"},
        "2. OG": {"node": "2. OG"},
        "Bewehrt": {"stage": "Bewehrt"},
        "Zeichnung": {"drawing_type": "Zeichnung"},
    }
    assert (profile.name, profile.sheet) == ("Fertigteilliste BV Hafenstraße", "Stückliste")
    assert (profile.header_rows, profile.skip_rows) == ((3,), ())
    assert profile.shape is Shape.ELEMENT_TYPE
    assert profile.values == {"stage": {"ja": "yes", "nein": "no"}}
    assert (profile.constants, profile.decimal) == ({}, ",")
    assert profile.missing() == {}
    assert reasons(proposal)["Länge [m]"] == "Länge [m] means length in German. The heading says m."


def test_the_list_of_pieces() -> None:
    proposal = propose_for((OTHER_OFFICES / "piece_list.csv").read_bytes())
    assert targets(proposal) == {
        "Mark": "name",
        "Family": "element_type",
        "Tower": "tower",
        "Floor": "floor",
        "L (mm)": ("length", "mm"),
        "B (mm)": ("width", "mm"),
        "H (mm)": ("height", "mm"),
        "kg": ("mass", "kg"),
    }
    assert proposal.profile.shape is Shape.PIECE
    assert (proposal.profile.header_rows, proposal.profile.constants) == ((1,), {})
    assert proposal.profile.missing() == {}


def test_items_of_the_project_are_preferred_to_new_ones() -> None:
    project = reference(
        nodes=["Haus_1", "Haus_1.EG", "Haus_1.1._OG"], stages=["Casting", "Reinforcement"], drawings=["Assembly"]
    )
    found = targets(propose_for((OTHER_OFFICES / "fertigteilliste.xlsx").read_bytes(), project))
    assert found["EG"] == {"node": "Haus_1.EG"}
    assert found["2. OG"] == {"node": "2. OG"}
    assert found["Bewehrt"] == {"stage": "Reinforcement"}
    assert found["Zeichnung"] == {"drawing_type": "Assembly"}


def test_towers_and_floors_get_the_names_of_the_project() -> None:
    project = reference(nodes=["Tower_A", "Tower_A.Floor_1", "Tower_A.Floor_2", "Tower_B", "Tower_B.Floor_1"])
    values = propose_for((OTHER_OFFICES / "piece_list.csv").read_bytes(), project).profile.values
    assert values == {"tower": {"A": "Tower_A", "B": "Tower_B"}, "floor": {"1": "Floor_1", "2": "Floor_2"}}


@pytest.mark.parametrize("name", LISTS)
def test_a_list_of_another_office(name: str) -> None:
    expected = LISTS[name]
    proposal = propose_for(expected.content)
    profile = proposal.profile
    assert targets(proposal) == expected.targets
    assert profile.shape is expected.shape
    assert (profile.header_rows, profile.skip_rows) == (expected.header_rows, expected.skip_rows)
    assert (profile.totals_words, profile.values) == (expected.totals_words, expected.values)
    assert profile.constants == expected.constants
    assert proposal.is_element_types


@pytest.mark.parametrize(
    "text",
    [
        """
        Article no,Description,Unit,Qty,Unit price,Supplier
        1001,Reinforcing steel B500,kg,2500,0.92,Steel Ltd
        1002,Concrete C30/37,m3,120,118.00,Mix Ltd
        """,
        """
        Name,Department,Floor,Phone,E-mail
        Anna Berg,Design,2,555-101,anna@example.com
        Joe Miller,Sales,1,555-102,joe@example.com
        """,
        """
        Pos.;Vorname;Nachname;Abteilung;Gebäude;Etage
        1;Eva;Kern;Statik;A;2
        """,
        """
        Piece,Status,Date,Note
        WALL/T1_F2/0001,dispatched,2026-10-11,
        WALL/T1_F2/0002,produced,2026-10-14,
        """,
    ],
    ids=["prices", "staff", "German staff", "statuses of pieces"],
)
def test_a_list_of_another_kind_is_left_open(text: str) -> None:
    proposal = propose_for(text)
    assert not proposal.is_element_types
    assert targets(proposal) == {}
    assert proposal.profile.constants == {}


@pytest.mark.parametrize("file", ["bom_products.csv", "hierarchy.csv", "stages.csv", "drawing_types.csv"])
def test_reference_data_is_no_list_of_element_types(file: str) -> None:
    assert not propose_for((EXAMPLES / file).read_bytes()).is_element_types


def test_kinds_of_elements_in_a_column_called_name_are_element_types() -> None:
    text = "Assembly Pos,Qty,Name,Profile,Length,Weight each,Weight total\nW-1,4,WALL,2950*180,4250,5640,22560\n"
    text += "W-2,2,WALL,2950*180,3650,4840,9680\nC-1,6,COLUMN,400*400,3300,1320,7920\n"
    proposal = propose_for(text)
    assert targets(proposal) == {
        "Assembly Pos": "name",
        "Qty": "count",
        "Name": "element_type",
        "Length": "length",
        "Weight each": "mass",
    }
    # Counts need a place.
    assert list(proposal.profile.missing()) == ["place"]


def test_a_column_that_means_the_same_as_another_one_is_mentioned() -> None:
    notes = propose_for("Mark,Type,Level,Qty,Level,Qty,Length\nW1,Wall,L1,2,L2,3,4000\n").notes
    assert notes == (
        "Level (column E) seems to mean the same as column C, which is read. Check which of them is meant.",
        "Qty (column F) seems to mean the same as column D, which is read. Check which of them is meant.",
    )
    (note,) = propose_for("Pos.;Bauteil;Länge;Stück;EG;1. OG\n1;Wand;4250;3;2;1\n").notes
    assert note == "Stück (column D) is not read, because the floors have columns with counts of their own."


def test_units_are_guessed_from_sizes_where_nothing_states_them() -> None:
    proposal = propose_for("Mark,Type,Length,Thickness,Weight,Floor\nW1,Wall,4.25,0.18,5.3,1\nW2,Wall,3.6,0.2,4.5,2\n")
    found = targets(proposal)
    assert (found["Length"], found["Thickness"], found["Weight"]) == (
        ("length", "m"),
        ("thickness", "m"),
        ("mass", "t"),
    )
    assert "4.25" in reasons(proposal)["Length"]


def test_misspelled_headings_are_found() -> None:
    found = targets(propose_for("Mark,Elment type,Lenght (mm),Thicknes (mm)\nW1,Wall,4250,180\n"))
    assert found["Elment type"] == "element_type"
    assert found["Lenght (mm)"] == ("length", "mm")
    assert found["Thicknes (mm)"] == ("thickness", "mm")


def test_headings_that_say_nothing_are_read_by_their_cells() -> None:
    text = "Mark,A1,A2,A3,A4,Length\nW1,Wall,EG,W1.dwg,VR-2,4250\nW2,Column,1. OG,W2.dwg,VR-2,3000\n"
    found = targets(propose_for(text))
    assert found["A1"] == "element_type"
    assert found["A2"] == "floor"
    assert found["A3"] == {"drawing_type": "A3"}


def test_other_profiles_say_what_a_heading_means() -> None:
    profile = ImportProfile(
        name="Hafenstraße",
        columns=(ProfileColumn(heading="XQ", target=ItemTarget(ColumnGroup.BOM, "Rebar_8MM")),),
        values={"element_type": {"Wand": "WALL"}},
    )
    proposal = propose_for("Pos.;Bauteil;Länge;XQ\n1;Wand;4250;12\n2;Wand;3000;8\n", EMPTY, profile)
    assert targets(proposal)["XQ"] == {"product": "Rebar_8MM"}
    assert reasons(proposal)["XQ"] == "The import profile Hafenstraße reads this heading so."
    assert proposal.profile.values == {"element_type": {"Wand": "WALL"}}


@pytest.mark.parametrize(
    ("title", "kind"),
    [
        ("Precast Wall Schedule", "WALL"),
        ("Stützenliste Halle 3", "COLUMN"),
        ("Listado de vigas", "BEAM"),
        ("Dalles alvéolées", "HOLLOW CORE SLAB"),
        ("Walls and columns", None),
        ("ASSEMBLY LIST – Riverside Block C", None),
    ],
)
def test_a_title_names_the_element_type(title: str, kind: str | None) -> None:
    assert kind_of_element(title) == kind


def test_the_sheet_and_the_row_with_the_headings_are_found() -> None:
    book = openpyxl.Workbook()
    book.active.title = "Cover"
    book.active.append(["Project", "Hafenstraße"])
    sheet = book.create_sheet("List")
    for row in (["Contractor", "Beton AG"], [], ["Pos.", "Bauteil", "Länge [m]", "EG"], ["001", "Wand", 2.45, 3]):
        sheet.append(row)
    file = io.BytesIO()
    book.save(file)
    profile = propose_for(file.getvalue()).profile
    assert (profile.sheet, profile.header_rows) == ("List", (3,))


def test_numbers_below_a_heading_that_means_floors_are_floors() -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(["Mark", "Type", "Length", "Floor", None, None])
    sheet.append([None, None, None, 1, 2, 3])
    sheet.append(["W1", "Wall", 4000, 2, 1, None])
    sheet.merge_cells("D1:F1")
    file = io.BytesIO()
    book.save(file)
    found = targets(propose_for(file.getvalue()))
    assert [found[f"Floor / {number}"] for number in (1, 2, 3)] == [{"node": f"Floor {number}"} for number in (1, 2, 3)]


def test_a_tower_over_its_floors_is_part_of_the_node() -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(["Pos.", "Bauteil", "Länge [m]", "Haus 1", None, "Haus 2", None])
    sheet.append([None, None, None, "EG", "1. OG", "EG", "1. OG"])
    sheet.append(["001", "Wand", 2.45, 3, 1, 2, None])
    sheet.merge_cells("D1:E1")
    sheet.merge_cells("F1:G1")
    file = io.BytesIO()
    book.save(file)
    proposal = propose_for(file.getvalue())
    assert proposal.profile.header_rows == (1, 2)
    assert targets(proposal)["Haus 2 / 1. OG"] == {"node": "Haus 2.1. OG"}
    described = column_description.describe(open_book(io.BytesIO(file.getvalue()), Limits()), EMPTY)
    assert described["element_type_count"] == 1
