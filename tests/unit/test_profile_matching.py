"""The profile that was made for a list is found for newer versions of the list."""

from __future__ import annotations

import io

from precast_app.importing.profiles.matching import find_layout, find_profile, match_columns
from precast_app.importing.profiles.profile import BaseTarget, ImportProfile, ProfileColumn
from precast_app.importing.profiles.proposal import propose
from precast_app.importing.profiles.schema import dump_target
from precast_app.importing.reference_data import ReferenceData
from precast_app.spreadsheets import Book, Limits, open_book
from tests.unit.office_lists import OTHER_OFFICES, newer_german_list


def opened(content: bytes) -> Book:
    return open_book(io.BytesIO(content), Limits())


def profile_of(name: str) -> ImportProfile:
    return propose(opened((OTHER_OFFICES / name).read_bytes()), ReferenceData(1)).profile


def test_a_newer_version_of_the_german_list_has_the_same_profile() -> None:
    profiles = [(3, profile_of("assembly_list.xlsx")), (7, profile_of("fertigteilliste.xlsx"))]
    book = opened(newer_german_list())
    assert find_profile(book, profiles) == 7
    layout = find_layout(book, profiles[1][1])
    assert layout is not None
    assert (layout.sheet, layout.header_rows) == ("Stückliste Rev. B", (4,))
    columns = match_columns(layout.headings, profiles[1][1])
    assert {heading.top: dump_target(columns[heading.index].target) for heading in layout.headings[:4]} == {
        "Zeichnung": {"drawing_type": "Zeichnung"},
        "Bewehrt": {"stage": "Bewehrt"},
        "2. OG": {"node": "2. OG"},
        "1. OG": {"node": "1. OG"},
    }
    # A heading that the profile doesn't know has no column in it.
    assert 4 not in columns


def test_each_list_has_its_own_profile() -> None:
    names = ["assembly_list.xlsx", "wall_schedule.csv", "fertigteilliste.xlsx", "piece_list.csv"]
    profiles = [(number, profile_of(name)) for number, name in enumerate(names)]
    found = [find_profile(opened((OTHER_OFFICES / name).read_bytes()), profiles) for name in names]
    assert found == [0, 1, 2, 3]


def test_a_profile_is_not_found_for_a_file_that_lacks_one_of_its_headings() -> None:
    profile = profile_of("wall_schedule.csv")
    content = (OTHER_OFFICES / "wall_schedule.csv").read_bytes().replace(b"Volume", b"Vol.")
    assert find_profile(opened(content), [(1, profile)]) is None


def test_headings_that_a_profile_ignores_may_be_missing() -> None:
    columns = (
        ProfileColumn(heading="Mark", target=BaseTarget("name")),
        ProfileColumn(heading="Kind", target=BaseTarget("element_type")),
        ProfileColumn(heading="Remarks"),
    )
    assert find_profile(opened(b"Kind,Mark\nWall,W1\n"), [(1, ImportProfile(name="A", columns=columns))]) == 1


def test_the_profile_that_knows_most_headings_is_preferred_then_the_first() -> None:
    short = (ProfileColumn(heading="Mark", target=BaseTarget("name")),)
    long = (*short, ProfileColumn(heading="Kind", target=BaseTarget("element_type")))
    book = opened(b"Kind,Mark\nWall,W1\n")
    profiles = [
        (1, ImportProfile(name="A", columns=short)),
        (2, ImportProfile(name="B", columns=long)),
        (3, ImportProfile(name="C", columns=long)),
    ]
    assert find_profile(book, profiles) == 2
    assert find_profile(book, profiles[:1]) == 1


def test_repeated_headings_are_matched_in_their_order() -> None:
    columns = (
        ProfileColumn(heading="Mark", target=BaseTarget("name")),
        ProfileColumn(heading="Size", target=BaseTarget("length")),
        ProfileColumn(heading="Size", target=BaseTarget("height")),
    )
    profile = ImportProfile(name="A", columns=columns)
    book = opened(b"Size,Mark,Size\n4000,W1,3000\n")
    layout = find_layout(book, profile)
    assert layout is not None
    found = match_columns(layout.headings, profile)
    assert {index: dump_target(column.target) for index, column in found.items()} == {
        0: "length",
        1: "name",
        2: "height",
    }
    assert find_profile(opened(b"Mark,Size\nW1,4000\n"), [(1, profile)]) is None
