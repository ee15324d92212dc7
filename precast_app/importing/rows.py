"""Rows of a sheet to rows of values, each with what is wrong with it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from precast_app.importing.cells import BadCell, shown
from precast_app.importing.columns import Column, ColumnMap
from precast_app.importing.issues import Issue
from precast_app.models import Severity
from precast_app.names import clean, identity_key
from precast_app.spreadsheets import Cell, SheetRow, column_letter

# Cells repeat: "yes", 2.0, 3150.0. So each column remembers what it has seen, but no more than this many.
_REMEMBERED = 20_000
_SHOWN_CHARACTERS = 200


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

    @property
    def rejected(self) -> bool:
        """Whether the row stays out."""
        return not self.key[0]


def validate(rows: Iterable[SheetRow], columns: ColumnMap) -> Iterator[Row]:
    """The data rows, those above them left out. An element type that stands in the file twice is taken once."""
    remembered = [(column.index, _Memory(column).__getitem__) for column in columns.columns]
    plain = [(column.index, column.clean) for column in columns.columns]
    first_rows: dict[tuple[str, str], int] = {}
    for row in rows:
        if row.number < columns.first_data_row:
            continue
        cells = row.cells
        width = len(cells)
        # True would be found under 1.0, which a column may take where it doesn't take True.
        readers = plain if bool in map(type, cells) else remembered
        try:
            values = tuple([read(cells[index]) if index < width else read("") for index, read in readers])
        except BadCell:
            yield Row(row.number, ("", ""), (), _issues(row, columns))
            continue
        key = (identity_key(str(values[0])), identity_key(str(values[1])))
        first = first_rows.setdefault(key, row.number)
        if first != row.number:
            yield Row(row.number, ("", ""), (), (_duplicate(row, columns, first),))
        elif width > columns.width and (beyond := _beyond(row, columns)):
            yield Row(row.number, key, values, (beyond,))
        else:
            yield Row(row.number, key, values)


class _Memory(dict[object, object]):
    """The values that a column's cells have become, by cell."""

    def __init__(self, column: Column) -> None:
        super().__init__()
        self._clean = column.clean

    def __missing__(self, cell: object) -> object:
        value = self._clean(cell)
        if type(cell) in (str, float) and len(self) < _REMEMBERED:
            self[cell] = value
        return value


def _issues(row: SheetRow, columns: ColumnMap) -> tuple[Issue, ...]:
    """Everything that is wrong with a row, not only the first thing."""
    issues = []
    for column in columns.columns:
        cell: Cell = row.cells[column.index] if column.index < len(row.cells) else ""
        try:
            column.clean(cell)
        except BadCell as bad:
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
        value=shown(cell)[:_SHOWN_CHARACTERS],
        sheet=columns.sheet or None,
    )


def _beyond(row: SheetRow, columns: ColumnMap) -> Issue | None:
    """A warning where a row holds something to the right of all headings."""
    for index in range(columns.width, len(row.cells)):
        cell = row.cells[index]
        if clean(shown(cell)):
            return Issue(
                Severity.WARNING,
                "cell_beyond_headings",
                "The row is longer than the header row; what stands beyond the last heading was left out. Look whether "
                "the cells of this row have moved to the right.",
                row=row.number,
                column=column_letter(index + 1),
                value=shown(cell)[:_SHOWN_CHARACTERS],
                sheet=columns.sheet or None,
            )
    return None


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
