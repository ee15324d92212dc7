"""The four reference files, read without a database."""

from __future__ import annotations

import io
from typing import Any

import pytest

from precast_app.errors import JobFailed
from precast_app.importing import reference_files
from precast_app.importing.issues import Issue
from precast_app.importing.reference_files import ReferenceEntry
from precast_app.spreadsheets import Limits, open_book


def read(job_type: str, text: str) -> tuple[list[ReferenceEntry], list[Issue], int]:
    return reference_files.read_entries(open_book(io.BytesIO(text.encode()), Limits()), job_type, 1)


def problems(issues: list[Issue]) -> list[tuple[int | None, str]]:
    return [(issue.row, issue.code) for issue in issues]


def test_parents_may_come_after_their_children() -> None:
    entries, issues, total = read(
        "hierarchy_import",
        "ID,ProjectID,Name,Description,ParentID,Prefix,Path,NamingConvention\n"
        "9,1,Floor 1,,7,F1,,\n7,1,Tower-A,The tall one,,T1,,\n8,,Podium,,,P,Base.Podium,POD\n",
    )
    assert (issues, total) == ([], 3)
    tower, floor, podium = (entry.values for entry in entries)
    assert (tower["path"], tower["naming_convention"], tower["parent_key"]) == ("Tower_A", "T1", None)
    assert (floor["path"], floor["naming_convention"], floor["parent_key"]) == ("Tower_A.Floor_1", "T1_F1", "tower_a")
    assert (podium["path"], podium["naming_convention"]) == ("Base.Podium", "POD")
    assert [entry.key for entry in entries] == ["tower_a", "tower_a.floor_1", "base.podium"]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ("1,2,Tower,,\n", [(2, "other_project")]),
        ("1,1,Tower,,9\n", [(2, "unknown_parent")]),
        ("1,1,Tower,,1\n", [(2, "parent_cycle")]),
        ("1,1,A,,2\n2,1,B,,1\n3,1,C,,2\n", [(2, "parent_cycle"), (3, "parent_cycle"), (4, "rejected_parent")]),
        ("1,1,,,\n2,1,Floor,,1\n", [(2, "missing_value"), (3, "unknown_parent")]),
        ("1,1,Tower,,\n2,1,tower,,\n", [(3, "duplicate_row")]),
        ("1,1,Tower,,\n1,1,Podium,,\n", [(3, "duplicate_id")]),
        (f"1,1,{'x' * 60},,\n2,1,Floor,,1\n", [(2, "text_too_long"), (3, "rejected_parent")]),
        ("1,1,---,,\n", [(2, "unusable_name")]),
    ],
)
def test_a_bad_row_of_the_hierarchy_is_named(rows: str, expected: list[tuple[int, str]]) -> None:
    _, issues, _ = read("hierarchy_import", "ID,ProjectID,Name,Description,ParentID\n" + rows)
    assert sorted(problems(issues)) == sorted(expected)


def test_a_chain_longer_than_any_building() -> None:
    rows = "\n".join(f"{number},N{number},{number - 1 or ''}" for number in range(1, 3_001))
    entries, issues, total = read("hierarchy_import", f"ID,Name,ParentID\n{rows}\n")
    assert (len(entries), len(issues), total) == (20, 2_980, 3_000)
    assert problems(issues)[0] == (22, "too_deep")


def test_a_large_circle() -> None:
    rows = "\n".join(f"{number},N{number},{number % 3_000 + 1}" for number in range(1, 3_001))
    _, issues, _ = read("hierarchy_import", f"ID,Name,ParentID\n{rows}\n")
    assert {issue.code for issue in issues} == {"parent_cycle"}
    assert len(issues) == 3_000


def test_a_slash_would_make_piece_codes_ambiguous() -> None:
    _, issues, _ = read("hierarchy_import", "Name,NamingConvention\nTower,T/1\n")
    assert problems(issues) == [(2, "slash_in_naming_convention")]


def test_a_product_has_a_rate_or_none() -> None:
    entries, issues, _ = read(
        "bom_product_import", "Rate,Unit,ProductType,ProductName\n1.50,kg,6MM,Steel\n,kg,M40,Grout\nx,kg,M50,Grout\n"
    )
    assert [str(entry.values["rate"]) for entry in entries] == ["1.5", "None"]
    assert [entry.key for entry in entries] == ["steel_6mm", "grout_m40"]
    assert problems(issues) == [(4, "not_a_number")]


@pytest.mark.parametrize(
    ("job_type", "text", "missing"),
    [
        ("stage_import", "Order\n1\n", "Name is missing"),
        ("bom_product_import", "ProductName,Rate\nSteel,1\n", "ProductType, Unit are missing"),
        ("drawing_type_import", "Shuttering\n", "Name is missing"),
    ],
)
def test_a_heading_that_is_not_there_is_named(job_type: str, text: str, missing: str) -> None:
    with pytest.raises(JobFailed, match=missing):
        read(job_type, text)


def test_names_that_are_one_are_taken_once() -> None:
    entries, issues, _ = read("stage_import", "Name,Order\nPre Cast,1\npre-cast,2\n")
    found: list[dict[str, Any]] = [entry.values for entry in entries]
    assert found == [{"name": "Pre Cast", "position": 1}]
    assert problems(issues) == [(3, "duplicate_row")]


def test_what_the_reader_is_not_sure_of_is_a_warning() -> None:
    entries, issues, _ = read("bom_product_import", "ProductName;ProductType;Unit;Rate\nA;1;kg;1,250\nB;1;kg;2\n")
    assert [str(entry.values["rate"]) for entry in entries] == ["1.25", "2"]
    assert [(issue.severity, issue.code) for issue in issues] == [("warning", "decimal_sign")]
