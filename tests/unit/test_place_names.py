"""How nodes are called: in headings, and where people read them."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from precast_app.importing import create_missing, hierarchy
from precast_app.importing.find_missing import node_entries
from precast_app.importing.reference_data import ReferenceData
from precast_app.importing.schema import ColumnGroup
from precast_app.text import path_key


@dataclass(frozen=True)
class Place:
    """A node of a hierarchy."""

    id: int
    parent_id: int | None
    name: str
    path: str


NODES = (
    Place(1, None, "Block C", "Block_C"),
    Place(2, 1, "1. OG", "Block_C.1._OG"),
    Place(3, 2, "Nord", "Block_C.1._OG.Nord"),
    Place(4, None, "1. OG", "1._OG"),
    Place(5, None, "2.OG", "2.OG"),
    Place(6, None, "Floor 3", "Tower_A.Floor_3"),
    Place(7, 1, "4. OG", "BC.F4"),
    Place(8, 1, "-1", "Block_C.-1"),
)


@pytest.mark.parametrize(
    ("id_", "place", "path"),
    [
        (1, "Block C", "Block_C"),
        (2, "Block C / 1. OG", "Block_C.1. OG"),
        (3, "Block C / 1. OG / Nord", "Block_C.1. OG.Nord"),
        (4, "1. OG", "1. OG"),
        (5, "2.OG", "2.OG"),
        (6, "Tower_A / Floor 3", "Tower_A.Floor_3"),
        (7, "Block C / 4. OG", "BC.F4"),
        (8, "Block C / -1", "Block_C.-1"),
    ],
)
def test_a_place_is_called_by_its_names(id_: int, place: str, path: str) -> None:
    assert hierarchy.place_names(NODES)[id_] == place
    assert hierarchy.heading_paths(NODES)[id_] == path
    assert path_key(path) == path_key(NODES[id_ - 1].path)


def test_a_cycle_of_parents_ends() -> None:
    assert "A" in hierarchy.place_names([Place(1, 2, "A", "A"), Place(2, 1, "B", "B")])[1]


def test_a_node_that_would_be_created_is_called_as_it_will_be() -> None:
    entries = {ColumnGroup.NODES: node_entries([("Block C", "1. OG", "Nord")], ReferenceData(1), ColumnGroup.NODES)}
    previewed = create_missing.preview(ReferenceData(1), entries).of(ColumnGroup.NODES)
    assert [item.name for item in previewed] == ["Block_C", "Block_C.1. OG", "Block_C.1. OG.Nord"]
    below = node_entries(
        [("Block C", "1. OG", "Nord", "2.5")], create_missing.preview(ReferenceData(1), entries), ColumnGroup.NODES
    )
    assert [entry.values["path"] for entry in below] == ["Block_C.1._OG.Nord.2.5"]
