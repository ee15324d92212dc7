"""Description of what the columns of a sheet were understood to mean. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from operator import attrgetter

from precast_app.enums import Severity
from precast_app.importing.issues import Issue, from_notes
from precast_app.importing.schema import GROUP_SPECS, Column, ColumnGroup, ColumnMap, RowGrouping
from precast_app.messages import Message, join_messages
from precast_app.spreadsheets import ReaderNote

# Letter ranges of one group that a message lists.
_MAX_LETTER_RANGES = 40
_WORDS: dict[str, str] = {
    ColumnGroup.BASE: Message("base columns"),
    "place": Message("places"),
    "count": Message("numbers of pieces"),
    **{group: spec.words for group, spec in GROUP_SPECS.items()},
}
_SHAPES = {
    RowGrouping.ADD_COUNTS: Message("a row is an element type at one place"),
    RowGrouping.COUNT_ROWS: Message("a row is one piece"),
}


def describe_mapping(columns: ColumnMap, first_data_row: int) -> Issue:
    """Return an issue that says where the data begin and which columns belong to which group.

    `columns` are those of the file, also if its rows are put together afterwards.
    """
    # A constant has no column.
    in_order = sorted((column for column in columns.columns if column.letter), key=attrgetter("index"))
    parts = []
    for kind, name in _WORDS.items():
        ranges = _letter_ranges([column for column in in_order if _kind_of(column) == kind])
        if ranges:
            more = " …" if len(ranges) > _MAX_LETTER_RANGES else ""
            listed = join_messages(", ", ranges[:_MAX_LETTER_RANGES])
            parts.append(Message("%(kind)s in %(columns)s%(more)s", kind=name, columns=listed, more=more))
    if columns.grouping is not None:
        parts.append(_SHAPES[columns.grouping])
    sheet = Message("the sheet %(sheet)s", sheet=columns.sheet) if columns.sheet else Message("the file")
    message = Message(
        "In %(sheet)s the data begin in row %(row)s; %(meanings)s.",
        sheet=sheet,
        row=first_data_row,
        meanings=join_messages("; ", parts),
    )
    return columns.issue(severity=Severity.INFO, code="layout", message=message)


def reader_issues(notes: Iterable[ReaderNote], columns: ColumnMap) -> Iterator[Issue]:
    """Yield the issues for what the reader of the file chose or noticed.

    A shown unit is no news in a column whose cells name their unit, nor in a column of texts, which are read as shown.
    """
    with_unit = {column.letter for column in columns.columns if column.has_unit_in_cells or column.is_text}
    unit_by_column = {column.letter: column.unit for column in columns.columns if column.unit}
    yield from from_notes((note for note in notes if note.unit is None or note.column not in with_unit), unit_by_column)


def _kind_of(column: Column) -> str:
    """Return the key of the words for a column: its group, or what it says of the place of a row."""
    if column.group is ColumnGroup.NODES and isinstance(column.target, str):
        return "count" if column.target == "count" else "place"
    return column.group


def _letter_ranges(columns: Sequence[Column]) -> list[str]:
    """Return the letters of columns in order, neighbours as a range: `A to C`, `E`."""
    ranges: list[list[Column]] = []
    for column in columns:
        if ranges and column.index == ranges[-1][-1].index + 1:
            ranges[-1].append(column)
        else:
            ranges.append([column])
    return [
        neighbours[0].letter
        if len(neighbours) == 1
        else Message("%(first)s to %(last)s", first=neighbours[0].letter, last=neighbours[-1].letter)
        for neighbours in ranges
    ]
