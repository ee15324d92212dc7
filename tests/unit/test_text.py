"""How names are compared."""

from __future__ import annotations

import pytest

from precast_app.text import clean_text, identity_key, match_key, path_key


@pytest.mark.parametrize("text", [" Wall  A ", "Wall\u00a0A", "Wall\u200b A", "\ufeffWall\tA", "Wa\u00adll A"])
def test_what_cannot_be_seen_does_not_count(text: str) -> None:
    assert clean_text(text) == "Wall A"


def test_an_element_type_is_identified_whatever_its_case_and_space() -> None:
    assert identity_key("STRASSE  1") == identity_key("straße 1")
    assert identity_key("W-101") != identity_key("W 101")


@pytest.mark.parametrize("heading", ["Tower A", "tower_a", "TOWER-A", " Tower  A_"])
def test_a_heading_is_matched_whatever_stands_between_its_words(heading: str) -> None:
    assert match_key(heading) == "tower_a"


def test_the_levels_of_a_place_stay_apart() -> None:
    assert path_key("Tower A", "Floor 1") == "tower_a.floor_1"
    assert path_key("Tower A Floor 1") != path_key("Tower A", "Floor 1")
