"""What a column of a list may mean, how sure that is and why: by its heading, its unit and its cells. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from rapidfuzz import fuzz, process

from precast_app.importing import units
from precast_app.importing.column_mapping import NameIndex, find_targets
from precast_app.importing.profiles import guess_reasons, levels, vocabulary
from precast_app.importing.profiles.column_units import guess_unit
from precast_app.importing.profiles.column_values import ColumnValues
from precast_app.importing.profiles.list_columns import ListColumn
from precast_app.importing.profiles.profile import (
    BASE_FIELDS,
    GROUP_KEYS,
    BaseTarget,
    ImportProfile,
    ItemTarget,
    PlaceField,
    PlaceTarget,
    Target,
)
from precast_app.importing.profiles.target_fit import look_like_marks, rate_fit
from precast_app.importing.profiles.vocabulary import LANGUAGES, HeadingMeaning
from precast_app.importing.reference_data import ReferenceData, ReferenceItem
from precast_app.importing.schema import GROUP_SPECS, MEASURES, ColumnGroup
from precast_app.messages import Message, join_messages
from precast_app.text import match_key, path_key

# A guess below this is left open.
MIN_CONFIDENCE = 0.5
# Guesses that are shown for a column.
_MAX_GUESSES = 5
_SHOWN = 60
_MIN_NAME_SIMILARITY = 88
_MAX_COMPARED_NAMES = 2_000


@dataclass(frozen=True, slots=True)
class Guess:
    """What a column may mean, from 0 (unlikely) to 1 (certain), and why; without a target: that it is not read."""

    target: Target | None
    unit: str | None
    confidence: float
    reason: Message


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What guesses are based on beside the column.

    These are the project's names, the headings of other profiles, the votes for languages, and whether other headings
    name floors.
    """

    reference: ReferenceData
    names: NameIndex
    learned: Mapping[str, tuple[Target | None, str | None, str]]
    languages: Mapping[str, float]
    has_floors: bool = False


def learn(profiles: Iterable[ImportProfile]) -> dict[str, tuple[Target | None, str | None, str]]:
    """Return target, unit and profile name by heading, from the first profile that knows the heading."""
    known: dict[str, tuple[Target | None, str | None, str]] = {}
    for profile in profiles:
        for column in profile.columns:
            if column.heading or column.sub_heading:
                key = match_key(f"{column.heading}_{column.sub_heading}")
                known.setdefault(key, (column.target, column.unit, profile.name))
    return known


def vote_languages(columns: Sequence[ListColumn]) -> dict[str, float]:
    """Return how many headings speak for each language; a heading of several languages counts as a part for each."""
    votes: dict[str, float] = dict.fromkeys(LANGUAGES, 0.0)
    for column in columns:
        spoken = {
            language
            for meaning in vocabulary.meanings(column.text)
            if meaning.confidence >= vocabulary.WORDS and len(meaning.alias) > 2
            for language in meaning.languages
        }
        for language in spoken:
            votes[language] += 1 / len(spoken)
    return votes


def guess_targets(column: ListColumn, knowledge: Knowledge) -> list[Guess]:
    """Return what a column may mean, the surest guess first."""
    if not column.text and not column.values.filled:
        return []
    found = [*_from_project(column, knowledge), *_from_profiles(column, knowledge)]
    found += _from_heading(column, knowledge)
    found += _from_values(column)
    found += _from_similar_names(column, knowledge, found)
    best: dict[Target | None, Guess] = {}
    for each in found:
        known = best.get(each.target)
        if known is None or known.confidence < each.confidence:
            best[each.target] = each
    ordered = sorted(best.values(), key=lambda each: -each.confidence)[:_MAX_GUESSES]
    return [replace(each, confidence=round(each.confidence, 2)) for each in ordered]


def _example(values: ColumnValues) -> str:
    return values.texts[0][:_SHOWN] if values.texts else ""


def _from_project(column: ListColumn, knowledge: Knowledge) -> Iterator[Guess]:
    """Yield the items of the project that the heading names."""
    top, sub = column.heading.top, column.heading.sub
    found = find_targets(top, sub, knowledge.names)
    for group, item in found:
        kind = GROUP_SPECS[group].reference.singular
        reason = Message("The project has a %(item)s called %(name)s.", item=kind, name=item.name)
        yield Guess(ItemTarget(group, item.name), None, 0.97 if len(found) == 1 else 0.6, reason)


def _from_profiles(column: ListColumn, knowledge: Knowledge) -> Iterator[Guess]:
    """Yield what another import profile of the installation takes the heading for."""
    known = knowledge.learned.get(match_key(f"{column.heading.top}_{column.heading.sub}"))
    if known is None or not column.text:
        return
    target, unit, name = known
    shown = name[:_SHOWN]
    if target is None:
        reason = Message("The import profile %(profile)s ignores this heading.", profile=shown)
        yield Guess(None, None, 0.6, reason)
    else:
        reason = Message("The import profile %(profile)s reads this heading so.", profile=shown)
        yield Guess(target, unit, 0.9 * rate_fit(target, column.values), reason)


def _from_heading(column: ListColumn, knowledge: Knowledge) -> Iterator[Guess]:
    for meaning in _spoken(vocabulary.meanings(column.text), knowledge):
        target = _target_of(meaning.kind, column, knowledge)
        if target is None:
            yield Guess(None, None, meaning.confidence * 0.9, guess_reasons.ignored_heading(column.text, meaning))
            continue
        confidence = meaning.confidence * (0.5 if _is_basement(column, knowledge) else 1.0)
        if isinstance(target, BaseTarget) and target.field in MEASURES and vocabulary.says_all_pieces(column.text):
            reason = Message("%(heading)s is that of all pieces together, not of one.", heading=column.text[:_SHOWN])
            yield Guess(None, None, 0.85, reason)
            confidence *= 0.4
        unit = guess_unit(column, target)
        if len(meaning.alias) <= 2 and unit.is_stated:
            confidence += 0.2
        confidence *= unit.factor * rate_fit(target, column.values)
        reason = guess_reasons.known_heading(column.text, meaning, knowledge.languages)
        reasons = [reason, unit.reason] if unit.reason else [reason]
        yield Guess(target, unit.unit, min(confidence, 0.99), join_messages(" ", reasons))
    if _is_numbered_tower(column):
        yield from _as_counts_of_tower(column, knowledge)
    # KG is a basement beside EG and OG, and a unit elsewhere.
    if levels.is_level(column.text) or _is_basement(column, knowledge) or _is_numbered_floor(column):
        yield from _as_floor(column, knowledge)


def _spoken(meanings: Iterable[HeadingMeaning], knowledge: Knowledge) -> Iterator[HeadingMeaning]:
    """Yield the meanings, those of a language that the other headings don't speak with less confidence."""
    most = max(knowledge.languages.values(), default=0.0)
    for meaning in meanings:
        votes = max(knowledge.languages[language] for language in meaning.languages)
        is_foreign = most >= 1.5 and votes < most * 0.3
        yield replace(meaning, confidence=meaning.confidence * (0.8 if is_foreign else 1.0))


def _target_of(kind: str, column: ListColumn, knowledge: Knowledge) -> Target | None:
    if kind in BASE_FIELDS:
        return BaseTarget(kind)
    if kind in tuple(PlaceField):
        return PlaceTarget(PlaceField(kind))
    if kind == "drawing_type":
        return ItemTarget(ColumnGroup.DRAWINGS, _item_name(ColumnGroup.DRAWINGS, column.text, knowledge.reference))
    return None


def _item_name(group: ColumnGroup, heading: str, reference: ReferenceData) -> str:
    """Return the project's item that a heading means, the only one that it has, or else the heading itself."""
    items = reference.of(group)
    canonical = _canonical(group, heading)
    for item in items:
        if canonical and _canonical(group, item.name) == canonical:
            return item.name
    if group is ColumnGroup.DRAWINGS and len(items) == 1:
        return items[0].name
    return heading[:150]


def _canonical(group: ColumnGroup, text: str) -> str | None:
    return vocabulary.load().items.get((GROUP_KEYS[group], vocabulary.squash(text[:150])))


def _is_basement(column: ListColumn, knowledge: Knowledge) -> bool:
    return column.text == "KG" and knowledge.has_floors


def _is_numbered_floor(column: ListColumn) -> bool:
    """Return whether the heading is a number below a heading that means floors."""
    top = {meaning.kind for meaning in vocabulary.meanings(column.top)}
    return column.heading.sub.isdigit() and len(column.heading.sub) <= 3 and "floor" in top


def _is_numbered_tower(column: ListColumn) -> bool:
    """Return whether the heading is the name of one tower, such as `T1`, `Tower 2` or `Block C`."""
    words = vocabulary.split_words(column.text[:_SHOWN])
    if len(words) != 2 or column.heading.sub:
        return False
    kinds = {meaning.kind for meaning in vocabulary.load().headings.get(words[0], ())}
    is_name = "tower" in kinds or words[0] == "t"
    return is_name and len(words[1]) <= 2 and (words[1].isdigit() or len(words[1]) == 1)


def _as_counts_of_tower(column: ListColumn, knowledge: Knowledge) -> Iterator[Guess]:
    values = column.values
    if values.filled and values.share(values.integers) < 0.9:
        return
    name = node_name(column.text, knowledge.reference)
    reason = Message("%(heading)s is a tower, and the cells below are counts.", heading=column.text[:_SHOWN])
    yield Guess(ItemTarget(ColumnGroup.NODES, name), None, 0.85 if values.filled else 0.6, reason)


def _as_floor(column: ListColumn, knowledge: Knowledge) -> Iterator[Guess]:
    """Yield the node that a column of counts below the name of a floor is about."""
    values = column.values
    if values.share(values.integers) < 0.9 and values.filled:
        return
    top = column.top if column.heading.sub else ""
    floor = column.text
    # A heading over several floors names a tower, or says that they are floors or counts.
    kinds = {meaning.kind for meaning in vocabulary.meanings(top)}
    is_tower = bool(top) and (not kinds & {"count", "floor", "place", "ignored"} or any(c.isdigit() for c in top))
    if _is_numbered_floor(column):
        is_tower, floor = False, f"{top} {floor}"
    name = node_name(f"{top}.{floor}" if is_tower else floor, knowledge.reference)
    reason = Message("%(heading)s is a floor, and the cells below are counts.", heading=floor[:_SHOWN])
    yield Guess(ItemTarget(ColumnGroup.NODES, name), None, 0.92 if values.filled else 0.7, reason)


def node_name(name: str, reference: ReferenceData) -> str:
    """Return the path of the project's only node whose last level has this name; else the name."""
    found = nodes_at_end(name, reference.of(ColumnGroup.NODES))
    return found[0].name if len(found) == 1 else name[:500]


def nodes_at_end(name: str, nodes: Sequence[ReferenceItem]) -> list[ReferenceItem]:
    """Return the nodes whose last level has a name."""
    key = path_key(name)
    return [node for node in nodes if node.key == key or node.key.endswith(f".{key}")]


def _from_values(column: ListColumn) -> Iterator[Guess]:
    """Yield what the cells and the unit show on their own; surer guesses come from headings."""
    values = column.values
    if not values.filled:
        return
    example = _example(values)
    heading = column.text
    _, unit = vocabulary.split_unit(heading)
    unit = (
        unit
        or column.unit_below
        or (next(iter(values.units), "") if values.units and values.share(values.with_unit) > 0.8 else "")
    )
    for field, own in (("volume", "m³"), ("area", "m²"), ("mass", "kg")):
        is_own = not vocabulary.says_all_pieces(heading) and not vocabulary.names_material(heading)
        if unit and units.factor(own, unit) is not None and is_own:
            target = BaseTarget(field)
            reason = Message("%(unit)s is a unit of %(measure)s.", unit=unit, measure=guess_reasons.MEANINGS[field])
            yield Guess(target, guess_unit(column, target).unit, 0.55 * rate_fit(target, values), reason)
    if vocabulary.names_material(heading) and values.share(values.numbers) >= 0.9:
        # A product's name has two parts.
        name = vocabulary.split_unit(heading)[0].strip()
        confidence = 0.55 if len(name.split()) > 1 else 0.45
        reason = Message("%(heading)s is a material.", heading=heading[:_SHOWN])
        yield Guess(ItemTarget(ColumnGroup.BOM, name), None, confidence, reason)
    if values.share(values.levels) >= 0.7:
        reason = Message("The cells name floors, such as %(cell)s.", cell=example)
        yield Guess(PlaceTarget(PlaceField.FLOOR), None, 0.65, reason)
    if values.share(values.files) >= 0.7:
        reason = Message("The cells are names of files, such as %(cell)s.", cell=example)
        yield Guess(ItemTarget(ColumnGroup.DRAWINGS, heading[:150] or "Drawing"), None, 0.65, reason)
    if values.share(values.versions) >= 0.9 and values.distinct <= max(5, values.filled // 4):
        reason = Message("The cells are versions, such as %(cell)s.", cell=example)
        yield Guess(BaseTarget("version"), None, 0.7, reason)
    if values.share(values.kinds) >= 0.7:
        reason = Message("The cells are kinds of elements, such as %(cell)s.", cell=example)
        yield Guess(BaseTarget("element_type"), None, 0.7, reason)
    elif look_like_marks(values):
        reason = Message("The cells look like marks, such as %(cell)s.", cell=example)
        yield Guess(BaseTarget("name"), None, 0.45, reason)


def _from_flags(column: ListColumn, knowledge: Knowledge) -> Iterator[Guess]:
    """Yield the stage that a column of yes and no may be about."""
    values = column.values
    canonical = _canonical(ColumnGroup.STAGES, column.text)
    is_flag = values.filled and values.share(values.yes_no) >= 0.95
    is_binary = all(text in ("0", "1") for text in values.texts)
    if not column.text or (values.filled and values.share(values.yes_no) < 0.8 and not is_binary):
        return
    name = _item_name(ColumnGroup.STAGES, column.text, knowledge.reference)
    if canonical:
        reason = Message("%(heading)s is a stage of production.", heading=column.text[:_SHOWN])
        yield Guess(ItemTarget(ColumnGroup.STAGES, name), None, 0.9 if is_flag else 0.6, reason)
    elif is_flag and values.share(values.numbers) < 0.5:
        known = {meaning.kind for meaning in vocabulary.meanings(column.text) if meaning.confidence >= vocabulary.EXACT}
        yield Guess(
            ItemTarget(ColumnGroup.STAGES, name),
            None,
            0.4 if known else 0.6,
            guess_reasons.words_of_stage(values.texts),
        )


def _from_similar_names(column: ListColumn, knowledge: Knowledge, found: Sequence[Guess]) -> Iterator[Guess]:
    """Yield the stage of a column of yes and no, and the project's item that is spelled almost like the heading."""
    yield from _from_flags(column, knowledge)
    text = match_key(f"{column.heading.top}_{column.heading.sub}")
    if not 4 <= len(text) <= _SHOWN or any(guess.confidence >= 0.8 for guess in found):
        return
    names = list(knowledge.names)[:_MAX_COMPARED_NAMES]
    similar = process.extractOne(text, names, scorer=fuzz.ratio, score_cutoff=_MIN_NAME_SIMILARITY)
    if similar:
        group, item = knowledge.names[similar[0]][0]
        kind = GROUP_SPECS[group].reference.singular
        reason = Message("The project has a %(item)s with almost this name, %(name)s.", item=kind, name=item.name)
        yield Guess(ItemTarget(group, item.name), None, 0.7, reason)
