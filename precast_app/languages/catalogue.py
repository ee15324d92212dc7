"""The translations of a language, compiled in memory from its `messages.po`.

No compiled file is kept beside it, so nothing has to be built after a change, and what is shown is what is reviewed.
"""

from __future__ import annotations

import hashlib
import json
from functools import cache
from io import BytesIO
from pathlib import Path

from babel.messages import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations

FOLDER = Path(__file__).resolve().parents[1] / "translations"
_SCRIPT = ".js"


class _Translations(Translations):
    """Translations in which the singular of a text with a plural is found; Python's own do that from 3.13 on."""

    def gettext(self, message: str) -> str:
        found: str = super().gettext(message)
        return str(self.ngettext(message, message, 1)) if found == message else found

    # Flask-Babel calls this one.
    ugettext = gettext


def path_of(language: str) -> Path:
    """Return the path of the language's catalogue, whether it exists or not."""
    return FOLDER / language / "LC_MESSAGES" / "messages.po"


@cache
def translations(language: str) -> NullTranslations:
    """Return the translations to a language; one without a catalogue leaves texts as they are."""
    catalogue = read(language)
    if catalogue is None:
        return NullTranslations()
    compiled = BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return _Translations(compiled)


@cache
def script_texts(language: str) -> str:
    """Return the translations of the texts in scripts as a JSON object; one with a plural has a list of its forms."""
    catalogue = read(language)
    texts = {}
    for message in catalogue or ():
        if message.id and any(Path(name).suffix == _SCRIPT for name, _ in message.locations):
            key = message.id[0] if isinstance(message.id, tuple) else message.id
            texts[key] = message.string
    return json.dumps(texts, ensure_ascii=False, sort_keys=True)


@cache
def script_version(language: str) -> str:
    """Return a hash of `script_texts`, which is part of its address, so that browsers can keep it."""
    return hashlib.sha256(script_texts(language).encode()).hexdigest()[:16]


def read(language: str) -> Catalog | None:
    """Return the catalogue of a language, None if it has none."""
    path = path_of(language)
    if not path.exists():
        return None
    with path.open("rb") as stream:
        return read_po(stream, locale=language)
