"""What an import changes in one element type, and the before-image that is stored of it. Pure.

The before-image (`models.ElementTypeChange.fields`) is JSON with only what was changed, each as [before, after]:
`{"name": ["W-1", "W-1A"], "height": ["3000", "3100"], "version": ["VR-1", "VR-2"],
"drawings": {"7": [null, "W-1.dwg"]}, "quantities": {"12": [3, 1]}, "stages": {"4": [false, true]},
"bom": {"9": ["1.5", null]},
"removed_pieces": [[node_id, number, code, job_id, id, status_since, replaces_id], …]}`, where the job is the one that
had created the piece; pieces that earlier versions removed end with the job or before it. Decimals are strings, so that
no digit is lost. The keys of a group are ids of the items that its columns name.

The before-image of an element type that an undo deleted is `{"deleted": [element_type, name]}`. If an import removed
it, because its file lacks it, the image has all its values too, each as [before, blank].
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, NamedTuple

from precast_app.importing.group_formats import DECIMAL
from precast_app.importing.row_validation import Row
from precast_app.importing.schema import GROUP_SPECS, MEASURES, ColumnGroup, ColumnMap

DELETED = "deleted"

Pair = tuple[Any, Any]
# JSON has only text for the ids that are keys. The values that the encoder doesn't know are decimals and times.
_ENCODER = json.JSONEncoder(ensure_ascii=False, check_circular=False, separators=(",", ":"), default=str)


class RemovedPiece(NamedTuple):
    """A planned piece that an import removed, with what an undo needs to restore it; its history stays stored."""

    node_id: int
    number: int
    code: str
    # The job that had created it.
    job_id: int | None = None
    # None in what earlier versions stored: the piece gets a new id.
    id: int | None = None
    status_since: datetime | str | None = None
    replaces_id: int | None = None


@dataclass(slots=True)
class StoredElementType:
    """An element type as it is stored: measures and version by field, and the values of each group by target id."""

    id: int
    element_type: str
    base: dict[str, Any]
    groups: dict[ColumnGroup, dict[int, Any]]


@dataclass(frozen=True, slots=True)
class Difference:
    """What changes, as (before, after): base columns by field, groups by target id. False if nothing changes."""

    base: dict[str, Pair] = field(default_factory=dict)
    groups: dict[ColumnGroup, dict[int, Pair]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.base or self.groups)


class RowComparison:
    """Compares rows of one file with the stored element types. Fields without a column in the file don't change."""

    def __init__(self, columns: ColumnMap) -> None:
        self._columns = columns
        # The first two columns are the identity, whose spelling never changes.
        self._base = [(index, str(target)) for index, target in columns.positions(ColumnGroup.BASE)][2:]
        self._groups = [
            (group, spec.value_type.empty, [(index, int(target)) for index, target in columns.positions(group)])
            for group, spec in GROUP_SPECS.items()
        ]

    def with_kept(self, row: Row, stored: StoredElementType) -> Row:
        """Return the row with the stored values where its cells are blank and keep them."""
        if not row.kept_positions:
            return row
        values = list(row.values)
        for index in row.kept_positions:
            column = self._columns.columns[index]
            if column.group is ColumnGroup.BASE:
                values[index] = stored.base[str(column.target)]
            else:
                empty = GROUP_SPECS[column.group].value_type.empty
                values[index] = stored.groups[column.group].get(int(column.target), empty)
        return replace(row, values=tuple(values))

    def difference(self, values: tuple[Any, ...], stored: StoredElementType) -> Difference:
        """Return what the values of a row change in a stored element type."""
        base = {
            name: (stored.base[name], values[index]) for index, name in self._base if stored.base[name] != values[index]
        }
        groups = {}
        for group, empty, targets in self._groups:
            stored_values = stored.groups[group]
            # Most rows change nothing, and comparing two dicts is fast.
            if stored_values == {target: value for index, target in targets if (value := values[index]) != empty}:
                continue
            get = stored_values.get
            pairs = {
                target: (before, values[index])
                for index, target in targets
                if (before := get(target, empty)) != values[index]
            }
            if pairs:
                groups[group] = pairs
        return Difference(base, groups)

    def similarity(self, values: tuple[Any, ...], stored: StoredElementType, *, least_values: int) -> float:
        """Return the share (0…1) of equal values among those that are not blank on both sides.

        Return 0 if they are fewer than `least_values`.
        """
        pairs = [(stored.base[name], values[index]) for index, name in self._base]
        for group, empty, targets in self._groups:
            get = stored.groups[group].get
            pairs += [(get(target, empty) or None, values[index] or None) for index, target in targets]
        compared = [before == after for before, after in pairs if before is not None or after is not None]
        return compared.count(True) / len(compared) if len(compared) >= least_values else 0.0


def to_json_text(difference: Difference, removed_pieces: list[RemovedPiece]) -> str:
    """Return the before-image as JSON text."""
    image: dict[str, Any] = {**difference.base, **{group.value: pairs for group, pairs in difference.groups.items()}}
    if removed_pieces:
        image["removed_pieces"] = removed_pieces
    return _ENCODER.encode(image)


def removal_json_text(
    element_type: str, name: str, stored: StoredElementType, removed_pieces: list[RemovedPiece]
) -> str:
    """Return the before-image of an element type that is removed, as JSON text."""
    base = {field: (value, None) for field, value in stored.base.items() if value is not None}
    groups = {
        group: {target: (value, GROUP_SPECS[group].value_type.empty) for target, value in values.items()}
        for group, values in stored.groups.items()
        if values
    }
    image = {DELETED: (element_type, name), **base, **{group.value: pairs for group, pairs in groups.items()}}
    return _ENCODER.encode({**image, "removed_pieces": removed_pieces} if removed_pieces else image)


def to_json(difference: Difference) -> dict[str, Any]:
    """Return the before-image of a planned change, as it would be read from the database."""
    image: dict[str, Any] = json.loads(to_json_text(difference, []))
    return image


def restore_before(stored: StoredElementType, before_image: dict[str, Any]) -> None:
    """Revert a change of an element type in memory."""
    for name, change in before_image.items():
        if name in stored.base:
            stored.base[name] = DECIMAL.from_json(change[0]) if name in MEASURES else change[0]
    for group, spec in GROUP_SPECS.items():
        value_type = spec.value_type
        for target, (before, _) in before_image.get(group.value, {}).items():
            if before == value_type.empty:
                stored.groups[group].pop(int(target), None)
            else:
                stored.groups[group][int(target)] = value_type.from_json(before)


def invert(image: dict[str, Any]) -> dict[str, Any]:
    """Return the before-image of the reverse change, without pieces."""
    inverted: dict[str, Any] = {}
    for name, change in image.items():
        if name in GROUP_SPECS:
            inverted[name] = {target: [after, before] for target, (before, after) in change.items()}
        elif name != "removed_pieces":
            inverted[name] = [change[1], change[0]]
    return inverted
