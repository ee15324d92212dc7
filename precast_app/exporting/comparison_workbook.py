"""The difference between two files, and the review of a job, as workbooks: old and new side by side, in colours."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO, Any

from precast_app.exporting import safe_text
from precast_app.importing.review.compare import Comparison, RowChange

_OLD, _NEW = "#F8D7DA", "#D4EDDA"
_WIDTHS = {"Row": 7, "Row before": 11, "Element Type": 22, "Element Type Name": 22, "Field": 26}
_OTHER_WIDTH = 18
_VALUE_HEADINGS = ("Field", "Before", "After")

# The sheets of a job's review: the kind of change, and the columns beside both names.
_SHEETS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "created": ("New", ("Same name before", "Field", "After")),
    "updated": ("Changed", (*_VALUE_HEADINGS, "Pieces")),
    "renamed": ("Renamed", ("Former name", *_VALUE_HEADINGS, "Pieces")),
    "missing": ("Missing", ("Same name now", "Pieces")),
    "deleted": ("Removed", _VALUE_HEADINGS),
}
_COMPARED: Mapping[RowChange, tuple[str, tuple[str, ...]]] = {
    RowChange.ADDED: ("Added", ("Field", "After")),
    RowChange.REMOVED: ("Removed", ("Field", "Before")),
    RowChange.CHANGED: ("Changed", ("Row before", *_VALUE_HEADINGS)),
    RowChange.UNREADABLE: ("Unreadable", ()),
}


@dataclass(slots=True)
class _Sheet:
    """A sheet that is written row by row."""

    sheet: Any
    formats: Mapping[str, Any]
    headings: Sequence[str]
    next_row: int = field(default=1)

    def begin(self) -> None:
        """Write the headings."""
        self.sheet.freeze_panes(1, 0)
        for index, heading in enumerate(self.headings):
            self.sheet.set_column(index, index, _WIDTHS.get(heading, _OTHER_WIDTH))
            safe_text.write(self.sheet, 0, index, heading, self.formats["heading"])

    def add(self, cells: Sequence[Any]) -> None:
        """Write a row; the values before and after a change are coloured."""
        for index, (heading, cell) in enumerate(zip(self.headings, cells, strict=True)):
            style = self.formats["old"] if heading == "Before" else self.formats["new"] if heading == "After" else None
            if cell is None or cell is False:
                if style:
                    self.sheet.write_blank(self.next_row, index, None, style)
            elif cell is True:
                safe_text.write(self.sheet, self.next_row, index, "yes", style)
            elif isinstance(cell, int):
                self.sheet.write_number(self.next_row, index, cell, style)
            else:
                safe_text.write(self.sheet, self.next_row, index, str(cell), style)
        self.next_row += 1


def export_review(changes: Iterable[Mapping[str, Any]], file: IO[bytes]) -> None:
    """Write a job's changes, as `queries.changes` lists them, as a workbook with a sheet for each kind of change."""
    with safe_text.workbook(file) as book:
        sheets = _add_sheets(book, _SHEETS)
        for change in changes:
            if sheet := sheets.get(change["change"]):
                for values in _value_rows(change, sheet.headings):
                    sheet.add(values)


def export_comparison(comparison: Comparison, file: IO[bytes]) -> None:
    """Write the difference between two files as a workbook with a sheet for each kind of change."""
    with safe_text.workbook(file) as book:
        sheets = _add_sheets(book, _COMPARED)
        for each in comparison.differences:
            if (sheet := sheets.get(each.change)) is None:
                continue
            first = [each.row.number, each.row.element_type, each.row.name]
            match each.change:
                case RowChange.CHANGED if each.first:
                    rows = [[each.first.number, heading, *pair] for heading, pair in each.fields.items()]
                case RowChange.ADDED | RowChange.REMOVED:
                    rows = [list(item) for item in each.row.values.items()] or [[None, None]]
                case _:
                    rows = [[]]
            for values in rows:
                sheet.add([*first, *values])


def _add_sheets(book: Any, sheets: Mapping[Any, tuple[str, tuple[str, ...]]]) -> dict[Any, _Sheet]:
    formats = {
        "heading": book.add_format({"bold": True}),
        "old": book.add_format({"bg_color": _OLD}),
        "new": book.add_format({"bg_color": _NEW}),
    }
    added = {}
    for kind, (title, headings) in sheets.items():
        added[kind] = _Sheet(
            book.add_worksheet(title), formats, ("Row", "Element Type", "Element Type Name", *headings)
        )
        added[kind].begin()
    return added


def _value_rows(change: Mapping[str, Any], headings: Sequence[str]) -> Iterable[list[Any]]:
    """Yield the rows of a change: one for each changed field, or one without."""
    pieces = ", ".join(f"{count} {status.replace('_', ' ')}" for status, count in change["pieces"].items()) or None
    named = {
        "Row": change["row"], "Element Type": change["element_type"], "Element Type Name": change["name"],
        "Former name": change["old_name"], "Same name before": change["counterpart"],
        "Same name now": change["counterpart"], "Pieces": pieces,
    }  # fmt: skip
    fields = change["fields"] if "Field" in headings else {}
    for heading, pair in fields.items() or [(None, {"before": None, "after": None})]:
        values = {**named, "Field": heading, "Before": pair["before"], "After": pair["after"]}
        yield [values[each] for each in headings]
