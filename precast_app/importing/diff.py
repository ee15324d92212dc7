"""What an import changes in one element type, and the image of it that is kept.

The image (`models.Change.fields`) is JSON of what was changed and nothing else, each as [before, after]:
`{"height": ["3000", "3100"], "version": ["VR-1", "VR-2"], "drawings": {"7": [null, "W-1.dwg"]},
"quantities": {"12": [3, 1]}, "stages": {"4": [false, true]}, "bom": {"9": ["1.5", null]},
"removed_pieces": [[node_id, number, code, job_id], …]}`, where the job is the one that had made the piece. Decimals are
strings, so that no digit is lost; the keys of a group are ids of drawing types, nodes, stages and products.

An undo's image of an element type that it deleted is `{"deleted": [element_type, name]}`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from precast_app.importing.schema import ColumnGroup, ColumnMap
from precast_app.models.element_type import MEASURES

GROUPS = (ColumnGroup.DRAWINGS, ColumnGroup.NODES, ColumnGroup.STAGES, ColumnGroup.BOM)
DELETED = "deleted"
GROUP_KEYS = frozenset(group.value for group in GROUPS)
# What is stored where there is no row for a target.
EMPTY_VALUES: dict[ColumnGroup, Any] = {
    ColumnGroup.DRAWINGS: None,
    ColumnGroup.NODES: 0,
    ColumnGroup.STAGES: False,
    ColumnGroup.BOM: None,
}

Pair = tuple[Any, Any]
# A piece that was removed: its node, number and code, and the job that had made it.
RemovedPiece = tuple[int, int, str, int | None]


@dataclass(slots=True)
class StoredElementType:
    """An element type as it is stored: measures and version by field, and each group by target id."""

    id: int
    element_type: str
    base: dict[str, Any]
    groups: dict[ColumnGroup, dict[int, Any]]


@dataclass(frozen=True, slots=True)
class Difference:
    """What changes, (before, after) each: base columns by field, groups by target id."""

    base: dict[str, Pair] = field(default_factory=dict)
    groups: dict[ColumnGroup, dict[int, Pair]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.base or self.groups)


class RowComparison:
    """Compares rows of one file with what is stored. What the file has no column for is left alone."""

    def __init__(self, columns: ColumnMap) -> None:
        # The first two columns are the identity, whose spelling is never changed.
        self._base = [(place, str(target)) for place, target in columns.positions(ColumnGroup.BASE)][2:]
        self._groups = [
            (group, EMPTY_VALUES[group], [(place, int(target)) for place, target in columns.positions(group)])
            for group in GROUPS
        ]

    def difference(self, values: tuple[Any, ...], stored: StoredElementType) -> Difference:
        """What the row's values change in the element type that is stored."""
        base = {
            name: (stored.base[name], values[place]) for place, name in self._base if stored.base[name] != values[place]
        }
        groups = {}
        for group, none, places in self._groups:
            stored_values = stored.groups[group]
            # Mostly nothing changes, and two dicts are compared in no time.
            if stored_values == {target: value for place, target in places if (value := values[place]) != none}:
                continue
            get = stored_values.get
            pairs = {
                target: (before, values[place])
                for place, target in places
                if (before := get(target, none)) != values[place]
            }
            if pairs:
                groups[group] = pairs
        return Difference(base, groups)


def to_json_text(difference: Difference, removed_pieces: list[RemovedPiece]) -> str:
    """The image that is kept, as JSON."""
    return _ENCODER.encode(_before_image(difference, removed_pieces))


def to_json(difference: Difference) -> dict[str, Any]:
    """The image of a change that is only planned, as it is read back."""
    image: dict[str, Any] = json.loads(to_json_text(difference, []))
    return image


def restore_before(stored: StoredElementType, before_image: dict[str, Any]) -> None:
    """Put an element type back, in memory, to what it was before the change that the image tells of."""
    for name, change in before_image.items():
        if name in stored.base:
            stored.base[name] = _decimal(change[0]) if name in MEASURES else change[0]
    for group in GROUPS:
        for target, (before, _) in before_image.get(group.value, {}).items():
            if before in (None, 0, False):
                stored.groups[group].pop(int(target), None)
            else:
                stored.groups[group][int(target)] = _decimal(before) if group is ColumnGroup.BOM else before


def invert(image: dict[str, Any]) -> dict[str, Any]:
    """The image of a change back: what was after is before. Pieces are left out; they are no values."""
    back: dict[str, Any] = {}
    for name, change in image.items():
        if name in GROUP_KEYS:
            back[name] = {target: [after, before] for target, (before, after) in change.items()}
        elif name != "removed_pieces":
            back[name] = [change[1], change[0]]
    return back


# JSON has only text for the ids that are keys; a value that it doesn't know is a decimal.
_ENCODER = json.JSONEncoder(ensure_ascii=False, check_circular=False, separators=(",", ":"), default=str)


def _before_image(difference: Difference, removed_pieces: list[RemovedPiece]) -> dict[str, Any]:
    image: dict[str, Any] = {**difference.base, **{group.value: pairs for group, pairs in difference.groups.items()}}
    if removed_pieces:
        image["removed_pieces"] = removed_pieces
    return image


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)
