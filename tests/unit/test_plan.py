"""What an import decides to do, from rows and what is stored."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from precast_app.importing import plan, row_validation
from precast_app.importing.diff import RowComparison, StoredElementType, restore_before, to_json
from precast_app.importing.group_formats import COUNT, DECIMAL, FLAG, TEXT, ValueType
from precast_app.importing.plan import Create, PieceRange, Plan, Update
from precast_app.importing.row_validation import Row
from precast_app.importing.schema import BASE_COLUMNS, GROUP_SPECS, Column, ColumnGroup, ColumnMap
from precast_app.spreadsheets import MergedRange, SheetRow, column_letter

PODIUM, FLOOR = 11, 12


def column_map(*groups: tuple[ColumnGroup, int]) -> ColumnMap:
    base = [
        Column(place, column_letter(place + 1), each.heading, ColumnGroup.BASE, each.field, each.parse)
        for place, each in enumerate(BASE_COLUMNS)
    ]
    others = [
        Column(place, column_letter(place + 1), f"{group}_{target}", group, target, GROUP_SPECS[group].parse)
        for place, (group, target) in enumerate(groups, len(BASE_COLUMNS))
    ]
    return ColumnMap("", 2, (*base, *others), len(base) + len(others))


NODES = column_map((ColumnGroup.NODES, PODIUM), (ColumnGroup.NODES, FLOOR))


class StoredState:
    """What a project holds, as the plan asks for it."""

    def __init__(
        self, types: Iterable[StoredElementType] = (), last: Mapping[tuple[str, int], int] | None = None
    ) -> None:
        self._types = {(one.element_type.casefold(), f"n{one.id}"): one for one in types}
        self._last = last or {}
        self.free: dict[tuple[int, int], int] = {}

    def element_types(self, keys: Sequence[tuple[str, str]]) -> Mapping[tuple[str, str], StoredElementType]:
        return {key: self._types[key] for key in keys if key in self._types}

    def last_piece_numbers(self) -> Mapping[tuple[str, int], int]:
        return self._last

    def planned_piece_counts(self, places: Sequence[tuple[int, int]]) -> Mapping[tuple[int, int], int]:
        return {place: self.free[place] for place in places if place in self.free}


def stored_type(id_: int, quantities: dict[int, int] | None = None, **base: Any) -> StoredElementType:
    """Return the type `WALL`/`N<id>` as it is stored."""
    measures: dict[str, Any] = dict.fromkeys([column.field for column in BASE_COLUMNS[2:]])
    groups: dict[ColumnGroup, dict[int, Any]] = {group: {} for group in GROUP_SPECS}
    groups[ColumnGroup.NODES] = quantities or {}
    return StoredElementType(id_, "WALL", {**measures, "version": "VR-1", **base}, groups)


def checked(columns: ColumnMap, *cells: list[Any]) -> list[Row]:
    rows = [SheetRow(number, each) for number, each in enumerate(cells, 2)]
    return list(row_validation.validate_rows(lambda: rows, columns))


def cells(name: Any, *others: Any, element_type: object = "WALL", height: Any = "") -> list[Any]:
    return [element_type, name, height, *[""] * 7, *others]


def pieces(planned: Plan) -> dict[int, list[PieceRange]]:
    """Return the runs of new pieces by the row that they are for."""
    return {step.operation.row.number: list(step.pieces) for batch in planned.batches() for step in batch.steps}


def test_new_changed_and_unchanged_are_told_apart() -> None:
    stored = StoredState([stored_type(1, {PODIUM: 2}), stored_type(2, {PODIUM: 2})])
    data = checked(NODES, cells("N1", 2.0, ""), cells("N2", 3.0, ""), cells("N3", "", 1.0))
    planned = plan.build_plan(data, NODES, stored, 30)
    assert (planned.counts.created, planned.counts.updated, planned.counts.unchanged, planned.rejected) == (1, 1, 1, 0)
    update, create = planned.operations[1]
    assert isinstance(update, Update)
    assert update.difference.groups == {ColumnGroup.NODES: {PODIUM: (2, 3)}}
    assert isinstance(create, Create)


def test_the_same_number_written_otherwise_is_no_change() -> None:
    stored = StoredState([stored_type(1, height=Decimal("2.50"))])
    assert plan.build_plan(checked(NODES, cells("n1", height="2.5")), NODES, stored, 30).counts.unchanged == 1


def test_a_group_without_a_column_is_left_alone() -> None:
    one = stored_type(1, {PODIUM: 2})
    one.groups[ColumnGroup.STAGES] = {5: True}
    columns = column_map((ColumnGroup.BOM, 7))
    planned = plan.build_plan(checked(columns, cells("N1", "")), columns, StoredState([one]), 30)
    assert planned.counts.unchanged == 1


def test_numbers_count_per_type_and_node_in_file_order_on_from_what_is_there() -> None:
    stored = StoredState(last={("wall", PODIUM): 7})
    data = checked(NODES, cells("N5", 2.0, 1.0), cells("B-1", 1.0, "", element_type="BEAM"), cells("N6", 3.0, 2.0))
    found = pieces(plan.build_plan(data, NODES, stored, 1))
    assert found == {
        2: [PieceRange(PODIUM, 8, 2), PieceRange(FLOOR, 1, 1)],
        3: [PieceRange(PODIUM, 1, 1)],
        4: [PieceRange(PODIUM, 10, 3), PieceRange(FLOOR, 2, 2)],
    }


def test_a_row_may_take_away_only_what_is_planned() -> None:
    stored = StoredState([stored_type(1, {PODIUM: 5}), stored_type(2, {PODIUM: 5})])
    stored.free = {(1, PODIUM): 3, (2, PODIUM): 2}
    planned = plan.build_plan(checked(NODES, cells("N1", 2.0, ""), cells("N2", 2.0, "")), NODES, stored, 30)
    assert (planned.counts.updated, planned.rejected) == (1, 1)
    (issue,) = planned.issues
    assert (issue.code, issue.row, issue.column, issue.value) == ("pieces_in_production", 3, "K", "2")
    assert "Write 3 or more" in issue.message


def test_numbers_do_not_depend_on_what_becomes_of_other_rows() -> None:
    """What an earlier attempt has settled, or what can't be done, leaves its numbers free."""
    stored = StoredState([stored_type(1, {FLOOR: 2})])
    stored.free = {(1, FLOOR): 2}
    data = checked(NODES, cells("N1", 3.0, 0.0), cells("N5", 2.0, ""), cells("N6", 1.0, ""))
    first = pieces(plan.build_plan(data, NODES, stored, 1))
    assert first == {2: [PieceRange(PODIUM, 1, 3)], 3: [PieceRange(PODIUM, 4, 2)], 4: [PieceRange(PODIUM, 6, 1)]}
    settled = plan.build_plan(data, NODES, stored, 1, frozenset({2, 3}))
    assert pieces(settled) == {4: [PieceRange(PODIUM, 6, 1)]}
    assert (settled.counts.created, settled.counts.updated, settled.total) == (1, 0, 3)
    stored.free = {}
    refused = plan.build_plan(data, NODES, stored, 1)
    assert pieces(refused) == {3: [PieceRange(PODIUM, 4, 2)], 4: [PieceRange(PODIUM, 6, 1)]}
    assert (refused.counts.updated, refused.rejected) == (0, 1)


def test_batches_are_of_data_rows_so_that_they_are_the_same_however_much_is_unchanged() -> None:
    data = checked(NODES, *[cells(f"N{number}", 1.0, "") for number in range(1, 8)])
    everything = plan.build_plan(data, NODES, StoredState(), 3)
    assert {number: len(operations) for number, operations in everything.operations.items()} == {1: 3, 2: 3, 3: 1}
    there = [stored_type(number, {PODIUM: 1}) for number in (1, 2, 3, 4)]
    rest = plan.build_plan(data, NODES, StoredState(there), 3)
    assert {number: len(operations) for number, operations in rest.operations.items()} == {2: 2, 3: 1}


def test_everything_that_is_wrong_with_a_row_is_told() -> None:
    (row,) = checked(NODES, cells("", -1.0, "two", height="tall"))
    assert row.rejected
    assert [(issue.column, issue.code) for issue in row.issues] == [
        ("B", "missing_value"),
        ("C", "not_a_number"),
        ("K", "negative_number"),
        ("L", "not_a_number"),
    ]


@pytest.mark.parametrize(
    ("element_type", "name", "skipped"),
    [
        ("Total", "", True), ("GRAND TOTAL", "", True), ("", "Summe", True), ("", "", True), ("WALL", "", False),
        ("Zwischensumme", "2 Stk", True), ("Razem", "2", True), ("Totale", "", True), ("Sous-total", "3 u", True),
        ("Yhteensä", "", True), ("Anzahl", "1", True), ("∑", "", True), ("Sumter", "", False),
    ],
)  # fmt: skip
def test_totals_at_the_end_are_no_data(element_type: str, name: str, skipped: bool) -> None:
    _, last = checked(NODES, cells("N1", 1.0, ""), cells(name, 1.0, "", element_type=element_type))
    assert (last.skipped, last.issues[0].code) == (skipped, "totals_row" if skipped else "missing_value")


@pytest.mark.parametrize(
    ("element_type", "name", "skipped"),
    [("2", "2", True), ("", "2", True), (2.0, "", True), ("3", "3", False), ("2", "W", False)],
)
def test_a_last_row_with_the_number_of_rows_in_place_of_names_is_no_data(
    element_type: object, name: str, skipped: bool
) -> None:
    *_, last = checked(NODES, cells("A", 1.0, ""), cells("B", 1.0, ""), cells(name, 2.0, "", element_type=element_type))
    assert last.skipped == skipped


def test_element_types_that_are_numbers_are_no_totals() -> None:
    data = [cells(str(number), 1.0, "", element_type=str(number)) for number in range(3)]
    assert [row.key for row in checked(NODES, *data)] == [("0", "0"), ("1", "1"), ("2", "2")]


@pytest.mark.parametrize("zero", [0.0, False, "0", "0.0", "0,0", "FALSE", "FALSCH", "FAUX"])
def test_a_row_of_formulas_that_refer_to_blank_cells_is_blank(zero: object) -> None:
    data = checked(NODES, cells("N1", 1.0, ""), cells(zero, 0.0, "", element_type=zero), cells("N2", 1.0, ""))
    assert [row.number for row in data] == [2, 4]


@pytest.mark.parametrize("name", ["", 0.0, False])
@pytest.mark.parametrize("zero", [False, "FALSE", "falsch", 0.0])
def test_formulas_may_show_false_under_numbers(name: object, zero: object) -> None:
    data = checked(
        NODES, cells("N1", 1.0, ""), cells(name, zero, zero, element_type=name, height=zero), cells("N2", 1.0, "")
    )
    assert [row.number for row in data] == [2, 4]


def test_a_row_without_names_in_the_middle_is_wrong() -> None:
    middle, _ = checked(NODES, cells("", 1.0, "", element_type=""), cells("N1", 1.0, ""))
    assert (middle.skipped, middle.issues[0].code) == (False, "missing_value")


def test_cells_that_are_merged_over_rows_count_for_each() -> None:
    columns = dataclasses.replace(NODES, merged=(MergedRange(2, 1, 4, 1), MergedRange(3, 3, 4, 3)))
    data = checked(columns, cells("N1", "", "", height=7.0), cells("N2", 1.0, "", element_type="", height=8.0),
                   cells("N3", "", "", element_type=""), cells("N4", "", "", element_type="BEAM"))  # fmt: skip
    assert [row.key for row in data] == [("wall", "n1"), ("wall", "n2"), ("wall", "n3"), ("beam", "n4")]
    assert [row.values[2] for row in data] == [7, 8, 8, None]


def test_a_date_where_text_is_meant_is_read_and_told() -> None:
    (row,) = checked(NODES, cells(datetime(2024, 2, 1), 1.0, ""))  # noqa: DTZ001 # a cell has no time zone
    assert (row.rejected, row.values[1]) == (False, "2024-02-01")
    assert [(issue.severity, issue.code, issue.column) for issue in row.issues] == [("warning", "date_in_text", "B")]


def test_an_element_type_that_stands_in_the_file_twice_is_taken_once() -> None:
    first, second = checked(NODES, cells("N 1", 1.0, ""), cells(" n  1", 2.0, ""))
    assert not first.rejected
    assert [issue.code for issue in second.issues] == ["duplicate_row"]
    assert "Row 2" in second.issues[0].message


@pytest.mark.parametrize(
    ("cell", "read"), [(time(1, 2), "01:02:00"), (timedelta(hours=25, minutes=2), "1 day, 1:02:00")]
)
def test_a_time_where_text_is_meant_has_a_warning(cell: object, read: str) -> None:
    (row,) = checked(NODES, cells(cell, 1.0, ""))
    assert (row.rejected, row.values[1]) == (False, read)
    assert [(issue.severity, issue.code, issue.column) for issue in row.issues] == [("warning", "date_in_text", "B")]
    assert "time" in row.issues[0].message


quantity = st.integers(0, 5)
types = st.lists(st.tuples(st.sampled_from(["WALL", "BEAM"]), quantity, quantity), min_size=1, max_size=40)


@given(types, st.integers(1, 50))
def test_no_two_pieces_share_a_number_and_none_is_left_out(wanted: list[tuple[str, int, int]], size: int) -> None:
    data = checked(NODES, *[cells(f"N{n}", a, b, element_type=kind) for n, (kind, a, b) in enumerate(wanted, 1)])
    planned = plan.build_plan(data, NODES, StoredState(), size)
    given_out: dict[tuple[str, int], list[int]] = {}
    for batch in planned.batches():
        for step in batch.steps:
            for run in step.pieces:
                numbers = given_out.setdefault((step.operation.row.key[0], run.node_id), [])
                numbers.extend(range(run.first, run.first + run.count))
    for kind in ("WALL", "BEAM"):
        for place, node in ((0, PODIUM), (1, FLOOR)):
            total = sum(each[1:][place] for each in wanted if each[0] == kind)
            assert given_out.get((kind.casefold(), node), []) == list(range(1, total + 1))
    assert list(planned.batches()) == list(planned.batches())


CELLS: dict[ValueType, st.SearchStrategy[Any]] = {
    TEXT: st.sampled_from(["a.dwg", "b.dwg"]),
    COUNT: st.integers(1, 4),
    FLAG: st.just(True),
    DECIMAL: st.decimals("0.1", 9, places=2),
}
values = st.fixed_dictionaries(
    {group: st.dictionaries(st.integers(1, 3), CELLS[spec.value_type]) for group, spec in GROUP_SPECS.items()}
)
measure = st.one_of(st.none(), st.decimals(0, 1000, places=3))


@given(values, values, measure, measure)
def test_the_image_of_a_change_leads_back(before: Any, after: Any, old: Any, new: Any) -> None:
    columns = column_map(*[(group, target) for group in GROUP_SPECS for target in (1, 2, 3)])
    stored = stored_type(1, height=old)
    stored.groups = {group: dict(each) for group, each in before.items()}
    row: list[Any] = ["WALL", "N1", new, *[None] * 6, "VR-1"]
    row += [
        after[group].get(target, GROUP_SPECS[group].value_type.empty) for group in GROUP_SPECS for target in (1, 2, 3)
    ]
    difference = RowComparison(columns).difference(tuple(row), stored)
    changed = stored_type(1, height=new)
    changed.groups = {group: dict(each) for group, each in after.items()}
    restore_before(changed, to_json(difference))
    assert changed == stored
