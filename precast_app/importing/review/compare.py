"""The difference between two files of element types, by element type and heading. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Any

from precast_app.importing.reference_data import ReferenceData
from precast_app.importing.row_validation import Row
from precast_app.importing.schema import BASE_COLUMNS, GROUP_SPECS, ColumnGroup, ColumnMap

_HEADINGS = {column.field: column.heading for column in BASE_COLUMNS}
# A value as JSON has it: a decimal is text, so that no digit is lost.
Value = str | int | bool | None


class RowChange(StrEnum):
    """What differs between the two files in an element type; `unreadable`: a row of it is rejected."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"
    SAME = "same"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class FileRow:
    """A row of a file: its number, both names, and its values that are not blank by heading.

    A rejected row has no values, and blank names where they can't be read.
    """

    number: int
    element_type: str
    name: str
    values: Mapping[str, Value]
    is_rejected: bool = False


@dataclass(frozen=True, slots=True)
class RowDifference:
    """What differs in one element type: its rows in the two files, and (before, after) by heading."""

    change: RowChange
    first: FileRow | None
    second: FileRow | None
    fields: Mapping[str, tuple[Value, Value]] = field(default_factory=dict)

    @property
    def row(self) -> FileRow:
        """The newer row that there is."""
        row = self.second or self.first
        assert row is not None
        return row


@dataclass(frozen=True, slots=True)
class Comparison:
    """All differences, by row of the second file, then those that it lacks by row of the first one."""

    differences: tuple[RowDifference, ...]

    @property
    def counts(self) -> dict[str, int]:
        """The number of element types of each kind of change."""
        found = Counter(each.change for each in self.differences)
        return {change.value: found[change] for change in RowChange}

    @property
    def fields(self) -> list[tuple[str, int]]:
        """The headings whose values differ and in how many rows, the most frequent first."""
        return Counter(heading for each in self.differences for heading in each.fields).most_common()


def name_values(
    rows: list[Row], columns: ColumnMap, reference: ReferenceData, names: Mapping[int, tuple[str, str]]
) -> dict[tuple[str, str], FileRow]:
    """Return the rows of a file by the key of their element type; rejected rows without names are left out.

    `names` has both names of rejected rows by row number; for others they are shown as in their key.
    """
    headings = _headings(columns, reference)
    found: dict[tuple[str, str], FileRow] = {}
    for row in rows:
        if row.rejected:
            type_key, name_key = row.element_type_key
            if type_key and name_key:
                shown = names.get(row.number, (type_key, name_key))
                found.setdefault((type_key, name_key), FileRow(row.number, *shown, {}, is_rejected=True))
            continue
        values = {
            heading: _shown(value) for heading, value in zip(headings, row.values, strict=True) if heading and value
        }
        found[row.key] = FileRow(row.number, str(row.values[0]), str(row.values[1]), values)
    return found


def compare(first: Mapping[tuple[str, str], FileRow], second: Mapping[tuple[str, str], FileRow]) -> Comparison:
    """Return what differs between two files."""
    return Comparison(tuple(_differences(first, second)))


def _differences(
    first: Mapping[tuple[str, str], FileRow], second: Mapping[tuple[str, str], FileRow]
) -> Iterator[RowDifference]:
    for key, after in second.items():
        before = first.get(key)
        if after.is_rejected or (before and before.is_rejected):
            yield RowDifference(RowChange.UNREADABLE, before, after)
        elif before is None:
            yield RowDifference(RowChange.ADDED, None, after)
        else:
            fields = _changed_fields(before, after)
            yield RowDifference(RowChange.CHANGED if fields else RowChange.SAME, before, after, fields)
    for key, before in first.items():
        if key not in second:
            kind = RowChange.UNREADABLE if before.is_rejected else RowChange.REMOVED
            yield RowDifference(kind, before, None)


def _changed_fields(before: FileRow, after: FileRow) -> dict[str, tuple[Value, Value]]:
    if before.values == after.values:
        return {}
    headings = dict.fromkeys([*before.values, *after.values])
    return {
        heading: pair
        for heading in headings
        if (pair := (before.values.get(heading), after.values.get(heading)))[0] != pair[1]
    }


def _headings(columns: ColumnMap, reference: ReferenceData) -> list[str]:
    """Return the heading of each column as it is named in both files; a blank one for the two names."""
    names = {group: {item.id: item.name for item in reference.of(group)} for group in GROUP_SPECS}
    occurrences = Counter(name for group in names.values() for name in set(group.values()))
    occurrences.update(_HEADINGS.values())
    headings = []
    for column in columns.columns:
        if column.group is ColumnGroup.BASE:
            headings.append("" if column.target in ("element_type", "name") else _HEADINGS[str(column.target)])
            continue
        name = names[column.group].get(int(column.target), column.heading)
        headings.append(name if occurrences[name] < 2 else GROUP_SPECS[column.group].full_name(name))
    return headings


def _shown(value: Any) -> Value:
    if isinstance(value, Decimal):
        return f"{value:f}"
    if value is None or isinstance(value, str | int | bool):
        return value
    return str(value)
