"""The words of the audit log for people."""

from __future__ import annotations

import pytest
from flask import Flask
from flask_babel import force_locale

from precast_app.auth.audit import Action
from precast_app.web import audit_labels


def test_every_action_has_words() -> None:
    assert list(audit_labels.ACTIONS) == list(Action)


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
