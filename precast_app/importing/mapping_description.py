"""Description of what the columns of a sheet were understood to mean. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter

from precast_app.enums import Severity
from precast_app.importing.issues import Issue
from precast_app.importing.schema import GROUP_SPECS, Column, ColumnGroup, ColumnMap

# Letter ranges of one group that a message lists.
_MAX_LETTER_RANGES = 40


def describe_mapping(columns: ColumnMap) -> Issue:
    """Return an issue that says where the data begin and which columns belong to which group."""
    # The nodes of a file whose rows are put together share a column, and a constant has none.
    in_order = sorted({column.index: column for column in columns.columns}.values(), key=attrgetter("index"))
    words = {ColumnGroup.BASE: "base columns"} | {group: spec.words for group, spec in GROUP_SPECS.items()}
    groups = []
    for group, name in words.items():
        ranges = _letter_ranges([column for column in in_order if column.group is group and column.letter])
        if ranges:
            more = " …" if len(ranges) > _MAX_LETTER_RANGES else ""
            groups.append(f"{name} in {', '.join(ranges[:_MAX_LETTER_RANGES])}{more}")
    sheet = f"the sheet {columns.sheet}" if columns.sheet else "the file"
    message = f"In {sheet} the data begin in row {columns.first_data_row}; {'; '.join(groups)}."
    return columns.issue(severity=Severity.INFO, code="layout", message=message)


def _letter_ranges(columns: Sequence[Column]) -> list[str]:
    """Return the letters of columns in order, neighbours as a range: `A to C`, `E`."""
    ranges: list[list[Column]] = []
    for column in columns:
        if ranges and column.index == ranges[-1][-1].index + 1:
            ranges[-1].append(column)
        else:
            ranges.append([column])
    return [
        neighbours[0].letter if len(neighbours) == 1 else f"{neighbours[0].letter} to {neighbours[-1].letter}"
        for neighbours in ranges
    ]
