"""Edits of the cells of a worksheet's XML, and their colouring."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from precast_app.exporting.annotating.marks import Mark
from precast_app.exporting.annotating.xml_edits import Edit, TagScanner, escape, prefix_of, start_tag
from precast_app.spreadsheets import column_letter, column_number
from precast_app.spreadsheets.errors import damaged
from precast_app.spreadsheets.xlsx.sheet_xml import Attributes, local_name

# Returns the index of a coloured copy of a cell format by its own index and the colour.
Coloured = Callable[[int, str], int]

_REFERENCE = re.compile(r"([A-Z]{1,3})[0-9]{1,7}")
_SPANS = re.compile(r"([0-9]{1,5}):([0-9]{1,5})")
_MAX_COLUMN_RANGES = 16_384
# What comes before `legacyDrawing` in a worksheet and after its cells, in the order of the standard.
_BEFORE_LEGACY_DRAWING = frozenset(
    (
        "sheetData", "sheetCalcPr", "sheetProtection", "protectedRanges", "scenarios", "autoFilter", "sortState",
        "dataConsolidate", "customSheetViews", "mergeCells", "phoneticPr", "conditionalFormatting", "dataValidations",
        "hyperlinks", "printOptions", "pageMargins", "pageSetup", "headerFooter", "rowBreaks", "colBreaks",
        "customProperties", "cellWatches", "ignoredErrors", "smartTags", "drawing",
    )
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ColouredSheet:
    """Edits that colour a sheet's cells, and what its comments need.

    root             the tag of the root element, with its prefix
    legacy_drawing   the relationship id of the drawing with the boxes of comments, or None
    tail             the offset at which a `legacyDrawing` element belongs
    """

    edits: list[Edit]
    root: str
    legacy_drawing: str | None
    tail: int


def colour_cells(chunks: Iterable[bytes], marks: Iterable[Mark], coloured: Coloured) -> ColouredSheet:
    """Return the edits for the marks of a sheet, which are sorted by row and column. Raise `UnreadableFile`."""
    editor = SheetEditor(marks, coloured)
    editor.run(chunks)
    if not editor.tail:
        raise damaged("a sheet has no cells")
    return ColouredSheet(editor.edits, editor.root, editor.legacy_drawing, editor.tail)


class SheetEditor:
    """Parser of a worksheet that collects edits: by itself those that colour the marked cells.

    Elements are told apart by their depth: the root is at depth 1, rows are at depth 3 and cells at depth 4.
    """

    def __init__(self, marks: Iterable[Mark], coloured: Coloured) -> None:
        """Prepare the marks, which are sorted by row and column."""
        self._coloured = coloured
        by_row: dict[int, list[Mark]] = defaultdict(list)
        for mark in marks:
            by_row[mark.row].append(mark)
        self._rows = sorted(by_row.items(), reverse=True)
        self._scanner = TagScanner(self._start, self._end)
        self._depth = 0
        self._part = ""  # local name of the current element at depth 2
        self._prefix = ""
        self._row = 0
        self._row_format = 0
        self._column = 0
        self._open: list[Mark] = []  # marks of the current row whose cells have not come yet, the next one last
        self._column_formats: list[tuple[int, int, int]] = []
        self._single_tag = b""
        self.edits: list[Edit] = []
        self.root = ""
        self.legacy_drawing: str | None = None
        self.tail = 0

    def run(self, chunks: Iterable[bytes]) -> None:
        """Parse the worksheet. Raise `UnreadableFile` if it is damaged."""
        self._scanner.run(chunks)

    def _start(self, tag: str, attributes: Attributes) -> None:
        depth = self._depth = self._depth + 1
        if depth > 4:
            return
        if depth == 4:
            if self._open and self._part == "sheetData" and local_name(tag) == "c":
                self._start_cell(tag, attributes)
        elif depth == 3:
            if self._part == "sheetData":
                if local_name(tag) == "row":
                    self._start_row(tag, attributes)
            elif self._part == "cols":
                self._add_column(attributes)
        elif depth == 2:
            self._start_part(tag, attributes)
        else:
            self.root = tag

    def _end(self, tag: str) -> None:
        depth = self._depth
        self._depth -= 1
        if depth == 3:
            if self._open and self._part == "sheetData":
                self._insert(self._scanner.offset, self._take_cells(len(self._open)))
        elif depth == 2:
            self._end_part()

    def _start_part(self, tag: str, attributes: Attributes) -> None:
        self._part = local_name(tag)
        found = self._scanner.tag_bytes()
        self._single_tag = found if found.endswith(b"/>") else b""
        if self._part == "sheetData":
            self._prefix = prefix_of(tag)
            if self._single_tag:
                start = self._scanner.offset
                cells = self._rows_before(None)
                if cells:
                    text = start_tag(tag, attributes) + cells + f"</{tag}>".encode()
                    self.edits.append(Edit(start, start + len(found), text))
        elif self._part == "legacyDrawing":
            self.legacy_drawing = next((value for key, value in attributes.items() if key.endswith(":id")), None)

    def _end_part(self) -> None:
        offset = self._scanner.offset
        if self._part == "sheetData" and not self._single_tag:
            self._insert(offset, self._rows_before(None))
        if self._part in _BEFORE_LEGACY_DRAWING:
            # After a single tag the offset is already behind it.
            self.tail = offset if self._single_tag else offset + len(self._scanner.tag_bytes())
        self._part = ""

    def _add_column(self, attributes: Attributes) -> None:
        first, last, style = (_number(attributes.get(name, "")) for name in ("min", "max", "style"))
        is_next = not self._column_formats or first > self._column_formats[-1][0]
        if is_next and len(self._column_formats) < _MAX_COLUMN_RANGES:
            self._column_formats.append((first, last, style))

    def _start_row(self, tag: str, attributes: Attributes) -> None:
        row = _number(attributes.get("r", "")) or self._row + 1
        self._insert(self._scanner.offset, self._rows_before(row))
        self._row, self._column = row, 0
        self._open = []
        if not self._rows or self._rows[-1][0] != row:
            return
        self._open = self._rows.pop()[1][::-1]
        self._row_format = _number(attributes.get("s", "")) if attributes.get("customFormat") in ("1", "true") else 0
        found, start = self._scanner.tag_bytes(), self._scanner.offset
        spans = _widened(attributes.get("spans", ""), self._open)
        attributes = {**attributes, "spans": spans} if spans else attributes
        if found.endswith(b"/>"):
            text = start_tag(tag, attributes) + self._take_cells(len(self._open)) + f"</{tag}>".encode()
            self.edits.append(Edit(start, start + len(found), text))
        elif spans:
            self.edits.append(Edit(start, start + len(found), start_tag(tag, attributes)))

    def _start_cell(self, tag: str, attributes: Attributes) -> None:
        match = _REFERENCE.fullmatch(attributes.get("r", ""))
        self._column = column = column_number(match[1]) if match else self._column + 1
        start = self._scanner.offset
        before = 0
        while before < len(self._open) and self._open[-1 - before].column < column:
            before += 1
        self._insert(start, self._take_cells(before))
        if self._open and self._open[-1].column == column:
            self.edit_cell(self._open.pop(), tag, attributes, start, self._scanner.tag_bytes())

    def edit_cell(self, mark: Mark, tag: str, attributes: Attributes, start: int, found: bytes) -> None:
        """Add the edits of a marked cell, whose tag `found` begins at the offset `start`."""
        style = str(self._coloured(_number(attributes.get("s", "")), mark.colour))
        text = start_tag(tag, {**attributes, "s": style}, is_single=found.endswith(b"/>"))
        self.edits.append(Edit(start, start + len(found), text))

    def new_cell(self, mark: Mark, tag: str, attributes: Attributes) -> bytes:
        """Return the XML of a marked cell that the sheet does not have."""
        return start_tag(tag, attributes, is_single=True)

    def _rows_before(self, row: int | None) -> bytes:
        """Take the marked rows before `row` (None: all rows), which the sheet does not have, and return their XML."""
        written = []
        while self._rows and (row is None or self._rows[-1][0] < row):
            number, marks = self._rows.pop()
            self._open, self._row_format = marks[::-1], 0
            tag = f"{self._prefix}row"
            written += [start_tag(tag, {"r": str(number)}), self._take_cells(len(marks)), f"</{tag}>".encode()]
        return b"".join(written)

    def _take_cells(self, number: int) -> bytes:
        """Take the next marks of the row, whose cells it does not have, and return their XML."""
        written = []
        for _ in range(number):
            mark = self._open.pop()
            style = str(self._coloured(self._row_format or self._column_format(mark.column), mark.colour))
            reference = f"{column_letter(mark.column)}{mark.row}"
            written.append(self.new_cell(mark, f"{self._prefix}c", {"r": reference, "s": style}))
        return b"".join(written)

    def _column_format(self, column: int) -> int:
        position = bisect_right(self._column_formats, column, key=lambda each: each[0])
        if not position:
            return 0
        _, last, style = self._column_formats[position - 1]
        return style if column <= last else 0

    def _insert(self, offset: int, text: bytes) -> None:
        if text:
            self.edits.append(Edit(offset, offset, text))


def _widened(spans: str, marks: Sequence[Mark]) -> str:
    """Return a row's `spans` with the columns of its marks, or '' if they need no change."""
    match = _SPANS.fullmatch(spans)
    if match is None:
        return ""
    first, last = int(match[1]), int(match[2])
    wide = min(first, marks[-1].column), max(last, marks[0].column)
    return "" if wide == (first, last) else f"{wide[0]}:{wide[1]}"


def _number(text: str) -> int:
    return int(text) if len(text) < 10 and text.isascii() and text.isdigit() else 0


def legacy_drawing(root: str, key: str, relationships: str) -> bytes:
    """Return the element that refers to the drawing with the boxes of comments, by its relationship id."""
    prefix = prefix_of(root)
    return f'<{prefix}legacyDrawing xmlns:r="{relationships}" r:id="{escape(key)}"/>'.encode()
