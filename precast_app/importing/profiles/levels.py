"""Names of floors, such as `EG`, `1. OG`, `Level 2` and `L02`. Pure."""

from __future__ import annotations

import re

from precast_app.importing.profiles import vocabulary

_MAX_LENGTH = 40
# Endings of ordinal numbers: `2nd floor`, `1er étage`, `3º piso`, `2de verdieping`.
_ORDINALS = frozenset(("st", "nd", "rd", "th", "er", "eme", "e", "o", "a", "de", "ste", "ieme", "no", "nr", "la"))
# A letter before the number of a floor: level, floor, étage, basement, Untergeschoss, kerros, piętro, sous-sol.
_LETTERS = frozenset(("l", "f", "e", "b", "u", "k", "r", "g"))
_DIGITS = re.compile(r"\d+")
_HIGHEST = 200


def is_level(text: str) -> bool:
    """Return whether a text names one floor; words for any floor, such as `Level`, need a number beside them."""
    if not text or len(text) > _MAX_LENGTH or vocabulary.plain_unit(text):
        return False
    known = vocabulary.load().words["floor"]
    if vocabulary.squash(text) in known:
        return not _is_generic(vocabulary.squash(text))
    parts = vocabulary.split_words(text)
    numbers = [part for part in parts if _DIGITS.fullmatch(part)]
    words = [part for part in parts if not _DIGITS.fullmatch(part)]
    if len(numbers) > 1 or any(int(number) > _HIGHEST for number in numbers if len(number) < 5) or len(parts) > 6:
        return False
    named = [word for word in words if word in known]
    if len(parts) == 2 and numbers and parts[1] == "f":
        return len(numbers[0]) <= 2
    if numbers and len(words) == 1 and words[0] in _LETTERS and parts[0] == words[0]:
        return len(numbers[0]) <= 2
    if not named or any(word not in known and word not in _ORDINALS for word in words):
        return False
    return bool(numbers) or any(not _is_generic(word) for word in named)


def _is_generic(word: str) -> bool:
    """Return whether a word is the heading of a column of floors, and not the name of one."""
    return any(meaning.kind == "floor" for meaning in vocabulary.load().headings.get(word, ()))
