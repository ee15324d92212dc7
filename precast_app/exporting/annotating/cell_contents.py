"""Replacement of the contents of cells of a worksheet's XML; their formats stay."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from precast_app.exporting import safe_text
from precast_app.exporting.annotating.marks import Mark
from precast_app.exporting.annotating.sheet_cells import SheetEditor
from precast_app.exporting.annotating.xml_edits import Edit, escape, prefix_of, start_tag
from precast_app.spreadsheets.xlsx.sheet_xml import Attributes, local_name


class SharedFormula(Exception):
    """A formula that other cells share, and that is not replaced for that."""


@dataclass(frozen=True, slots=True)
class Replacement:
    """The new content of a cell; `row` and `column` count from 1."""

    row: int
    column: int
    content: str | float


class ContentsEditor(SheetEditor):
    """Parser of a worksheet that collects the edits which replace contents; `has_formulas`: formulas are among them."""

    def __init__(self, replacements: Iterable[Replacement]) -> None:
        """Prepare the replacements, which are sorted by row and column."""
        contents = {(each.row, each.column): each.content for each in replacements}
        super().__init__((Mark(row, column, "", "") for row, column in contents), lambda own, colour: own)
        self._contents = contents
        self._replaced: tuple[Mark, str, Attributes, int, bool] | None = None
        self.has_formulas = False

    def edit_cell(self, mark: Mark, tag: str, attributes: Attributes, start: int, found: bytes) -> None:
        """Remember the cell, whose end follows."""
        self._replaced = mark, tag, attributes, start, found.endswith(b"/>")

    def _start(self, tag: str, attributes: Attributes) -> None:
        super()._start(tag, attributes)
        if self._replaced is not None and self._depth == 5 and local_name(tag) == "f":
            if attributes.get("t") in ("shared", "array", "dataTable") and "ref" in attributes:
                raise SharedFormula
            self.has_formulas = True

    def _end(self, tag: str) -> None:
        if self._replaced is not None and self._depth == 4:
            mark, name, attributes, start, is_single = self._replaced
            offset = self._scanner.offset
            end = offset if is_single else offset + len(self._scanner.tag_bytes())
            kept = {key: value for key, value in attributes.items() if key in ("r", "s")}
            self.edits.append(Edit(start, end, self.cell_xml(name, kept, mark)))
            self._replaced = None
        super()._end(tag)

    def new_cell(self, mark: Mark, tag: str, attributes: Attributes) -> bytes:
        """Return the XML of a cell that the sheet doesn't have."""
        return self.cell_xml(tag, {key: value for key, value in attributes.items() if value != "0"}, mark)

    def cell_xml(self, tag: str, attributes: Attributes, mark: Mark) -> bytes:
        """Return the XML of a cell with its new content."""
        content, prefix = self._contents[mark.row, mark.column], prefix_of(tag)
        if content == "":
            return start_tag(tag, attributes, is_single=True)
        if isinstance(content, float):
            inner = f"<{prefix}v>{content:.15g}</{prefix}v>"
            return start_tag(tag, attributes) + inner.encode() + f"</{tag}>".encode()
        shown = escape(safe_text.xml_text(safe_text.cell_text(str(content))))
        text = f'<{prefix}is><{prefix}t xml:space="preserve">{shown}</{prefix}t></{prefix}is>'
        return start_tag(tag, {**attributes, "t": "inlineStr"}) + text.encode() + f"</{tag}>".encode()
