"""The catalogues of translations have every text of the code, translated, and nothing else."""

from __future__ import annotations

import re

import pytest
from babel.messages import Message

from devstack import translations
from precast_app.languages import DEFAULT, LANGUAGES, catalogue

TRANSLATED = [language for language in LANGUAGES if language != DEFAULT]
_PLACEHOLDER = re.compile(r"%(?:\(\w+\))?[a-zA-Z%]")


def texts(language: str) -> dict[tuple[object, str | None], Message]:
    catalog = catalogue.read(language)
    assert catalog is not None
    return {(message.id, message.context): message for message in catalog if message.id}


def forms(text: object) -> list[str]:
    return [text] if isinstance(text, str) else [*text]  # type: ignore[misc] # texts with plurals are sequences


@pytest.mark.parametrize("language", TRANSLATED)
def test_the_catalogue_has_the_texts_of_the_code(language: str) -> None:
    """`make translations` adds what is missing and removes what is gone."""
    in_code = {(message.id, message.context) for message in translations.extract() if message.id}
    assert in_code == set(texts(language))


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_text_has_a_translation_that_somebody_has_checked(language: str) -> None:
    messages = texts(language).values()
    assert [message.id for message in messages if message.fuzzy or not translations.is_translated(message)] == []


@pytest.mark.parametrize("language", TRANSLATED)
def test_translations_have_the_placeholders_of_their_texts(language: str) -> None:
    """Of a text with a plural, the first form may leave out the number."""
    wrong = []
    for message in texts(language).values():
        expected = set().union(*(_PLACEHOLDER.findall(form) for form in forms(message.id)))
        for form in forms(message.string):
            found = set(_PLACEHOLDER.findall(form))
            if found != expected and not (isinstance(message.id, tuple) and expected - found == {"%(num)s"}):
                wrong.append((message.id, form))
    assert wrong == []


@pytest.mark.parametrize("language", TRANSLATED)
def test_the_catalogue_stays_as_it_is_when_it_is_updated(language: str) -> None:
    path = catalogue.path_of(language)
    updated = translations.update_catalogue(path, translations.extract(), language)
    assert translations.serialize(updated) == path.read_bytes()


@pytest.mark.parametrize("language", TRANSLATED)
def test_the_singular_of_a_text_with_a_plural_is_translated_without_a_number_too(language: str) -> None:
    translated = catalogue.translations(language)
    with_plural = [message for message in texts(language).values() if isinstance(message.id, tuple)]
    assert with_plural
    for message in with_plural:
        singular, expected = forms(message.id)[0], forms(message.string)[0]
        assert (translated.gettext(singular), translated.ugettext(singular)) == (expected, expected)
