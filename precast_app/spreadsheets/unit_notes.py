"""Notes about units that belong to the number format of cells, not to their values."""

from __future__ import annotations

from precast_app.messages import Message
from precast_app.spreadsheets.sheet import FormattedNumber, ReaderNote, SheetRow, column_letter

_MAX_NOTES = 500


class UnitNotes:
    """One note for each column and unit, at the first cell, also if the unit is the column's."""

    def __init__(self) -> None:
        self._found: dict[tuple[int, str], tuple[int, str]] = {}
        self._counts: dict[tuple[int, str], int] = {}

    @property
    def notes(self) -> tuple[ReaderNote, ...]:
        """Return the notes, at most 500."""
        return tuple(
            _note(column, unit, row, shown, self._counts[column, unit])
            for (column, unit), (row, shown) in self._found.items()
        )

    def clear(self) -> None:
        """Forget what was found."""
        self._found.clear()
        self._counts.clear()

    def add_row(self, row: SheetRow) -> None:
        """Add the units that cells of a row show."""
        formatted = [(column, cell) for column, cell in enumerate(row.cells, 1) if type(cell) is FormattedNumber]
        for column, cell in formatted:
            unit = cell.format.unit
            if unit is None:
                continue
            key = column, unit
            count = self._counts.get(key, 0)
            if count or len(self._counts) < _MAX_NOTES:
                self._counts[key] = count + 1
                if not count:
                    self._found[key] = row.number, cell.shown or str(cell)


def _note(column: int, unit: str, row: int, shown: str, count: int) -> ReaderNote:
    letter = column_letter(column)
    cells = (
        Message("The cell %(cell)s shows", cell=f"{letter}{row}")
        if count == 1
        else Message("%(count)s cells of column %(column)s show", count=count, column=letter)
    )
    return ReaderNote(
        "warning",
        "unit_in_number_format",
        Message(
            "%(cells)s the unit %(unit)s, which belongs to the number format and not to the value. "
            "The number was read in the unit of the column. If that is wrong, convert the values and "
            "upload the file again.",
            cells=cells,
            unit=unit,
        ),
        row,
        letter,
        shown,
        unit,
    )
