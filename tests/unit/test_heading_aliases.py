"""The data file with the words of eleven languages is complete and means what it says."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any

import pytest

from precast_app.importing.profiles import levels, vocabulary
from precast_app.importing.profiles.profile import BASE_FIELDS, PlaceField

DATA: dict[str, Any] = json.loads(
    resources.files("precast_app.importing.profiles").joinpath("heading_aliases.json").read_text(encoding="utf-8")
)
OTHERS = {"drawing_type", "serial", "ignored", "other_list", "piece_status"}


def test_every_field_has_words_in_every_language() -> None:
    assert set(DATA["headings"]) == {*BASE_FIELDS, *PlaceField, *OTHERS}
    for name, lists in {**DATA["headings"], **DATA["words"]}.items():
        assert set(lists) == set(vocabulary.LANGUAGES), name
        for aliases in lists.values():
            assert all(map(vocabulary.squash, aliases)), name
            assert len({*map(vocabulary.squash, aliases)}) == len(aliases), (name, aliases)


def test_the_sources_are_named() -> None:
    assert all(source["title"] and source["gives"] for source in DATA["sources"])
    assert any(source["url"] for source in DATA["sources"])


def test_each_kind_of_element_has_words_of_its_own() -> None:
    words = [vocabulary.squash(word) for lists in DATA["element_types"].values() for word in lists]
    assert len(words) == len(set(words))


@pytest.mark.parametrize(
    ("heading", "kind"),
    [
        ("LÄNGE", "length"),
        ("Laenge (mm)", "length"),
        ("Élément n°", "name"),
        ("Wandlänge [cm]", "length"),
        ("Gewicht je Stück", "mass"),
        ("Panel weight kg", "mass"),
        ("Lenght", "length"),
        ("Kalınlık", "thickness"),
        ("KALINLIK", "thickness"),
        ("Objętość betonu", "volume"),
        ("Gesamtgewicht [t]", "ignored"),
    ],
)
def test_a_heading_means(heading: str, kind: str) -> None:
    assert vocabulary.meanings(heading)[0].kind == kind


@pytest.mark.parametrize("heading", ["", "Xyz", "Colour", "123", "x" * 300])
def test_other_headings_mean_nothing(heading: str) -> None:
    assert vocabulary.meanings(heading) == []


LEVELS = (
    "EG", "1. OG", "2.OG", "1. UG", "Level 2", "L02", "F1", "R+1", "RdC", "2nd floor", "Ground floor", "Planta baja",
    "Piano terra", "1e verdieping", "Parter", "Piętro 1", "2. krs", "Térreo", "3º Pavimento", "Zemin Kat", "2. Kat",
    "Manzil 1", "B1", "Roof",
)  # fmt: skip


@pytest.mark.parametrize("text", LEVELS)
def test_names_of_floors(text: str) -> None:
    assert levels.is_level(text)


@pytest.mark.parametrize(
    "text", ["", "Level", "Geschoss", "W-101", "Wand", "2", "kg", "L (mm)", "PW-01", "Floor slab 2 of 3"]
)
def test_other_texts_are_no_names_of_floors(text: str) -> None:
    assert not levels.is_level(text)
