"""What a column group has outside of its declaration; each test says what a new group lacks."""

from __future__ import annotations

import re
from typing import get_args

import pytest

from precast_app.auth.audit import Action
from precast_app.importing.profiles.profile import GROUP_KEYS
from precast_app.importing.reference_schema import REFERENCE_SPECS, ItemChange
from precast_app.importing.schema import GROUP_SPECS, GROUPS_IN_PAGE_ORDER, ColumnGroup, GroupSpec
from tests.conftest import ROOT

SCRIPT = ROOT / "precast_app" / "web" / "static" / "js" / "item_kinds.js"


def test_every_group_and_kind_is_declared_and_used_once() -> None:
    assert {*GROUP_SPECS, ColumnGroup.BASE} == {*ColumnGroup}
    assert [spec.reference.job_type for spec in GROUPS_IN_PAGE_ORDER] == [*REFERENCE_SPECS]
    assert {spec.group for spec in GROUPS_IN_PAGE_ORDER} == {*GROUP_SPECS}


@pytest.mark.parametrize(
    "name", ["group", "title", "summary_label", "csv_position", "table", "label_field", "count_field"]
)
def test_names_of_groups_are_unique(name: str) -> None:
    names = [getattr(spec, name) for spec in GROUP_SPECS.values()]
    assert len({*names}) == len(names), names


@pytest.mark.parametrize("name", ["table", "path", "api_item", "api_items", "snapshot_key", "profile_key", "singular"])
def test_names_of_kinds_are_unique(name: str) -> None:
    names = [getattr(spec, name) for spec in REFERENCE_SPECS.values()]
    assert len({*names}) == len(names), names


@pytest.mark.parametrize("spec", GROUP_SPECS.values(), ids=lambda spec: spec.group.value)
def test_the_example_of_a_template_is_a_valid_cell(spec: GroupSpec) -> None:
    assert spec.parse(spec.example) == spec.parse(str(spec.example)) != spec.value_type.empty
    assert spec.note % dict.fromkeys(spec.extra_fields, "kg")
    for choice in spec.choices:
        spec.parse(choice)


def test_changes_of_kinds_are_no_other_actions_of_the_audit_log() -> None:
    changes = {spec.audit_action(change) for spec in REFERENCE_SPECS.values() for change in get_args(ItemChange)}
    assert changes & {*Action} == set()


def test_the_scripts_have_words_for_every_kind() -> None:
    script = SCRIPT.read_text(encoding="utf-8")
    kinds = {
        kind: {*re.findall(r"(\w+): gettext", words)}
        for kind, words in re.findall(r"^  (\w+): \{(.*?)\}", script, re.S | re.M)
    }
    missing, unknown = {*GROUP_KEYS.values()} - {*kinds}, {*kinds} - {*GROUP_KEYS.values()}
    assert not missing, f"Add to KINDS in {SCRIPT.name}: {sorted(missing)}"
    assert not unknown, f"Remove from KINDS in {SCRIPT.name}: {sorted(unknown)}"
    incomplete = {kind for kind, words in kinds.items() if words != {"meaning", "newItem", "items", "values"}}
    assert not incomplete, f"Each kind in {SCRIPT.name} has four words."
