"""The words by which lists call things, in eleven languages, and what a heading can mean by them. Pure."""

from __future__ import annotations

import json
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources
from typing import Any

from rapidfuzz import fuzz, process

from precast_app.importing import header_detection
from precast_app.messages import Message
from precast_app.spreadsheets import unit_name
from precast_app.text import clean_text

LANGUAGES: Mapping[str, str] = {
    "en": Message("English"), "de": Message("German"), "fr": Message("French"), "es": Message("Spanish"),
    "it": Message("Italian"), "nl": Message("Dutch"), "pl": Message("Polish"), "fi": Message("Finnish"),
    "pt": Message("Portuguese"), "tr": Message("Turkish"), "hi": Message("Hindi"),
}  # fmt: skip
# A longer text is no heading that anything is known about.
MAX_HEADING_LENGTH = 200
# Confidence of a heading that is an alias itself, that contains one as words or as the end of a compound, and that is
# spelled almost like one; the last is multiplied by the similarity.
EXACT, WORDS, COMPOUND, SIMILAR = 0.95, 0.8, 0.65, 0.75
# An alias of one or two letters says less.
_SHORT = {1: 0.6, 2: 0.8}
_SHORTEST_PART = 5
_SHORTEST_COMPOUND, _SHORTEST_KIND = 7, 4
_MAX_WORDS = 12
_MAX_UNIT_LENGTH = 5
_MIN_SIMILARITY = 80
_MAX_SIMILAR_LENGTH = 40
_FOLDED = str.maketrans({"ı": "i", "ł": "l", "ø": "o", "đ": "d", "æ": "ae", "œ": "oe"})
_WORD = re.compile(r"[^\W\d_]+|\d+")
_IN_BRACKETS = str.maketrans(dict.fromkeys("[](){}（）［］"))
_DATA_FILE = "heading_aliases.json"


@dataclass(frozen=True, slots=True)
class HeadingMeaning:
    """What a heading may mean: a key of `headings` in the data file, how sure that is, and by which alias."""

    kind: str
    confidence: float
    alias: str
    languages: frozenset[str]


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The data file, indexed by squashed words.

    `headings` gives the kinds of an alias, with the alias and its languages for each; `items` the canonical name of a
    stage or drawing type by (group, alias); `element_types` the code of a kind of element; `words` the languages of a
    word by its list, and `spelled` the words of a list and a language.
    """

    headings: Mapping[str, tuple[HeadingMeaning, ...]]
    items: Mapping[tuple[str, str], str]
    element_types: Mapping[str, str]
    materials: frozenset[str]
    words: Mapping[str, Mapping[str, frozenset[str]]]
    spelled: Mapping[str, tuple[str, ...]]

    def is_word(self, text: str, name: str) -> bool:
        """Return whether a text is a word of a list, such as `yes` or `total`."""
        return len(text) <= MAX_HEADING_LENGTH and squash(text) in self.words[name]


@cache
def load() -> Vocabulary:
    """Return the vocabulary of the data file."""
    data = json.loads(resources.files(__package__).joinpath(_DATA_FILE).read_text(encoding="utf-8"))
    return Vocabulary(
        headings=_index_headings(data["headings"]),
        items={
            (group, squash(alias)): name
            for group, names in data["items"].items()
            for name, aliases in names.items()
            for alias in (name, *aliases)
        },
        element_types={squash(word): code for code, words in data["element_types"].items() for word in words},
        materials=frozenset(map(squash, data["materials"])),
        words={name: _languages_of(lists) for name, lists in data["words"].items()},
        spelled={
            f"{name} {language}": tuple(words)
            for name, lists in data["words"].items()
            for language, words in lists.items()
        },
    )


def squash(text: str) -> str:
    """Return the letters and digits of a text, without case and accents: `Länge [m]` → `langem`."""
    return "".join(filter(str.isalnum, _fold(text)))


def split_words(text: str) -> list[str]:
    """Return the words and numbers of a text, without case and accents: `1. OG` → `1`, `og`."""
    decomposed = "".join(letter for letter in _fold(text) if not unicodedata.combining(letter))
    return _WORD.findall(decomposed)


def split_unit(heading: str) -> tuple[str, str]:
    """Return a heading without its unit, and the usual name of the unit: `Länge in [m]` → `Länge`, `m`."""
    text = clean_text(heading)
    if len(text) > MAX_HEADING_LENGTH:
        return text, ""
    # A letter alone is the abbreviation of a measure: L is no litre.
    if len(text) > 1 and (whole := unit_name(text.translate(_IN_BRACKETS))):
        return text, whole
    name, shown = header_detection.split_unit(text)
    unit = unit_name(shown) or ""
    if unit or shown:
        name = name.rstrip(" _/,;")
        for word in (" in", " en", " w"):
            name = name.removesuffix(word)
    return name, unit


def plain_unit(text: str) -> str | None:
    """Return the usual name of the unit that a cell consists of, such as `m3` for `[m³]`; None for anything else."""
    return unit_name(clean_text(text).translate(_IN_BRACKETS))


def unknown_unit(heading: str) -> str:
    """Return what a heading has in brackets in place of a unit, if that is short and no word for pieces; else ""."""
    if len(heading) > MAX_HEADING_LENGTH or not heading.rstrip(" .:").endswith((")", "]", "）", "］")):
        return ""
    shown = header_detection.split_unit(clean_text(heading))[1]
    is_known = unit_name(shown) or squash(shown) in load().words["piece"]
    return shown if shown and len(shown) <= _MAX_UNIT_LENGTH and not is_known else ""


def meanings(heading: str) -> list[HeadingMeaning]:
    """Return what a heading can mean by its words, the surest first; nothing for a very long heading."""
    return list(_meanings(heading, loosely=True)) if len(heading) <= MAX_HEADING_LENGTH else []


def plain_meanings(heading: str) -> list[HeadingMeaning]:
    """Return what a heading can mean by its words, without those that are compounds or misspelled."""
    return list(_meanings(heading, loosely=False)) if len(heading) <= MAX_HEADING_LENGTH else []


@lru_cache(maxsize=4096)
def _meanings(heading: str, *, loosely: bool) -> tuple[HeadingMeaning, ...]:
    vocabulary = load()
    name, _ = split_unit(heading)
    key = squash(name)
    found = list(vocabulary.headings.get(key, ())) if key else []
    found += _by_words(name, vocabulary)
    if loosely and not found and _SHORTEST_PART <= len(key) <= _MAX_SIMILAR_LENGTH:
        found = _by_compound(key, vocabulary) or _by_similarity(key, vocabulary)
    best: dict[str, HeadingMeaning] = {}
    for meaning in found:
        known = best.get(meaning.kind)
        if known is None or known.confidence < meaning.confidence:
            best[meaning.kind] = meaning
    return tuple(sorted(best.values(), key=lambda meaning: -meaning.confidence))


def says_all_pieces(heading: str) -> bool:
    """Return whether a heading is about all pieces together, such as `Total weight` or `Gesamtgewicht`."""
    words = load().words["all_pieces"]
    first = tuple(word for word in words if len(word) >= _SHORTEST_PART)
    return any(word in words or word.startswith(first) for word in split_words(heading[:MAX_HEADING_LENGTH]))


def names_material(heading: str) -> bool:
    """Return whether a heading contains the name of a material, such as `Rebar 8mm (kg)`."""
    materials = load().materials
    return any(word in materials for word in split_words(heading[:MAX_HEADING_LENGTH]))


def kind_of_element(text: str) -> str | None:
    """Return the code of the only kind of element that a text names: `Precast Wall Schedule` → `WALL`.

    Of `Hollow core slab` the longest is meant, and a compound such as `Wandliste` is found by its beginning.
    """
    words = split_words(text[:MAX_HEADING_LENGTH])[:_MAX_WORDS]
    kinds = load().element_types
    for size in (3, 2, 1):
        found = {kinds.get("".join(words[start : start + size])) for start in range(len(words) - size + 1)} - {None}
        if found:
            return found.pop() if len(found) == 1 else None
    compounds = {code for word in words if len(word) > _SHORTEST_COMPOUND for code in _kinds_at_start(word, kinds)}
    return compounds.pop() if len(compounds) == 1 else None


def _kinds_at_start(word: str, kinds: Mapping[str, str]) -> Iterator[str]:
    for size in range(_SHORTEST_KIND, len(word)):
        if code := kinds.get(word[:size]):
            yield code


def _fold(text: str) -> str:
    return unicodedata.normalize("NFKD", clean_text(text).casefold().translate(_FOLDED))


def _index_headings(headings: Mapping[str, Mapping[str, list[str]]]) -> dict[str, tuple[HeadingMeaning, ...]]:
    languages: dict[tuple[str, str], set[str]] = defaultdict(set)
    spelled: dict[tuple[str, str], str] = {}
    for kind, lists in headings.items():
        for language, aliases in lists.items():
            for alias in aliases:
                languages[squash(alias), kind].add(language)
                spelled.setdefault((squash(alias), kind), alias)
    index: dict[str, list[HeadingMeaning]] = defaultdict(list)
    for (key, kind), found in languages.items():
        confidence = min(EXACT, _SHORT.get(len(key), EXACT))
        index[key].append(HeadingMeaning(kind, confidence, spelled[key, kind], frozenset(found)))
    return {key: tuple(found) for key, found in index.items()}


def _languages_of(lists: Mapping[str, Iterable[str]]) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for language, words in lists.items():
        for word in words:
            found[squash(word)].add(language)
    return {word: frozenset(languages) for word, languages in found.items()}


def _by_words(name: str, vocabulary: Vocabulary) -> Iterator[HeadingMeaning]:
    """Yield the meanings of the longest aliases that a heading of several words contains."""
    words = split_words(name)[:_MAX_WORDS]
    if len(words) < 2:
        return
    for size in range(len(words) - 1, 0, -1):
        parts = ["".join(words[start : start + size]) for start in range(len(words) - size + 1)]
        found = [meaning for part in parts if len(part) > 2 for meaning in vocabulary.headings.get(part, ())]
        if found:
            share = size / len(words)
            for meaning in found:
                yield _with_confidence(meaning, WORDS - 0.1 * (1 - share))
            return


def _by_compound(key: str, vocabulary: Vocabulary) -> list[HeadingMeaning]:
    """Return the meanings of the longest alias at the end of a compound word, such as `Wandlänge`."""
    for start in range(1, len(key) - _SHORTEST_PART + 1):
        found = vocabulary.headings.get(key[start:], ())
        if found:
            return [_with_confidence(meaning, COMPOUND) for meaning in found]
    return []


def _by_similarity(key: str, vocabulary: Vocabulary) -> list[HeadingMeaning]:
    """Return the meanings of the alias that is spelled most similarly."""
    found = process.extractOne(key, _long_aliases(), scorer=fuzz.ratio, score_cutoff=_MIN_SIMILARITY)
    if found is None:
        return []
    alias, score, _ = found
    return [_with_confidence(meaning, SIMILAR * score / 100) for meaning in vocabulary.headings[alias]]


@cache
def _long_aliases() -> tuple[str, ...]:
    return tuple(alias for alias in load().headings if len(alias) >= _SHORTEST_PART)


def _with_confidence(meaning: HeadingMeaning, confidence: float) -> HeadingMeaning:
    return HeadingMeaning(meaning.kind, confidence, meaning.alias, meaning.languages)


def spelled_words(name: str, languages: Iterable[str]) -> list[str]:
    """Return the words of a list, such as `no`, in some languages, as the data file spells them."""
    spelled: Mapping[str, Any] = load().spelled
    return [word for language in languages for word in spelled.get(f"{name} {language}", ())]
