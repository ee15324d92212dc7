"""Replacements of cells that a proposal suggests: words for yes and no, towers and floors of the project. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from precast_app.importing import cell_parsing, hierarchy
from precast_app.importing.cell_parsing import InvalidCell
from precast_app.importing.profiles import vocabulary
from precast_app.importing.profiles.list_columns import ListColumn
from precast_app.importing.profiles.profile import (
    ImportProfile,
    ItemTarget,
    PlaceField,
    PlaceTarget,
    Target,
    value_kind,
)
from precast_app.importing.profiles.target_guesses import Knowledge, nodes_at_end
from precast_app.importing.reference_data import ReferenceItem
from precast_app.importing.schema import ColumnGroup
from precast_app.text import match_key

_MAX_RULES = 200
_MAX_TEXT_LENGTH = 255

Rules = Mapping[str, Mapping[str, str]]


def propose_values(
    columns: Sequence[ListColumn],
    targets: Sequence[Target | None],
    knowledge: Knowledge,
    profiles: Iterable[ImportProfile],
) -> Rules:
    """Return replacements by kind of target, for what the cells say: {"stage": {"ja": "yes", "nein": "no"}}."""
    found: dict[str, dict[str, str]] = {}
    learned = _rules_of_profiles(profiles)
    for column, target in zip(columns, targets, strict=True):
        kind = value_kind(target)
        if not kind:
            continue
        rules = found.setdefault(kind, {})
        for text in _short(column.values.texts):
            known = learned.get(kind, {}).get(match_key(text))
            if known is not None:
                rules.setdefault(text, known)
        if isinstance(target, ItemTarget) and target.group is ColumnGroup.STAGES:
            rules.update(_yes_no_rules(_short(column.values.texts), knowledge.languages))
        if isinstance(target, PlaceTarget) and target.field in (PlaceField.TOWER, PlaceField.FLOOR, PlaceField.PLACE):
            for text in _short(column.values.texts):
                if name := _node_of(text, target.field, knowledge.reference.of(ColumnGroup.NODES)):
                    rules.setdefault(text, name)
    return {kind: rules for kind, rules in found.items() if rules}


def _short(texts: Sequence[str]) -> list[str]:
    """Return the first texts that are short enough for a replacement."""
    return [text for text in texts[:_MAX_RULES] if len(text) <= _MAX_TEXT_LENGTH]


def _rules_of_profiles(profiles: Iterable[ImportProfile]) -> dict[str, dict[str, str]]:
    known: dict[str, dict[str, str]] = {}
    for profile in profiles:
        for kind, rules in profile.values.items():
            # Places are names of one project.
            if kind not in tuple(PlaceField):
                for text, replacement in rules.items():
                    known.setdefault(kind, {}).setdefault(match_key(text), replacement)
    return known


def _yes_no_rules(texts: Sequence[str], languages: Mapping[str, float]) -> dict[str, str]:
    """Return replacements for words of other languages, also for the one of the two that the cells don't have yet."""
    words = vocabulary.load().words
    rules: dict[str, str] = {}
    for text in texts:
        for answer, other in (("yes", "no"), ("no", "yes")):
            spoken = words[answer].get(vocabulary.squash(text[:40]), frozenset())
            if not spoken or _is_understood(text):
                continue
            rules[text] = answer
            language = max(sorted(spoken), key=lambda each: languages.get(each, 0.0))
            for word in vocabulary.spelled_words(other, [language])[:1]:
                if not _is_understood(word):
                    rules.setdefault(word, other)
            break
    return rules


def _is_understood(text: str) -> bool:
    try:
        cell_parsing.parse_yes_no(text)
    except InvalidCell:
        return False
    return True


def _node_of(text: str, field: PlaceField, nodes: Sequence[ReferenceItem]) -> str | None:
    """Return the project's name for a tower, floor or place, if a list calls it otherwise and only one fits."""
    if not nodes or nodes_at_end(text, nodes):
        return None
    wanted = _distinguishing_parts(text)
    found = {}
    for node in nodes:
        levels = hierarchy.split_levels(node.name, hierarchy.DEEPEST)
        parts = {PlaceField.TOWER: levels[:1], PlaceField.FLOOR: levels[-1:]}.get(field, [node.name])
        for part in parts:
            if _distinguishing_parts(part) == wanted:
                found[match_key(part)] = part
    return next(iter(found.values())) if len(found) == 1 else None


def _distinguishing_parts(name: str) -> tuple[str, ...]:
    """Return what tells a tower or floor from others: `Tower A` and `A`, `L02`, `Level 2` and `2` are the same."""
    floors = vocabulary.load().words["floor"]
    headings = vocabulary.load().headings
    core = []
    for part in vocabulary.split_words(name[:100]):
        kinds = {meaning.kind for meaning in headings.get(part, ())}
        if part.isdigit():
            core.append(str(int(part)) if len(part) < 20 else part)
        elif not (part in floors and kinds & {"floor"}) and "tower" not in kinds and part != "l":
            core.append(part)
    return tuple(core)
