"""What a review of a plan finds: missing element types and probable renames."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import pytest

from precast_app.importing import plan, row_validation
from precast_app.importing.diff import StoredElementType
from precast_app.importing.review import missing_and_renamed as review
from precast_app.importing.review.missing import ElementTypeKey, MissingElementType
from precast_app.importing.review.missing_and_renamed import MissingAndRenamed
from precast_app.importing.row_validation import Row
from precast_app.importing.schema import BASE_COLUMNS, GROUP_SPECS, Column, ColumnGroup, ColumnMap
from precast_app.spreadsheets import SheetRow, column_letter

NODES = (11, 12)
VALUES = {"height": 3000, "length": 4000, "thickness": 150, "mass": 4500, "volume": 1.8}


def column_map() -> ColumnMap:
    base = [
        Column(place, column_letter(place + 1), each.heading, ColumnGroup.BASE, each.field, each.parse)
        for place, each in enumerate(BASE_COLUMNS)
    ]
    spec = GROUP_SPECS[ColumnGroup.NODES]
    nodes = [
        Column(place, column_letter(place + 1), f"Floor {node}", ColumnGroup.NODES, node, spec.parse)
        for place, node in enumerate(NODES, len(base))
    ]
    return ColumnMap("", 2, (*base, *nodes), len(base) + len(nodes))


COLUMNS = column_map()


class StoredState:
    """Element types that a project holds, by key; their names are in capitals."""

    def __init__(self, *names: str, element_type: str = "WALL", **values: Any) -> None:
        row = checked(cells(element_type, "X", **values))[0]
        base = {column.field: row.values[index] for index, column in enumerate(BASE_COLUMNS) if index > 1}
        self.types = {
            (element_type.casefold(), name.casefold()): StoredElementType(
                number, element_type, dict(base), {group: {} for group in GROUP_SPECS}
            )
            for number, name in enumerate(names, 1)
        }

    def element_types(self, keys: Sequence[ElementTypeKey]) -> Mapping[ElementTypeKey, StoredElementType]:
        return {key: self.types[key] for key in keys if key in self.types}

    def element_types_by_id(self, ids: Sequence[int]) -> Mapping[int, StoredElementType]:
        return {each.id: each for each in self.types.values() if each.id in ids}

    def missing_element_types(
        self, types: Collection[str], keys: Collection[ElementTypeKey], node_ids: Sequence[int]
    ) -> list[MissingElementType]:
        return [
            MissingElementType(each.id, each.element_type, key[1].upper(), *key)
            for key, each in self.types.items()
            if key[0] in types and key not in keys
        ]

    def last_piece_numbers(self) -> Mapping[tuple[str, int], int]:
        return {}

    def planned_piece_counts(self, node_keys: Sequence[tuple[int, int]]) -> Mapping[tuple[int, int], int]:
        return {}


def cells(element_type: str, name: str, **values: Any) -> list[Any]:
    given = {**VALUES, **values}
    return [element_type, name, *(given.get(column.field, "") for column in BASE_COLUMNS[2:]), "", ""]


def checked(*rows: list[Any]) -> list[Row]:
    numbered = [
        SheetRow(number, [float(c) if type(c) is int else c for c in row]) for number, row in enumerate(rows, 2)
    ]
    return list(row_validation.validate_rows(lambda: numbered, COLUMNS))


def found(stored: StoredState, *rows: list[Any]) -> MissingAndRenamed:
    data = checked(*rows)
    return review.find(plan.build_plan(data, COLUMNS, stored, 30), data, stored)


def renames(stored: StoredState, *rows: list[Any]) -> list[tuple[str, str]]:
    return [(each.missing.name, str(each.update.row.values[1])) for each in found(stored, *rows).renames]


def test_an_element_type_that_no_row_names_is_missing() -> None:
    result = found(StoredState("W-1", "W-2"), cells("WALL", "W-1"))
    assert [each.full_name for each in result.missing] == ["WALL W-2"]
    assert result.issues == ()


def test_types_that_the_file_is_not_about_are_not_missing() -> None:
    assert found(StoredState("W-1"), cells("BEAM", "B-1")).missing == ()


def test_an_element_type_of_a_rejected_row_is_not_missing() -> None:
    result = found(StoredState("W-1", "W-2"), cells("WALL", "W-1"), cells("WALL", "W-2", height="tall"))
    assert (result.missing, result.issues) == ((), ())


@pytest.mark.parametrize("unreadable", [("WALL", "\x07"), ("\x07", "W-2")])
def test_nothing_is_missing_that_an_unreadable_row_may_be_about(unreadable: tuple[str, str]) -> None:
    result = found(StoredState("W-1", "W-2"), cells("WALL", "W-1"), cells(*unreadable))
    assert result.missing == ()
    (issue,) = result.issues
    assert (issue.code, "row 3 can't be read" in issue.message) == ("missing_unknown", True)


@pytest.mark.parametrize(
    ("old", "new"),
    [("W-112", "W-112A"), ("W-112", "W112"), ("W-112", "W 112 R2"), ("W-112A", "W-112"), ("W-112", "Wa-112")],
)
def test_a_similar_name_with_equal_values_is_a_probable_rename(old: str, new: str) -> None:
    result = found(StoredState(old), cells("WALL", new))
    (rename,) = result.renames
    assert (rename.missing.name, rename.update.former_name, rename.update.id) == (old.upper(), old.upper(), 1)
    assert rename.update.difference.base == {"name": (old.upper(), new)}
    assert result.not_renamed == []


@pytest.mark.parametrize(
    ("old", "new"), [("W-112", "W-113"), ("W-11", "W-112"), ("W-112", "F-112"), ("W-1", "W-2-rev-b")]
)
def test_another_number_or_word_is_no_rename(old: str, new: str) -> None:
    assert renames(StoredState(old), cells("WALL", new)) == []


def test_nearly_equal_values_are_enough_and_listed() -> None:
    result = found(StoredState("W-1"), cells("WALL", "W-1A", mass=4600))
    (rename,) = result.renames
    assert list(rename.update.difference.base) == ["name", "mass"]
    assert renames(StoredState("W-1"), cells("WALL", "W-1A", mass=4600, length=4100)) == []


def test_few_values_are_no_sign_of_a_rename() -> None:
    blank = dict.fromkeys(VALUES, "")
    assert renames(StoredState("W-1", **blank), cells("WALL", "W-1A", **blank)) == []


def test_one_that_has_become_two_is_no_rename() -> None:
    assert renames(StoredState("W-1"), cells("WALL", "W-1A"), cells("WALL", "W-1B")) == []


def test_two_that_have_become_one_are_no_rename() -> None:
    assert renames(StoredState("W-1A", "W-1B"), cells("WALL", "W-1")) == []


def test_the_better_of_two_candidates_is_the_rename() -> None:
    rows = cells("WALL", "W-1A", mass=4600), cells("WALL", "W-1B")
    assert renames(StoredState("W-1"), *rows) == [("W-1", "W-1B")]


def test_another_type_with_the_same_name_is_a_counterpart_and_no_rename() -> None:
    result = found(StoredState("S-3"), cells("COLUMN", "S-3"), cells("WALL", "W-9"))
    assert result.renames == ()
    assert (result.row_counterparts, result.type_counterparts) == ({2: "WALL S-3"}, {1: "COLUMN S-3"})


def test_thousands_of_similar_names_take_no_time() -> None:
    stored = StoredState(*(f"W-{number}" for number in range(3000)))
    rows = [cells("WALL", f"X-{number}") for number in range(3000)]
    assert len(found(stored, *rows).missing) == 3000


def test_an_accepted_rename_takes_the_place_of_the_creation() -> None:
    data, stored = checked(cells("WALL", "W-1A"), cells("WALL", "W-2")), StoredState("W-1")
    planned = plan.build_plan(data, COLUMNS, stored, 30)
    planned.rename(each.update for each in review.find(planned, data, stored).renames)
    counts = planned.counts
    assert (counts.created, counts.renamed, counts.processed) == (1, 1, 2)
    assert [operation.row.number for operation in planned.active_operations] == [2, 3]
