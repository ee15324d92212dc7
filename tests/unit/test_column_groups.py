"""What a column group has outside of its declaration; each test says what a new group lacks."""

from __future__ import annotations

from typing import get_args

import pytest
from flask import Flask
from flask_babel import force_locale

from precast_app.auth.audit import Action
from precast_app.importing.profiles.profile import GROUP_KEYS
from precast_app.importing.reference_schema import REFERENCE_SPECS, ItemChange
from precast_app.importing.schema import GROUP_SPECS, GROUPS_IN_PAGE_ORDER, ColumnGroup, GroupSpec
from precast_app.languages import LANGUAGES
from precast_app.web import labels


def test_every_group_and_kind_is_declared_and_used_once() -> None:
    assert {*GROUP_SPECS, ColumnGroup.BASE} == {*ColumnGroup}
    assert [spec.reference.job_type for spec in GROUPS_IN_PAGE_ORDER] == [*REFERENCE_SPECS]
    assert {spec.group for spec in GROUPS_IN_PAGE_ORDER} == {*GROUP_SPECS}


@pytest.mark.parametrize(
    "name",
    ["group", "title", "words", "meaning", "summary_label", "csv_position", "table", "label_field", "count_field"],
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


@pytest.mark.parametrize("language", LANGUAGES)
def test_pages_have_words_for_every_kind(app: Flask, language: str) -> None:
    with app.test_request_context(), force_locale(language):
        kinds = labels.item_kinds()
    assert [each["kind"] for each in kinds] == [*GROUP_KEYS.values()]
    for sort in ("meaning", "items", "values"):
        words = [each[sort] for each in kinds]
        assert len({*words}) == len(words), words
        assert all(word[0].isupper() for word in words), words


def test_pages_have_the_words_in_their_language(app: Flask) -> None:
    with app.test_request_context(), force_locale("de"):
        assert labels.item_kinds()[0] == {
            "kind": "node",
            "meaning": "Stückzahl an diesem Einbauort",
            "items": "Gebäudestruktur",
            "values": "Stückzahlen",
        }
