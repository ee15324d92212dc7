"""The cells of the columns of a row, and their parsed values, which repeat. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from operator import itemgetter

from precast_app.importing.cell_parsing import shown_cell
from precast_app.importing.schema import NOT_IN_FILE, CellParser
from precast_app.spreadsheets import Cell, FormattedNumber

# Cells repeat ("yes", 2.0, 3150.0), so each column caches the values of up to this many different cells.
MAX_CACHED_CELLS = 20_000
CACHED_TYPES = {str, float}


class CellPicker:
    """Picks the cells at some indices of a row; cells beyond its end, and at `NOT_IN_FILE`, are blank."""

    def __init__(self, indices: Iterable[int]) -> None:
        chosen = list(indices)
        width = max((index for index in chosen if index != NOT_IN_FILE), default=-1) + 1
        self._blanks = [""] * width
        # The cell behind the row is always blank.
        self._indices = [min(index, width) for index in chosen]
        self._get = itemgetter(*self._indices) if len(chosen) > 1 else None

    def pick(self, cells: Sequence[Cell]) -> Sequence[Cell]:
        """Return the cells in the order of the indices."""
        blanks = self._blanks
        padded = [*cells[: len(blanks)], *blanks[len(cells) :], ""]
        return self._get(padded) if self._get else [padded[index] for index in self._indices]


class ParsedCellCache(dict[object, object]):
    """The parsed values of a column, by cell."""

    def __init__(self, parse: CellParser) -> None:
        super().__init__()
        self._parse = parse

    def __missing__(self, cell: object) -> object:
        value = self._parse(cell)
        if len(self) < MAX_CACHED_CELLS:
            if type(cell) in CACHED_TYPES:
                self[cell] = value
            elif isinstance(cell, FormattedNumber):
                self[float(cell)] = value
        return value


def read_as_shown(parse: CellParser) -> CellParser:
    """Return a parser that reads numbers as they are shown, so that a cache can tell them from plain numbers."""

    def parse_shown(cell: object) -> object:
        return parse(shown_cell(cell)) if type(cell) is FormattedNumber else parse(cell)

    return parse_shown
