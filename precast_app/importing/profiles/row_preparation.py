"""Rows of an office's own file before they are validated: which are no data, and what a blank cell repeats. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from precast_app.importing import row_validation
from precast_app.importing.cell_parsing import display_text
from precast_app.spreadsheets import Cell, SheetRow
from precast_app.text import clean_text, match_key


@dataclass(frozen=True, slots=True, kw_only=True)
class RowPreparation:
    """What is done with the rows below the headings.

    `skipped` are row numbers. `headings` are the headings of the columns that are read, by index, which long reports
    repeat. `always_above` and `continued` are columns whose blank cells repeat the row above: in every row, or only in
    rows whose `name` cell is blank, because they continue the element type of the row above. `totals_words` are those
    of `words_for_totals`.
    """

    skipped: frozenset[int]
    headings: Mapping[int, str]
    name: int
    element_type: int
    always_above: tuple[int, ...]
    continued: tuple[int, ...]
    totals_words: tuple[str, ...]

    def rows(self, rows: Iterable[SheetRow]) -> Iterator[SheetRow]:
        """Yield the data rows and the rows of totals, with the blank cells filled that repeat the row above."""
        above: dict[int, Cell] = {}
        for row in rows:
            if row.number in self.skipped or self._repeats_headings(row):
                continue
            yield self._filled(row, above) if (self.always_above or self.continued) and not self.is_total(row) else row

    def is_total(self, row: SheetRow) -> bool:
        """Return whether a row says that it is a total: where its name would be, or in its first filled cell."""
        name = _text(row, self.name)
        if name:
            other = _text(row, self.element_type)
            return not other and self._says_total(name)
        first = next((text for index in range(len(row.cells)) if (text := _text(row, index))), "")
        return self._says_total(first)

    def _says_total(self, text: str) -> bool:
        if row_validation.says_total(text):
            return True
        folded = text.casefold()
        # Not in the middle of a word: the word Summe doesn't begin Summertime.
        return any(folded.startswith(word) and not folded[len(word) :][:1].isalnum() for word in self.totals_words)

    def _repeats_headings(self, row: SheetRow) -> bool:
        expected = self.headings.get(self.name)
        if not expected or len(row.cells) <= self.name or row.cells[self.name] != expected:
            return False
        return all(_text(row, index) in (heading, "") for index, heading in self.headings.items())

    def _filled(self, row: SheetRow, above: dict[int, Cell]) -> SheetRow:
        continues = not _text(row, self.name)
        cells: list[Cell] = list(row.cells)
        repeated = (*self.always_above, *self.continued) if continues else self.always_above
        for index in repeated:
            if not _text(row, index) and index in above:
                cells.extend([""] * (index + 1 - len(cells)))
                cells[index] = above[index]
        for index in (*self.always_above, *self.continued):
            above[index] = cells[index] if index < len(cells) else ""
        return SheetRow(row.number, cells)


def words_for_totals(words: Iterable[str]) -> tuple[str, ...]:
    """Return an office's own words with which rows of totals begin, as texts are compared with them."""
    return tuple(clean_text(word).casefold() for word in words if match_key(word))


def _text(row: SheetRow, index: int) -> str:
    if not 0 <= index < len(row.cells):
        return ""
    cell = row.cells[index]
    return clean_text(cell if isinstance(cell, str) else display_text(cell)) if cell != "" else ""
