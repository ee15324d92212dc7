"""Rows of a sheet to rows of values, each with its issues. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date

from precast_app.enums import Severity
from precast_app.importing.cell_parsing import InvalidCell, display_text
from precast_app.importing.issues import Issue, IssueOverflow
from precast_app.importing.schema import Column, ColumnMap
from precast_app.spreadsheets import Cell, MergedValues, SheetRow, column_letter
from precast_app.text import clean_text, identity_key

# Cells repeat ("yes", 2.0, 3150.0), so each column caches the values of up to this many different cells.
_MAX_CACHED_CELLS = 20_000
_SHOWN_CHARACTERS = 200
_CACHED_TYPES = {str, float}
_TOTAL_WORD = re.compile(r"\A(((grand|sub)[\s-]*)?totals?\b|sum(me)?\b|gesamt|итого|合计)", re.IGNORECASE)
_NO_KEY = ("", "")


@dataclass(frozen=True, slots=True)
class Row:
    """A data row: its number in the sheet, its identity, and its values in the order of `ColumnMap.columns`.

    A rejected row has at least one issue of severity error, and neither key nor values. Other rows may have warnings.
    """

    number: int
    key: tuple[str, str]
    values: tuple[object, ...]
    issues: tuple[Issue, ...] = ()
    # A row of totals, which is not data.
    skipped: bool = False

    @property
    def rejected(self) -> bool:
        """Whether the row is not imported."""
        return not self.key[0]


def validate_rows(rows: Iterable[SheetRow], columns: ColumnMap) -> Iterator[Row]:
    """Yield the data rows; rows above the data are dropped. A repeated element type is rejected after its first row.

    A row of totals is `skipped`: one that says so, or the last row if it has no names.
    """
    last: Row | None = None
    for row in _validate_each(rows, columns):
        if last is not None:
            yield last
        last = row
    if last is not None:
        yield _totals_row(last.number, columns) if _is_nameless(last) else last


def cap_issues(rows: Iterable[Row], limit: int) -> tuple[list[Row], IssueOverflow]:
    """Return the rows, without the issues of rejected rows, and of other rows, that follow the first `limit` of them.

    The dropped issues are counted.
    """
    capped: list[Row] = []
    counts = {True: 0, False: 0}
    overflow_count = 0
    overflow_rows = set()
    for row in rows:
        if row.issues and counts[row.rejected] >= limit:
            overflow_count += len(row.issues)
            if row.rejected and not row.skipped:
                overflow_rows.add(row.number)
            row = replace(row, issues=())
        counts[row.rejected] += len(row.issues)
        capped.append(row)
    return capped, IssueOverflow(overflow_count, frozenset(overflow_rows))


def _is_nameless(row: Row) -> bool:
    return [issue.code for issue in row.issues[:2]] == ["missing_value", "missing_value"]


def _validate_each(rows: Iterable[SheetRow], columns: ColumnMap) -> Iterator[Row]:
    cached = [(column.index, _ParsedCellCache(column).__getitem__) for column in columns.columns]
    uncached = [(column.index, column.parse) for column in columns.columns]
    first_rows: dict[tuple[str, str], int] = {}
    merged = MergedValues(columns.merged)
    for row in rows:
        if row.number < columns.first_data_row:
            continue
        row = merged.fill(row)
        cells = row.cells
        width = len(cells)
        # True equals 1.0, so a cache would return the value of the other, though a column may accept only one of them.
        has_other_types = not set(map(type, cells)) <= _CACHED_TYPES
        parsers = uncached if has_other_types else cached
        try:
            values = tuple([parse(cells[index]) if index < width else parse("") for index, parse in parsers])
        except InvalidCell:
            is_total = _is_total(row, columns)
            yield _totals_row(row.number, columns) if is_total else _rejected_row(row, columns)
            continue
        key = (identity_key(str(values[0])), identity_key(str(values[1])))
        first = first_rows.setdefault(key, row.number)
        if first != row.number:
            yield Row(row.number, _NO_KEY, (), (_duplicate_issue(row, columns, first),))
        elif has_other_types or width > columns.width:
            yield Row(row.number, key, values, (*_beyond_headings_warning(row, columns), *_date_warnings(row, columns)))
        else:
            yield Row(row.number, key, values)


class _ParsedCellCache(dict[object, object]):
    """The parsed values of a column, by cell."""

    def __init__(self, column: Column) -> None:
        super().__init__()
        self._parse = column.parse

    def __missing__(self, cell: object) -> object:
        value = self._parse(cell)
        if type(cell) in _CACHED_TYPES and len(self) < _MAX_CACHED_CELLS:
            self[cell] = value
        return value


def _is_total(row: SheetRow, columns: ColumnMap) -> bool:
    """Return whether one of the two names says that the row is a total, and the other is blank."""
    names = [clean_text(display_text(_cell(row, column.index))) for column in columns.columns[:2]]
    return "" in names and bool(_TOTAL_WORD.match("".join(names)))


def _totals_row(number: int, columns: ColumnMap) -> Row:
    issue = columns.issue(
        severity=Severity.WARNING,
        code="totals_row",
        message="The row has no element type and looks like totals. It was ignored.",
        row=number,
    )
    return Row(number, _NO_KEY, (), (issue,), skipped=True)


def _cell(row: SheetRow, index: int) -> Cell:
    return row.cells[index] if index < len(row.cells) else ""


def _rejected_row(row: SheetRow, columns: ColumnMap) -> Row:
    """Return the row with an issue for each invalid cell, not only for the first."""
    issues = []
    for column in columns.columns:
        cell = _cell(row, column.index)
        try:
            column.parse(cell)
        except InvalidCell as invalid:
            issues.append(
                columns.issue(
                    severity=Severity.ERROR,
                    code=invalid.code,
                    message=invalid.message,
                    row=row.number,
                    column=column,
                    value=_shown(cell),
                )
            )
    return Row(row.number, _NO_KEY, (), tuple(issues))


def _shown(cell: Cell) -> str:
    return display_text(cell)[:_SHOWN_CHARACTERS]


def _date_warnings(row: SheetRow, columns: ColumnMap) -> Iterator[Issue]:
    """Yield a warning for each date, since Excel turns names such as 1-2 into dates."""
    for column in columns.columns:
        cell = _cell(row, column.index)
        if isinstance(cell, date):
            yield columns.issue(
                severity=Severity.WARNING,
                code="date_in_text",
                message="The cell has a date where text is expected; it was read as year-month-day. If Excel turned a "
                "text into this date, format the cell as text and type it again.",
                row=row.number,
                column=column,
                value=_shown(cell),
            )


def _beyond_headings_warning(row: SheetRow, columns: ColumnMap) -> Iterator[Issue]:
    """Yield a warning for the first cell to the right of all headings, if there is one."""
    for index in range(columns.width, len(row.cells)):
        cell = row.cells[index]
        if clean_text(display_text(cell)):
            issue = columns.issue(
                severity=Severity.WARNING,
                code="cell_beyond_headings",
                message="The row is longer than the header row; cells beyond the last heading were ignored. Check that "
                "the cells of this row have not moved to the right.",
                row=row.number,
                value=_shown(cell),
            )
            yield replace(issue, column=column_letter(index + 1))
            return


def _duplicate_issue(row: SheetRow, columns: ColumnMap, first: int) -> Issue:
    name = columns.columns[1]
    return columns.issue(
        severity=Severity.ERROR,
        code="duplicate_row",
        message=f"Row {first} already has this element type. Keep one of the two rows.",
        row=row.number,
        column=name,
        value=_shown(row.cells[name.index]),
    )
