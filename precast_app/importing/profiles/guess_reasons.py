"""Sentences that say why a column may mean something. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from precast_app.importing.profiles import vocabulary
from precast_app.importing.profiles.profile import PlaceField
from precast_app.importing.profiles.vocabulary import LANGUAGES, HeadingMeaning
from precast_app.messages import Message

# What a heading can mean, as a part of a sentence.
MEANINGS: Mapping[str, Message] = {
    "element_type": Message("element type"),
    "name": Message("element type name"),
    "height": Message("height"),
    "length": Message("length"),
    "thickness": Message("thickness"),
    "mass": Message("mass"),
    "volume": Message("volume"),
    "area": Message("area"),
    "width": Message("width"),
    "version": Message("version"),
    "drawing_type": Message("drawing type"),
    PlaceField.PLACE: Message("the place"),
    PlaceField.TOWER: Message("the tower"),
    PlaceField.FLOOR: Message("the floor"),
    PlaceField.COUNT: Message("the number of pieces"),
}
_SHORT_ALIAS = 2
_SHOWN = 60
_MAX_WORD_LENGTH = 30


def known_heading(text: str, meaning: HeadingMeaning, votes: Mapping[str, float]) -> Message:
    """Return why a heading means something: it is a known one, contains one, or is spelled almost like one.

    `votes` say how many headings of the list speak for each language.
    """
    heading, alias, means = text[:_SHOWN], meaning.alias, MEANINGS[meaning.kind]
    language = LANGUAGES[max(sorted(meaning.languages), key=lambda each: votes[each])]
    is_foreign = "en" not in meaning.languages
    if meaning.confidence >= vocabulary.EXACT * 0.8 or len(alias) <= _SHORT_ALIAS:
        if is_foreign:
            return Message(
                "%(heading)s means %(meaning)s in %(language)s.", heading=heading, meaning=means, language=language
            )
        return Message("%(heading)s means %(meaning)s.", heading=heading, meaning=means)
    is_part = vocabulary.squash(alias) in vocabulary.squash(text)
    if is_part and is_foreign:
        return Message(
            "%(heading)s contains %(alias)s, which means %(meaning)s in %(language)s.",
            heading=heading,
            alias=alias,
            meaning=means,
            language=language,
        )
    if is_part:
        return Message(
            "%(heading)s contains %(alias)s, which means %(meaning)s.", heading=heading, alias=alias, meaning=means
        )
    if is_foreign:
        return Message(
            "%(heading)s is spelled almost like %(alias)s, which means %(meaning)s in %(language)s.",
            heading=heading,
            alias=alias,
            meaning=means,
            language=language,
        )
    return Message(
        "%(heading)s is spelled almost like %(alias)s, which means %(meaning)s.",
        heading=heading,
        alias=alias,
        meaning=means,
    )


def ignored_heading(text: str, meaning: HeadingMeaning) -> Message:
    """Return why a column with a known heading is not read."""
    heading = text[:_SHOWN]
    if meaning.kind == "serial":
        return Message("%(heading)s numbers rows or single pieces, which are numbered by the import.", heading=heading)
    if meaning.kind == "piece_status":
        return Message("%(heading)s is about single pieces, not about element types.", heading=heading)
    return Message("%(heading)s is nothing that an import of element types reads.", heading=heading)


def words_of_stage(words: Sequence[str]) -> Message:
    """Return that the cells have words such as those of a stage, with the first two of them."""
    first, *others = (word[:_MAX_WORD_LENGTH] for word in words)
    if not others:
        return Message("The cells say %(word)s, as for a stage.", word=first)
    return Message("The cells say %(word)s and %(other)s, as for a stage.", word=first, other=others[0])
