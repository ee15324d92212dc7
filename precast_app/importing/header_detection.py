"""Where the headings of a sheet are and what each column's heading says, before anyone asks what it means."""

from __future__ import annotations

import re
from dataclasses import dataclass

from precast_app.errors import JobFailed
from precast_app.importing import cell_parsing
from precast_app.importing.schema import BASE_COLUMNS
from precast_app.spreadsheets import Book, MergedRange, SheetRow, SheetScan, unescape_formula
from precast_app.text import clean_text

# Over the column that says why a row was rejected; such a column is no data.
REASON_HEADING = "Rejected because"

_SHEET_NAME = "elementtypes"
# Rows between the headings that are left blank.
_BLANK_ROWS = 2
_SAMPLE_PREFIXES = ("drw_", "qty_", "stage_", "bom_")
# After a heading: punctuation, and before it a unit, bare or in brackets.
_PUNCTUATION = " .:;,*"
_UNITS = (" mm", " kg", *(f" m{power}" for power in "²³23"))
_LONGEST_UNIT = max(map(len, _UNITS))
_OPENING, _CLOSING = "([", ")]"
# Longer than any name of a base column, whatever its words are divided by.
_LONGEST_BASE_NAME = 200
_NO_LETTERS = re.compile(r"\W|_")
_BASE_NAMES = {
    _NO_LETTERS.sub("", name).casefold(): (column.field, rank)
    for column in BASE_COLUMNS
    for rank, name in enumerate((column.heading, *column.aliases))
}


@dataclass(frozen=True, slots=True)
class Heading:
    """What stands above a column: `top` in the header row (over all cells of a merge), `sub` in the row below it.

    `row` is that of the lower of the two. With `is_part` the column has its part of a merged heading and none of its
    own, so that it names nothing.
    """

    index: int
    top: str
    sub: str
    base: str | None
    row: int
    is_part: bool = False


@dataclass(frozen=True, slots=True)
class HeaderLayout:
    """The headings of a sheet; `header_rows` of the rows that hold anything come before the data."""

    sheet: str
    headings: tuple[Heading, ...]
    header_row: int
    header_rows: int
    first_data_row: int


def detect_header(book: Book) -> tuple[HeaderLayout, SheetScan]:
    """The one sheet with the base headings and its layout; `JobFailed` where there is none, or more than one."""
    found: list[tuple[HeaderLayout, SheetScan]] = []
    for sheet in book.sheets:
        scan = book.scan(sheet)
        layout = _detect_in_sheet(sheet, scan, flat=book.format == "csv")
        if layout is not None:
            if _squash(sheet) == _SHEET_NAME:
                return layout, scan
            found.append((layout, scan))
    if not found:
        raise JobFailed(
            "No header row was found. A row with the headings Element Type, Element Type Name, Height, Length, "
            "Thickness, Mass, Volume, Area, Width and Element Type Version must stand above the data; "
            "the template has it."
        )
    if len(found) > 1:
        names = ", ".join(layout.sheet for layout, _ in found)
        raise JobFailed(f"More than one sheet has the headings ({names}). Name the right one Element Types.")
    return found[0]


def base_field(heading: str) -> tuple[str, int] | None:
    """The base column that a heading names, and whether by its own name (0) or by an alias (1)."""
    name = _without_unit(heading)
    return _BASE_NAMES.get(_squash(name)) if len(name) <= _LONGEST_BASE_NAME else None


def _without_unit(heading: str) -> str:
    """Return a clean heading without the unit at its end: `Height (mm):` → `Height `."""
    text = heading.rstrip(_PUNCTUATION)
    if text.endswith(tuple(_CLOSING)):
        closed = max(text.rfind(sign, 0, -1) for sign in _CLOSING)
        opened = [place for sign in _OPENING if (place := text.find(sign, closed + 1)) >= 0]
        return text[: min(opened)] if opened else text
    end = text[-_LONGEST_UNIT:].lower()
    return next((text[: -len(unit)] for unit in _UNITS if end.endswith(unit)), text)


def _squash(text: str) -> str:
    return _NO_LETTERS.sub("", clean_text(text)).casefold()


def _detect_in_sheet(sheet: str, scan: SheetScan, *, flat: bool) -> HeaderLayout | None:
    for position, row in enumerate(scan.head):
        texts = _texts(row)
        base = _base_columns(texts)
        if "element_type" in base.values() and "name" in base.values():
            return _build_layout(sheet, scan, position, texts, base, flat=flat)
    return None


def _texts(row: SheetRow) -> list[str]:
    return [clean_text(unescape_formula(cell_parsing.display_text(cell))) for cell in row.cells]


def _base_columns(texts: list[str]) -> dict[int, str]:
    """Field by column; where one is named twice over, its own name wins over an alias."""
    named = [(index, match) for index, text in enumerate(texts) if (match := base_field(text)) is not None]
    owned = {field for _, (field, rank) in named if rank == 0}
    return {index: field for index, (field, rank) in named if rank == 0 or field not in owned}


def _build_layout(
    sheet: str, scan: SheetScan, position: int, texts: list[str], base: dict[int, str], *, flat: bool
) -> HeaderLayout:
    header = scan.head[position]
    rest = scan.head[position + 1 :]
    subs: list[str] = []
    last = sub_row = header.number
    if rest and rest[0].number <= header.number + _BLANK_ROWS + 1 and _is_sub_headings(rest[0], base, texts, flat=flat):
        subs, last, sub_row = _texts(rest[0]), rest[0].number, rest[0].number
        rest = rest[1:]
    used = position + 1 + bool(subs)
    # A flat file has none.
    if rest and not flat and _is_sample(rest[0], base):
        used, last = used + 1, rest[0].number
    tops, shared = _spread_merged(texts, header.number, scan.merged, max(len(texts), len(subs)))
    headings = []
    for index, top in enumerate(tops):
        sub = subs[index] if index < len(subs) else ""
        # Below a heading over several columns, one without a heading of its own is about nothing.
        nothing = index in shared and not sub and index not in base
        used_column = not subs or any(index < len(row.cells) and row.cells[index] != "" for row in rest)
        if nothing and not used_column:
            top = ""
        headings.append(Heading(index, top, sub, base.get(index), sub_row if sub else header.number, is_part=nothing))
    return HeaderLayout(sheet, tuple(headings), header.number, used, last + 1)


def _spread_merged(
    texts: list[str], row: int, merged: tuple[MergedRange, ...], width: int
) -> tuple[list[str], frozenset[int]]:
    """The headings with those that are merged over all their columns, and the columns of these."""
    shared: set[int] = set()
    tops = texts + [""] * (width - len(texts))
    for area in merged:
        # Ranges that overlap are in no file of a spreadsheet program; without them each column is gone through once.
        ends = {area.first_column - 1, min(area.last_column, width) - 1}
        if area.first_row <= row <= area.last_row and area.first_column <= width and shared.isdisjoint(ends):
            for column in range(area.first_column, min(area.last_column, width)):
                tops[column] = tops[area.first_column - 1]
            if area.last_column > area.first_column:
                shared.update(range(area.first_column - 1, min(area.last_column, width)))
    return tops, frozenset(shared)


def _is_sub_headings(row: SheetRow, base: dict[int, str], tops: list[str], *, flat: bool) -> bool:
    """Whether a row has cells under no base heading; in a flat file, where nothing is merged, also under no heading."""
    filled = [index for index, cell in enumerate(row.cells) if cell != ""]
    if not filled or any(index in base for index in filled):
        return False
    return not flat or any(index >= len(tops) or not tops[index] for index in filled)


def _is_sample(row: SheetRow, base: dict[int, str]) -> bool:
    """Whether it is the sample row, which shows what goes where: all text, each group's cells with its own prefix."""
    filled = [(index, cell) for index, cell in enumerate(row.cells) if cell != ""]
    if not all(isinstance(cell, str) for _, cell in filled):
        return False
    prefixes = {
        next((each for each in _SAMPLE_PREFIXES if clean_text(str(cell)).casefold().startswith(each)), None)
        for index, cell in filled
        if index not in base
    }
    if None in prefixes:
        return False
    names = {base[index]: clean_text(str(cell)) for index, cell in filled if index in base}
    is_first = (names.get("element_type"), names.get("name")) == ("ET001", "Beam Type A")
    return is_first or len(prefixes) > 1
