"""Rows of a sheet to rows of values, each with what is wrong with it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from operator import attrgetter

from precast_app.enums import Severity
from precast_app.importing.cell_parsing import InvalidCell, display_text
from precast_app.importing.issues import Issue, IssueOverflow
from precast_app.importing.schema import Column, ColumnMap
from precast_app.spreadsheets import Cell, SheetRow, column_letter
from precast_app.text import clean_text, identity_key

# Cells repeat: "yes", 2.0, 3150.0. So each column remembers what it has seen, but no more than this many.
_MAX_CACHED_CELLS = 20_000
_SHOWN_CHARACTERS = 200
_COMMON = {str, float}
_MERGED_ROWS = 1_000
_TOTAL_WORD = re.compile(r"\A(((grand|sub)[\s-]*)?totals?\b|sum(me)?\b|gesamt|итого|合计)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Row:
    """A data row: its number in the sheet, its identity, and its values in the order of `ColumnMap.columns`.

    A rejected row has at least one issue of severity error; its key and values are then empty. Another row may have
    warnings.
    """

    number: int
    key: tuple[str, str]
    values: tuple[object, ...]
    issues: tuple[Issue, ...] = ()
    # A row of totals, which is no data.
    skipped: bool = False

    @property
    def rejected(self) -> bool:
        """Whether the row stays out."""
        return not self.key[0]


def validate_rows(rows: Iterable[SheetRow], columns: ColumnMap) -> Iterator[Row]:
    """The data rows, those above them left out. An element type that stands in the file twice is taken once.

    Totals are told apart by their word, or by standing last and under no name; such a row is `skipped`.
    """
    last: Row | None = None
    for row in _validate_each(rows, columns):
        if last is not None:
            yield last
        last = row
    if last is not None:
        yield _totals_row(last.number, columns) if _is_nameless(last) else last


def cap_issues(rows: Iterable[Row], limit: int) -> tuple[list[Row], IssueOverflow]:
    """The rows with their issues, of errors and of others the first `limit` each; and what is beyond."""
    found: list[Row] = []
    counts = {True: 0, False: 0}
    overflow_count = 0
    unlisted = set()
    for row in rows:
        if row.issues and counts[row.rejected] >= limit:
            overflow_count += len(row.issues)
            if row.rejected and not row.skipped:
                unlisted.add(row.number)
            row = replace(row, issues=())
        counts[row.rejected] += len(row.issues)
        found.append(row)
    return found, IssueOverflow(overflow_count, frozenset(unlisted))


def _is_nameless(row: Row) -> bool:
    return [issue.code for issue in row.issues[:2]] == ["missing_value", "missing_value"]


def _validate_each(rows: Iterable[SheetRow], columns: ColumnMap) -> Iterator[Row]:
    remembered = [(column.index, _ParsedCellCache(column).__getitem__) for column in columns.columns]
    plain = [(column.index, column.parse) for column in columns.columns]
    first_rows: dict[tuple[str, str], int] = {}
    merged = _MergedCells(columns)
    for row in rows:
        if row.number < columns.first_data_row:
            continue
        row = merged.fill(row)
        cells = row.cells
        width = len(cells)
        # True would be found under 1.0, which a column may take where it doesn't take True.
        is_plain = not set(map(type, cells)) <= _COMMON
        readers = plain if is_plain else remembered
        try:
            values = tuple([read(cells[index]) if index < width else read("") for index, read in readers])
        except InvalidCell:
            if _is_total(row, columns):
                yield _totals_row(row.number, columns)
            else:
                yield Row(row.number, ("", ""), (), _issues(row, columns))
            continue
        key = (identity_key(str(values[0])), identity_key(str(values[1])))
        first = first_rows.setdefault(key, row.number)
        if first != row.number:
            yield Row(row.number, ("", ""), (), (_duplicate(row, columns, first),))
        elif is_plain or width > columns.width:
            yield Row(row.number, key, values, (*_beyond_headings_warning(row, columns), *_date_warnings(row, columns)))
        else:
            yield Row(row.number, key, values)


class _MergedCells:
    """Fills the cells that are merged over several rows with their value, which stands in the first one."""

    def __init__(self, columns: ColumnMap) -> None:
        # The next one is the last of the list.
        self._ahead = sorted(columns.merged, key=attrgetter("first_row"), reverse=True)
        # By index of the column: the last row that a range reaches, and its value.
        self._open: dict[int, tuple[int, Cell]] = {}

    def fill(self, row: SheetRow) -> SheetRow:
        """Return the row with what is merged into it; rows come in ascending order."""
        while self._ahead and self._ahead[-1].first_row <= row.number:
            area = self._ahead.pop()
            index = area.first_column - 1
            value = _cell(row, index) if area.first_row == row.number else ""
            self._open[index] = min(area.last_row, area.first_row + _MERGED_ROWS), value
        if not self._open:
            return row
        cells = list(row.cells)
        for index, (last, value) in list(self._open.items()):
            if row.number > last:
                del self._open[index]
                continue
            cells.extend([""] * (index + 1 - len(cells)))
            # What a cell holds below a merge can't be seen, and doesn't count.
            cells[index] = value
        return SheetRow(row.number, cells)


def _is_total(row: SheetRow, columns: ColumnMap) -> bool:
    """Whether one of the two names says that the row is a total, and the other one is blank."""
    names = [clean_text(display_text(_cell(row, column.index))) for column in columns.columns[:2]]
    return "" in names and bool(_TOTAL_WORD.match("".join(names)))


def _totals_row(number: int, columns: ColumnMap) -> Row:
    message = "The row looks like totals, since it has no element type of its own, and was left out."
    issue = Issue(Severity.WARNING, "totals_row", message, row=number, sheet=columns.sheet or None)
    return Row(number, ("", ""), (), (issue,), skipped=True)


def _cell(row: SheetRow, index: int) -> Cell:
    return row.cells[index] if index < len(row.cells) else ""


class _ParsedCellCache(dict[object, object]):
    """The values that a column's cells have become, by cell."""

    def __init__(self, column: Column) -> None:
        super().__init__()
        self._clean = column.parse

    def __missing__(self, cell: object) -> object:
        value = self._clean(cell)
        if type(cell) in (str, float) and len(self) < _MAX_CACHED_CELLS:
            self[cell] = value
        return value


def _issues(row: SheetRow, columns: ColumnMap) -> tuple[Issue, ...]:
    """Everything that is wrong with a row, not only the first thing."""
    issues = []
    for column in columns.columns:
        cell = _cell(row, column.index)
        try:
            column.parse(cell)
        except InvalidCell as bad:
            issues.append(_issue(row, columns, column, cell, bad.code, bad.message))
    return tuple(issues)


def _issue(row: SheetRow, columns: ColumnMap, column: Column, cell: Cell, code: str, message: str) -> Issue:
    return Issue(
        Severity.ERROR,
        code,
        message,
        row=row.number,
        column=column.letter,
        heading=column.heading,
        value=display_text(cell)[:_SHOWN_CHARACTERS],
        sheet=columns.sheet or None,
    )


def _date_warnings(row: SheetRow, columns: ColumnMap) -> Iterator[Issue]:
    """A warning for each date where text is meant: Excel makes dates of names such as 1-2."""
    for column in columns.columns:
        cell = _cell(row, column.index)
        if isinstance(cell, date):
            yield Issue(
                Severity.WARNING,
                "date_in_text",
                "The cell holds a date where text is meant; it was read as year, month and day. If Excel has made it "
                "of something else, format the cell as text and type it again.",
                row=row.number,
                column=column.letter,
                heading=column.heading,
                value=display_text(cell),
                sheet=columns.sheet or None,
            )


def _beyond_headings_warning(row: SheetRow, columns: ColumnMap) -> Iterator[Issue]:
    """A warning where a row holds something to the right of all headings."""
    for index in range(columns.width, len(row.cells)):
        cell = row.cells[index]
        if clean_text(display_text(cell)):
            yield Issue(
                Severity.WARNING,
                "cell_beyond_headings",
                "The row is longer than the header row; what stands beyond the last heading was left out. Look whether "
                "the cells of this row have moved to the right.",
                row=row.number,
                column=column_letter(index + 1),
                value=display_text(cell)[:_SHOWN_CHARACTERS],
                sheet=columns.sheet or None,
            )
            return


def _duplicate(row: SheetRow, columns: ColumnMap, first: int) -> Issue:
    name = columns.columns[1]
    return _issue(
        row,
        columns,
        name,
        row.cells[name.index],
        "duplicate_row",
        f"The same element type stands in row {first} already. Keep one of the two rows.",
    )
