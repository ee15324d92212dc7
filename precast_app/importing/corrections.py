"""Corrections of a file: what cells of its data rows should say instead. Pure."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Set
from dataclasses import dataclass, field
from typing import Any

from precast_app.importing import decimal_signs
from precast_app.importing.cell_parsing import display_text
from precast_app.spreadsheets import Book, Cell, MergedRangeSweep, ReaderNote, SheetRow, SheetScan
from precast_app.text import clean_text

# A number as a spreadsheet program shows it, with no more digits than it stores.
_PLAIN_NUMBER = re.compile(r"\A-?(?:0|[1-9]\d{0,10})(?:\.\d{1,4})?\Z")

# The number of a row and that of a column, both counted from 1.
Position = tuple[int, int]
# Returns the cell for a corrected column and its text.
CellFactory = Callable[[int, str], Cell]


@dataclass(frozen=True, slots=True, kw_only=True)
class Corrections:
    """Texts that replace cells of the data rows of a sheet, from row `first_row` on.

    `cells` are single cells. `rules` replace, by the number of a column, all its cells with a trimmed text; they don't
    apply to blank cells, and a cell of its own takes precedence. `number_columns` are the columns that hold numbers.
    """

    sheet: str
    first_row: int
    cells: Mapping[Position, str] = field(default_factory=dict)
    rules: Mapping[int, Mapping[str, str]] = field(default_factory=dict)
    number_columns: frozenset[int] = frozenset()

    def typed(self, column: int, text: str) -> str | float:
        """Return what a copy of the file has in a corrected cell: a number if it is read as the same number."""
        is_number = column in self.number_columns and _PLAIN_NUMBER.match(text)
        return float(text) if is_number and decimal_signs.evidence(text) != "either" else text


def _as_text(column: int, text: str) -> Cell:
    return text


class CorrectedBook:
    """An opened spreadsheet whose data rows are corrected; its headings and scans are those of the file."""

    def __init__(self, book: Book, corrections: Corrections, *, is_copied: bool = False) -> None:
        """Correct the rows of a book. With `is_copied` they are for a copy of the file (see `Corrections.typed`)."""
        self._book = book
        self._corrections = corrections
        self._is_copied = is_copied

    @property
    def format(self) -> str:
        """Return the format of the file."""
        return self._book.format

    @property
    def decimal_comma(self) -> bool:
        """Return whether the comma is the decimal separator in cells that are text."""
        return self._book.decimal_comma

    @property
    def notes(self) -> tuple[ReaderNote, ...]:
        """Return the reader's choices and corrections."""
        return self._book.notes

    @property
    def sheets(self) -> tuple[str, ...]:
        """Return the names of the worksheets."""
        return self._book.sheets

    @property
    def hidden_sheets(self) -> frozenset[str]:
        """Return the names of the sheets that users don't see."""
        return self._book.hidden_sheets

    def scan(self, sheet: str) -> SheetScan:
        """Return the scan of a sheet of the file, without corrections."""
        return self._book.scan(sheet)

    def rows(self, sheet: str, shown_columns: Set[int] | None = None) -> Iterator[SheetRow]:
        """Yield the rows of a sheet, corrected if it is the one that the corrections are for."""
        rows = self._book.rows(sheet, shown_columns)
        if sheet != self._corrections.sheet:
            yield from rows
            return
        corrector = RowCorrector(self._corrections, self._book.scan(sheet))
        typed = self._corrections.typed if self._is_copied else _as_text
        for row in rows:
            yield corrector.correct(row, typed)

    def changes(self) -> Iterator[tuple[int, int, str | float]]:
        """Yield row, column and new content of each corrected cell that the file has, by row and column."""
        sheet = self._corrections.sheet
        corrector = RowCorrector(self._corrections, self._book.scan(sheet))
        for row in self._book.rows(sheet):
            for column, text in sorted(corrector.texts(row).items()):
                yield row.number, column, self._corrections.typed(column, text)

    def changed_texts(self) -> dict[int, dict[int, str]]:
        """Return the new text of each corrected cell that the file has, by row and column."""
        sheet = self._corrections.sheet
        corrector = RowCorrector(self._corrections, self._book.scan(sheet))
        return {row.number: texts for row in self._book.rows(sheet) if (texts := corrector.texts(row))}


class RowCorrector:
    """The corrections of a sheet by row."""

    def __init__(self, corrections: Corrections, scan: SheetScan) -> None:
        """Prepare the corrections; a cell inside a merged range counts as the first cell of the range."""
        self._first_row = corrections.first_row
        self._rules = corrections.rules
        self._cells: dict[int, dict[int, str]] = defaultdict(dict)
        merged = MergedRangeSweep(scan.merged)
        inside = []
        for (row, column), text in sorted(corrections.cells.items()):
            found = merged.range_at(row, column)
            first = (row, column) if found is None else (found.first_row, found.first_column)
            if first == (row, column):
                self._cells[row][column] = text
            elif first[0] >= self._first_row:
                inside.append((first, text))
        for (row, column), text in inside:
            self._cells[row].setdefault(column, text)

    def texts(self, row: SheetRow) -> dict[int, str]:
        """Return what corrected cells of a row should say, by the number of their column."""
        if row.number < self._first_row:
            return {}
        found = {}
        for column, texts in self._rules.items():
            if column <= len(row.cells) and (old := row.cells[column - 1]) != "":
                new = texts.get(rule_text(old))
                if new is not None:
                    found[column] = new
        return {**found, **self._cells.get(row.number, {})}

    def correct(self, row: SheetRow, typed: CellFactory = _as_text) -> SheetRow:
        """Return the row with its corrections."""
        texts = self.texts(row)
        if not texts:
            return row
        cells = list(row.cells)
        cells.extend([""] * (max(texts) - len(cells)))
        for column, text in texts.items():
            cells[column - 1] = typed(column, text)
        return SheetRow(row.number, cells)


def rule_text(cell: object) -> str:
    """Return the text by which rules find a cell."""
    return clean_text(cell if isinstance(cell, str) else display_text(cell))


def to_json(corrections: Corrections) -> dict[str, Any]:
    """Return the corrections as JSON, for another process."""
    return {
        "sheet": corrections.sheet,
        "first_row": corrections.first_row,
        "cells": [[row, column, text] for (row, column), text in corrections.cells.items()],
        "rules": [[column, old, new] for column, texts in corrections.rules.items() for old, new in texts.items()],
        "number_columns": sorted(corrections.number_columns),
    }


def from_json(stored: Mapping[str, Any]) -> Corrections:
    """Return the corrections that `to_json` has written."""
    rules: dict[int, dict[str, str]] = defaultdict(dict)
    for column, old, new in stored["rules"]:
        rules[column][old] = new
    return Corrections(
        sheet=stored["sheet"],
        first_row=stored["first_row"],
        cells={(row, column): text for row, column, text in stored["cells"]},
        rules=dict(rules),
        number_columns=frozenset(stored["number_columns"]),
    )
