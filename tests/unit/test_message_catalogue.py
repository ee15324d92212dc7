"""The catalogues of issues, errors and results have every text of the code, translated, with its placeholders."""

from __future__ import annotations

import re

import pytest
from babel.messages import Message as Entry
from babel.messages.pofile import read_po

from devstack import message_templates, translations
from precast_app.api.validation_messages import to_message
from precast_app.languages import DEFAULT, LANGUAGES
from precast_app.message_catalogue import translate, translate_messages, translate_stored
from precast_app.messages import Message, join_messages, plural_message, stored_parts, template_id

TRANSLATED = [language for language in LANGUAGES if language != DEFAULT]
_PLACEHOLDER = re.compile(r"%\(\w+\)s|%%")


def entries(language: str) -> list[Entry]:
    with message_templates.path_of(language).open("rb") as stream:
        return [entry for entry in read_po(stream, locale=language) if entry.id]


def forms(text: object) -> list[str]:
    return [text] if isinstance(text, str) else [*text]  # type: ignore[misc] # texts with plurals are sequences


@pytest.mark.parametrize("language", TRANSLATED)
def test_the_catalogue_has_the_texts_of_the_code(language: str) -> None:
    """`make translations` adds what is missing and removes what is gone."""
    in_code = {entry.id for entry in message_templates.extract() if entry.id}
    assert in_code == {entry.id for entry in entries(language)}


def test_texts_that_have_a_name_are_found() -> None:
    named = {
        "The import profile is not valid any more. Change it, or map the columns again.",
        "This link is incomplete. Copy the whole address from the e-mail, or sign in and open your account.",
    }
    assert named <= {entry.id for entry in message_templates.extract()}


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_text_has_a_translation_that_somebody_has_checked(language: str) -> None:
    assert [each.id for each in entries(language) if each.fuzzy or not translations.is_translated(each)] == []


@pytest.mark.parametrize("language", TRANSLATED)
def test_translations_have_the_placeholders_of_their_texts(language: str) -> None:
    """Of a text with a plural, the first form may leave out the number."""
    wrong = []
    for entry in entries(language):
        expected = {name for form in forms(entry.id) for name in _PLACEHOLDER.findall(form)}
        for form in forms(entry.string):
            found = set(_PLACEHOLDER.findall(form))
            if found != expected and not (isinstance(entry.id, tuple) and expected - found == {"%(count)s"}):
                wrong.append((entry.id, form))
    assert wrong == []


def test_no_two_templates_have_the_same_id() -> None:
    ids = [template_id(forms(entry.id)[0]) for entry in message_templates.extract() if entry.id]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("language", TRANSLATED)
def test_the_catalogue_stays_as_it_is_when_it_is_updated(language: str) -> None:
    path = message_templates.path_of(language)
    updated = translations.update_catalogue(path, message_templates.extract(), language)
    assert translations.serialize(updated) == path.read_bytes()


@pytest.mark.parametrize(
    ("message", "german"),
    [
        ("The file is empty. Save the workbook again and upload it.",
         "Die Datei ist leer. Speichern Sie die Arbeitsmappe noch einmal und laden Sie sie hoch."),
        (Message("Row %(row)s already has this item. Keep one of the two rows.", row=3),
         "Zeile 3 hat schon diesen Eintrag. Behalten Sie eine der beiden Zeilen."),
        (plural_message("%(count)s label", "%(count)s labels", 1), "1 Etikett"),
        (plural_message("%(count)s label", "%(count)s labels", 20), "20 Etiketten"),
        (Message("The decimal separator is the %(sign)s.", sign=Message("comma")), "Das Dezimalzeichen: Komma."),
        (join_messages("\n", [Message("Row %(row)s", row=7), "100 %"]), "Zeile 7\n100 %"),
        (Message("There is no user %(name)s.", name="%(row)s"), "Den Benutzer %(row)s gibt es nicht."),
    ],
)  # fmt: skip
def test_a_message_is_shown_in_german_also_after_it_was_stored(message: str, german: str) -> None:
    assert translate(message, "de") == german
    assert translate_stored(str(message), stored_parts(message), "de") == german
    assert translate(message, "en") == message


@pytest.mark.parametrize(
    ("english", "parts"),
    [
        ("A text of an older version, row 3.", [1, {"row": 3}]),
        ("A text that was stored before messages had values, row 3.", None),
        (
            "Values of another version.",
            [template_id("Row %(row)s already has this item. Keep one of the two rows."), {}],
        ),
    ],
)
def test_a_text_without_a_translation_stays_english(english: str, parts: list[object] | None) -> None:
    assert translate_stored(english, parts, "de") == english
    assert translate(english, "fr") == english


def test_only_the_messages_of_a_json_value_are_translated() -> None:
    found = {
        "cells": ["yes", "length"],
        "read_as": [Message("yes"), None],
        "rows": 3,
        "column": {"name": Message("length")},
    }
    german = {"cells": ["yes", "length"], "read_as": ["ja", None], "rows": 3, "column": {"name": "Länge"}}
    assert translate_messages(found, "de") == german
    assert translate_messages(found, "en") == found


def test_a_value_without_a_translation_stays_english_in_a_german_text() -> None:
    message = Message("Job %(job)s has no rejected rows.", job=Message("of another version"))
    assert translate(message, "de") == "Vorgang of another version hat keine abgelehnten Zeilen."


@pytest.mark.parametrize(
    ("text", "german"),
    [
        ("Missing data for required field.", "Pflichtfeld: Der Wert fehlt."),
        (
            "Must be greater than or equal to 1 and less than or equal to 9.",
            "Muss mindestens 1 und höchstens 9 sein.",
        ),
        ("Must be greater than or equal to 1.", "Muss mindestens 1 sein."),
        ("Must be one of: skip, abort.", "Muss eines von diesen sein: skip, abort."),
        ("Longer than maximum length 3.", "Länger als die Höchstlänge 3."),
        ("Another text.", "Another text."),
    ],
)
def test_what_marshmallow_says_of_a_field_is_shown_in_german(text: str, german: str) -> None:
    assert to_message(text) == text
    assert translate(to_message(text), "de") == german
