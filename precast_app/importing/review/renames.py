"""Probable renames: a missing and a new element type of the same type, with similar names and equal values. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Protocol

from precast_app.importing.diff import RowComparison, StoredElementType
from precast_app.importing.plan import Update
from precast_app.importing.review.missing import MissingElementType
from precast_app.importing.row_validation import Row

# The share of the compared values that are equal, and how many have to be compared.
_LEAST_SIMILARITY = 0.8
_LEAST_VALUES = 3
# Characters that a name may have more than the other one.
_MAX_SUFFIX_LENGTH = 3
# Names that are compared with one name; more are no sign of a rename.
_MAX_CANDIDATES = 20

# A name without separators: `W-112a` → `("w", "112", "a")`.
_Parts = tuple[str, ...]


class StoredReader(Protocol):
    """The element types of the project before the job."""

    def element_types_by_id(self, ids: Sequence[int]) -> Mapping[int, StoredElementType]: ...


@dataclass(frozen=True, slots=True)
class ProbableRename:
    """A missing element type that a row of the file probably renames, and the change that this would be."""

    missing: MissingElementType
    update: Update


def find_renames(
    missing: Sequence[MissingElementType], created: Sequence[Row], comparison: RowComparison, stored: StoredReader
) -> list[ProbableRename]:
    """Return the probable renames in the order of the rows.

    An element type that may have become several, or several that may have become one, is no rename.
    """
    pairs = list(_similar_names(missing, created))
    if not pairs:
        return []
    types = stored.element_types_by_id(sorted({each.id for each, _ in pairs}))
    scored: list[tuple[float, MissingElementType, Row]] = []
    for each, row in pairs:
        kept = comparison.with_kept(row, types[each.id])
        score = comparison.similarity(kept.values, types[each.id], least_values=_LEAST_VALUES)
        if score >= _LEAST_SIMILARITY:
            scored.append((score, each, kept))
    best_rows = _clearly_best((each.id, score, row.number) for score, each, row in scored)
    best_types = _clearly_best((row.number, score, each.id) for score, each, row in scored)
    found = [
        ProbableRename(each, _rename(each, row, comparison, types[each.id]))
        for _, each, row in scored
        if best_rows.get(each.id) == row.number and best_types.get(row.number) == each.id
    ]
    return sorted(found, key=lambda rename: rename.update.row.number)


def build_renames(
    pairs: Sequence[tuple[MissingElementType, Row]], comparison: RowComparison, stored: StoredReader
) -> list[ProbableRename]:
    """Return the renames of missing element types by given rows."""
    types = stored.element_types_by_id([each.id for each, _ in pairs]) if pairs else {}
    return [
        ProbableRename(each, _rename(each, comparison.with_kept(row, types[each.id]), comparison, types[each.id]))
        for each, row in pairs
    ]


def find_counterparts(
    missing: Iterable[MissingElementType], created: Iterable[Row]
) -> tuple[dict[int, str], dict[int, str]]:
    """Return the other side of missing and new element types that have the same name, but not the same type.

    The first value is the missing one by the number of the row, the second the new one by the id of the missing one.
    A name that several have on a side has no counterpart.
    """
    gone: dict[str, list[MissingElementType]] = defaultdict(list)
    new: dict[str, list[Row]] = defaultdict(list)
    for each in missing:
        gone[each.name_key].append(each)
    for row in created:
        if row.key[1] in gone:
            new[row.key[1]].append(row)
    pairs = [(gone[name][0], rows[0]) for name, rows in new.items() if len(gone[name]) == len(rows) == 1]
    return (
        {row.number: each.full_name for each, row in pairs},
        {each.id: f"{row.values[0]} {row.values[1]}" for each, row in pairs},
    )


def _rename(each: MissingElementType, row: Row, comparison: RowComparison, stored: StoredElementType) -> Update:
    difference = comparison.difference(row.values, stored)
    base = {"name": (each.name, str(row.values[1])), **difference.base}
    return Update(row, each.id, each.element_type, replace(difference, base=base), former_name=each.name)


def _clearly_best(scored: Iterable[tuple[int, float, int]]) -> dict[int, int]:
    """Return the one with the best score for each key, but for keys whose best score is shared."""
    best: dict[int, tuple[float, int | None]] = {}
    for key, score, other in scored:
        known = best.get(key)
        if known is None or score > known[0]:
            best[key] = score, other
        elif score == known[0]:
            best[key] = score, None
    return {key: other for key, (_, other) in best.items() if other is not None}


def _similar_names(
    missing: Sequence[MissingElementType], created: Sequence[Row]
) -> Iterator[tuple[MissingElementType, Row]]:
    """Yield the pairs of the same type whose names differ in separators, in a short suffix or in letters only."""
    index: dict[tuple[str, str, _Parts], list[Row]] = defaultdict(list)
    types = {each.type_key for each in missing}
    for row in created:
        if row.key[0] in types:
            for kind, parts in _lookups(row.key[1]):
                index[row.key[0], kind, parts].append(row)
    for each in missing:
        candidates: dict[int, Row] = {}
        for kind, parts in _lookups(each.name_key):
            # A suffix is on one of the two sides.
            for wanted in {"name": ("name", "stem"), "stem": ("name",), "digits": ("digits",)}[kind]:
                rows = index.get((each.type_key, wanted, parts), ())
                if len(rows) <= _MAX_CANDIDATES:
                    candidates.update((row.number, row) for row in rows)
        yield from ((each, row) for row in candidates.values())


def _lookups(name_key: str) -> Iterator[tuple[str, _Parts]]:
    """Yield the parts of a name, those that are left without a short suffix, and its number with its first letter."""
    parts = _split(name_key)
    yield "name", parts
    numbers = tuple(part for part in parts if part.isdigit())
    first = next((place for place, part in enumerate(parts) if part.isdigit()), 0)
    for end in range(len(parts) - 1, first, -1):
        if sum(map(len, parts[end:])) > _MAX_SUFFIX_LENGTH:
            break
        yield "stem", parts[:end]
    if numbers:
        yield "digits", (parts[0][:1], *numbers)


def _split(name_key: str) -> _Parts:
    """Return the runs of letters and of digits in a name."""
    kinds = groupby(name_key, lambda sign: "digit" if sign.isdigit() else "letter" if sign.isalpha() else "")
    return tuple("".join(signs) for kind, signs in kinds if kind)
