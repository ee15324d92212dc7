"""The columns of a list: headings with summaries of their cells. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from precast_app.importing import decimal_signs
from precast_app.importing.decimal_signs import DecimalSign
from precast_app.importing.profiles import vocabulary
from precast_app.importing.profiles.column_values import ColumnValues, shown_text, summarize
from precast_app.importing.profiles.header_search import ListHeading, ListLayout
from precast_app.spreadsheets import Book, Cell, SheetRow

# Different cells of a column that are shown as samples.
SAMPLES = 3
# Columns that are looked at.
_MAX_COLUMNS = 500
_MAX_WORDS_LENGTH = 60
_MAX_WORDS_OF_TOTALS, _MAX_CELLS_OF_TOTALS = 4, 3


@dataclass(frozen=True, slots=True)
class ListColumn:
    """A column of a list: its heading, a summary of its cells, and the unit that a row below the headings states.

    `top` is the upper heading, also where it stands over several columns and is not merged.
    """

    heading: ListHeading
    values: ColumnValues
    unit_below: str | None = None
    top: str = ""

    @property
    def text(self) -> str:
        """The heading that says what the column means."""
        return self.heading.text


def read_columns(book: Book, layout: ListLayout) -> tuple[list[ListColumn], DecimalSign]:
    """Return the columns with summaries of their cells, and the decimal sign of numbers that are text."""
    width = max([len(layout.headings), *(len(row.cells) for row in layout.rows)])
    data = [row for row in layout.rows if not is_totals_row(row)]
    sign = _decimal_sign(book, data)
    headings = {heading.index: heading for heading in layout.headings}
    tops = _tops(layout)
    return [
        ListColumn(
            headings.get(index) or ListHeading(index, "", ""),
            summarize([cell_at(row, index) for row in data], sign, SAMPLES),
            layout.units.get(index),
            tops.get(index, ""),
        )
        for index in range(min(width, _MAX_COLUMNS))
    ], sign


def _tops(layout: ListLayout) -> dict[int, str]:
    """Return the upper headings by index; one of several columns stands over those to the right that have none."""
    tops = {}
    above = ""
    for heading in layout.headings:
        above = heading.top or (above if heading.sub else "")
        tops[heading.index] = above if heading.sub else heading.top
    return tops


def cell_at(row: SheetRow, index: int) -> Cell:
    """Return a cell of a row, blank beyond its end."""
    return row.cells[index] if index < len(row.cells) else ""


def is_totals_row(row: SheetRow) -> bool:
    """Return whether the first text of a row says that it is a total."""
    texts = [text for cell in row.cells if (text := shown_text(cell))]
    words = vocabulary.split_words(texts[0][:_MAX_WORDS_LENGTH]) if texts else []
    known = vocabulary.load().words["total"]
    if not 0 < len(words) <= _MAX_WORDS_OF_TOTALS:
        return False
    # As in `Page total`, in a row with little else.
    ends_so = words[-1] in known and len(texts) <= _MAX_CELLS_OF_TOTALS
    return words[0] in known or "".join(words[:2]) in known or ends_so


def _decimal_sign(book: Book, rows: Iterable[SheetRow]) -> DecimalSign:
    """Return the decimal sign that most of the texts show which can be read in one way only."""
    seen = {DecimalSign.POINT: 0, DecimalSign.COMMA: 0}
    for row in rows:
        for cell in row.cells[:_MAX_COLUMNS]:
            shown = decimal_signs.evidence(cell) if isinstance(cell, str) else None
            if isinstance(shown, DecimalSign):
                seen[shown] += 1
    if seen[DecimalSign.COMMA] != seen[DecimalSign.POINT]:
        return max(seen, key=lambda sign: seen[sign])
    return DecimalSign.COMMA if book.decimal_comma and seen[DecimalSign.COMMA] else DecimalSign.POINT
