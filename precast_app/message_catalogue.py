"""Messages in other languages than English, from the catalogues `translations/<language>/LC_MESSAGES`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import Translations

from precast_app.messages import Message, Parts, restore, template_id

SOURCE_LANGUAGE = "en"
DOMAIN = "issues_and_errors"
FOLDER = Path(__file__).parent / "translations"


class _Untranslated(LookupError):
    """The catalogue lacks a template, for example that of an older version; the English text is shown."""


@dataclass(frozen=True, slots=True)
class _Catalogue:
    """The texts of a language, and its templates by their ids: singular, and plural if the template has one."""

    texts: Translations
    templates: Mapping[int, tuple[str, ...]]


def translate(text: str, language: str) -> str:
    """Return a message, or a constant text, in a language; in English if the catalogue lacks it."""
    catalogue = None if language == SOURCE_LANGUAGE else _load(language)
    if catalogue is None:
        return str(text)
    return _translate(text if isinstance(text, Message) else restore(text, None), catalogue)


def translate_stored(english: str, parts: Parts | None, language: str) -> str:
    """Return a text that was stored with its parts in a language; in English if the catalogue lacks it."""
    return english if language == SOURCE_LANGUAGE else translate(restore(english, parts), language)


def translate_messages(value: Any, language: str) -> Any:
    """Return a JSON value with its messages in a language; its plain strings are data, and stay as they are."""
    if isinstance(value, Message):
        return translate(value, language)
    if isinstance(value, dict):
        return {name: translate_messages(each, language) for name, each in value.items()}
    return [translate_messages(each, language) for each in value] if isinstance(value, list) else value


def _translate(message: Message, catalogue: _Catalogue) -> str:
    try:
        return _from_parts(message.parts, catalogue)
    except (_Untranslated, KeyError, TypeError, ValueError):
        # The last three: a text was stored with other values than this version's template has.
        return str(message)


def _from_parts(parts: Parts, catalogue: _Catalogue) -> str:
    if isinstance(parts, dict) and "text" in parts:
        return _translate(restore(parts["text"], None), catalogue)
    if isinstance(parts, dict):
        items = [each if isinstance(each, str) else _translate(restore(*each), catalogue) for each in parts["items"]]
        return str(parts["separator"]).join(items)
    id_, *rest = parts
    template = catalogue.templates.get(id_)
    if template is None:
        raise _Untranslated
    if not rest:
        return catalogue.texts.gettext(template[0])
    values: dict[str, Any] = {
        name: value if isinstance(value, (str, int)) else _from_parts(value, catalogue)
        for name, value in rest[0].items()
    }
    if len(template) == 1:
        return catalogue.texts.gettext(template[0]) % values
    return catalogue.texts.ngettext(template[0], template[1], values["count"]) % values


@cache
def _load(language: str) -> _Catalogue | None:
    """Return the catalogue of a language; None if it has none."""
    path = FOLDER / language / "LC_MESSAGES" / f"{DOMAIN}.po"
    if not path.is_file():
        return None
    with path.open("rb") as file:
        catalogue = read_po(file, locale=language)
    compiled = BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    templates = [
        (each.id,) if isinstance(each.id, str) else tuple(each.id)
        for each in catalogue
        if each.id and all((each.string,) if isinstance(each.string, str) else each.string or ())
    ]
    return _Catalogue(Translations(compiled), {template_id(each[0]): each for each in templates})
