"""The words of the audit log for people."""

from __future__ import annotations

from typing import get_args

import pytest
from flask import Flask
from flask_babel import force_locale

from precast_app.auth.audit import Action
from precast_app.importing.reference_schema import REFERENCE_SPECS, ItemChange
from precast_app.languages import DEFAULT, LANGUAGES
from precast_app.web import audit_labels


def declared() -> list[str]:
    return [spec.audit_action(change) for spec in REFERENCE_SPECS.values() for change in get_args(ItemChange)]


def test_every_action_is_in_the_filter() -> None:
    listed = [*audit_labels.ACTIONS]
    assert [action for action in listed if action in {*Action}] == [*Action]
    assert [action for action in listed if action not in {*Action}] == declared()
    order = listed.index
    assert order("import_profile.delete") + 1 == order("node.create")
    assert order("stage.delete") + 1 == order("stage.order")
    assert order(declared()[-1]) + 1 == order("webhook.create")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_action_has_words_of_its_own(app: Flask, language: str) -> None:
    with app.test_request_context():
        english = {action: str(words) for action, words in audit_labels.ACTIONS.items()}
        with force_locale(language):
            found = {action: str(words) for action, words in audit_labels.ACTIONS.items()}
    assert len({*found.values()}) == len(found)
    alike = {action for action in found if found[action] == english[action]}
    assert alike == ({*found} if language == DEFAULT else set())
    assert [words for words in found.values() if not words[0].isupper() or "%" in words] == []


@pytest.mark.parametrize(
    ("act", "english", "german"),
    [
        ("node.create", "Node created", "Bauabschnitt angelegt"),
        ("stage.change", "Stage changed", "Fertigungsschritt geändert"),
        ("drawing_type.delete", "Drawing type deleted", "Planart gelöscht"),
        ("bom_product.create", "Product created", "Produkt angelegt"),
    ],
)
def test_changes_of_reference_data_name_the_item(app: Flask, act: str, english: str, german: str) -> None:
    with app.test_request_context():
        for language, words in (("en", english), ("de", german)):
            with force_locale(language):
                assert audit_labels.action(act) == words


@pytest.mark.parametrize(
    ("act", "about", "words"),
    [
        ("job.create", "job 6: week 12: walls.xlsx", "Vorgang 6: week 12: walls.xlsx"),
        ("job.create", "job 6: element_type_deletion", "Vorgang 6: Löschung eines Elementtyps"),
        ("job.cancel", "job 6", "Vorgang 6"),
        ("stage.order", "8 stages", "8 Fertigungsschritte"),
        ("stage.delete", "number 17", "Nummer 17"),
        ("stage.create", "job 6", "job 6"),
        ("user.create", "number 17", "number 17"),
        ("session.start", "", ""),
    ],
)
def test_objects_are_shown_in_words_and_names_as_they_are(app: Flask, act: str, about: str, words: str) -> None:
    with app.test_request_context(), force_locale("de"):
        assert audit_labels.audited_object(about, act) == words


def test_commands_are_named_in_words_and_users_as_they_are(app: Flask) -> None:
    with app.test_request_context(), force_locale("de"):
        assert [audit_labels.user(who) for who in ("(command line)", "ada")] == ["(Kommandozeile)", "ada"]


def test_an_action_of_another_version_is_shown_by_its_code(app: Flask) -> None:
    with app.test_request_context(), force_locale("de"):
        assert [audit_labels.action(act) for act in ("job.cancel", "job.paint")] == ["Vorgang abgebrochen", "job.paint"]
