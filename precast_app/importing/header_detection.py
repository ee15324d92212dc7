"""Where the headings of a sheet are, and what they say. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace

from precast_app.errors import JobFailed
from precast_app.importing import cell_parsing
from precast_app.importing.schema import BASE_COLUMNS, GROUP_SPECS
from precast_app.messages import Message
from precast_app.spreadsheets import Book, MergedRange, SheetRow, SheetScan, unescape_formula, unit_name
from precast_app.text import clean_text

# The heading of the column that says why a row was rejected; the column is ignored.
REASON_HEADING = "Rejected because"

_SHEET_NAME = "elementtypes"
# Blank rows that there may be between the header row and the sub-headings.
_MAX_BLANK_ROWS = 2
_SAMPLE_PREFIXES = tuple(f"{prefix}_".casefold() for spec in GROUP_SPECS.values() for prefix in spec.sample_prefixes)
_SAMPLE_NAMES = ("ET001", "Beam Type A")
# The names of the sample row of a template with a guide; such a row is never data, wherever it stands.
EXAMPLE_NAMES = ("BEAM", "B-101 (example)")
# What a heading may end with: punctuation, and before it a unit, with or without brackets.
_PUNCTUATION = " .:;,*"
_OPENING, _CLOSING = "([（［", ")]）］"
_BEFORE_UNIT = " _/,;"
_IN = " in"
_BEFORE_UNIT_WORDS = frozenset({"in", "en", "w", "unit", "unit:", "units", "units:", "einheit", "einheit:"})
# Longer than any heading of a base column, whatever separates its words.
_MAX_BASE_NAME_LENGTH = 200
_NO_LETTERS = re.compile(r"\W|_")
_BASE_NAMES = {
    _NO_LETTERS.sub("", name).casefold(): (column.field, rank)
    for column in BASE_COLUMNS
    for rank, name in enumerate((column.heading, *column.aliases))
}


@dataclass(frozen=True, slots=True)
class Heading:
    """The heading of a column: `top` in the header row (repeated over a merged range), `sub` in the row below.

    `base` is the field of a base column, and `unit` the unit that its heading states. `row` is the number of the lower
    row that has text. With `is_part` the column has only its part of a merged heading, and names nothing. For a blank
    heading in a CSV file with sub-headings, `continued` is the one to its left: the two may have been merged.
    """

    index: int
    top: str
    sub: str
    base: str | None
    row: int
    is_part: bool = False
    unit: str = ""
    continued: str = ""


@dataclass(frozen=True, slots=True)
class HeaderLayout:
    """The headings of a sheet; `header_rows` is the number of non-blank rows before the data."""

    sheet: str
    headings: tuple[Heading, ...]
    header_row: int
    header_rows: int
    first_data_row: int


def detect_header(book: Book) -> tuple[HeaderLayout, SheetScan]:
    """Return the layout and the scan of the sheet with the base headings.

    In a CSV file, the headings that may have been merged in a workbook are the merged ranges of the scan. Raise
    `JobFailed` if no sheet has the headings, or more than one and none of these is called Element Types.
    """
    found: list[tuple[HeaderLayout, SheetScan]] = []
    # Visible sheets come first, because a user doesn't expect a hidden one to be read instead.
    for sheet in sorted(book.sheets, key=book.hidden_sheets.__contains__):
        if sheet in book.hidden_sheets and any(layout.sheet not in book.hidden_sheets for layout, _ in found):
            break
        scan = book.scan(sheet)
        layout = _detect_in_sheet(sheet, scan, flat=book.format == "csv")
        if layout is not None:
            if book.format == "csv":
                scan = replace(scan, merged=_possible_merges(layout))
            if _squash(sheet) == _SHEET_NAME:
                return layout, scan
            found.append((layout, scan))
    if not found:
        *headings, last = (column.heading for column in BASE_COLUMNS)
        raise JobFailed(
            Message(
                "No header row was found. Put a row with the headings Element Type and Element Type Name "
                "above the data, as in the template; the other base columns are %(headings)s and %(last)s.",
                headings=", ".join(headings[2:]),
                last=last,
            )
        )
    if len(found) > 1:
        names = ", ".join(layout.sheet for layout, _ in found)
        raise JobFailed(
            Message(
                "More than one sheet has the headings (%(sheets)s). Call the right one Element Types.", sheets=names
            )
        )
    return found[0]


def item_headings(layout: HeaderLayout) -> Iterator[Heading]:
    """Yield the headings that should name an item of the project: all but blank ones and those of base columns."""
    for heading in layout.headings:
        if heading.base is None and (heading.top or heading.sub) not in ("", REASON_HEADING):
            yield heading


def base_field(heading: str) -> tuple[str, int] | None:
    """Return the field of the base column that a heading names, and 0 if by its own name, 1 or more if by an alias."""
    name, _ = split_unit(heading)
    return _base_name(name) or _base_name(name.removesuffix(_IN)) if len(name) <= _MAX_BASE_NAME_LENGTH else None


def split_unit(heading: str) -> tuple[str, str]:
    """Return a clean heading without the unit at its end, and the unit: `Height (mm):` → `Height `, `mm`.

    Whatever is in brackets counts as a unit; without brackets only a known one does.
    """
    text = heading.rstrip(_PUNCTUATION)
    if text.endswith(tuple(_CLOSING)):
        closed = max(text.rfind(sign, 0, -1) for sign in _CLOSING)
        opened = [index for sign in _OPENING if (index := text.find(sign, closed + 1)) >= 0]
        return (text[: min(opened)], _stated_unit(text[min(opened) + 1 : -1])) if opened else (text, "")
    last = max(text.rfind(sign) for sign in _BEFORE_UNIT)
    # Some units have two words: `Area sq ft`.
    for start in (text.rfind(" ", 0, max(last, 0)), last):
        if start > 0 and unit_name(text[start + 1 :]):
            return text[:start], text[start + 1 :]
    return text, ""


def _stated_unit(text: str) -> str:
    """Return the unit that a text in brackets states: `m` for `in m`; other texts as they are."""
    unit = text.strip()
    word, _, rest = unit.partition(" ")
    return rest.strip() if word.casefold() in _BEFORE_UNIT_WORDS and unit_name(rest) else unit


def _base_name(name: str) -> tuple[str, int] | None:
    return _BASE_NAMES.get(_squash(name))


def _squash(text: str) -> str:
    return _NO_LETTERS.sub("", unicodedata.normalize("NFKC", clean_text(text))).casefold()


def _detect_in_sheet(sheet: str, scan: SheetScan, *, flat: bool) -> HeaderLayout | None:
    for position, row in enumerate(scan.head):
        texts = _texts(row)
        base = _base_columns(texts)
        if "element_type" in base.values() and "name" in base.values():
            return _build_layout(sheet, scan, position, texts, base, flat=flat)
    return None


def _texts(row: SheetRow) -> list[str]:
    return [
        clean_text(unescape_formula(cell_parsing.display_text(cell_parsing.shown_cell(cell)))) for cell in row.cells
    ]


def _base_columns(texts: list[str]) -> dict[int, str]:
    """Return the fields of base columns by index; a heading by its own name wins over one by an alias."""
    named = [(index, match) for index, text in enumerate(texts) if (match := base_field(text)) is not None]
    by_own_name = {field for _, (field, rank) in named if rank == 0}
    return {index: field for index, (field, rank) in named if rank == 0 or field not in by_own_name}


def _build_layout(
    sheet: str, scan: SheetScan, position: int, texts: list[str], base: dict[int, str], *, flat: bool
) -> HeaderLayout:
    """Return the layout of a sheet whose header row is the row at `position` of the scanned rows."""
    header = scan.head[position]
    below = list(scan.head[position + 1 :])
    subs = None
    if below and below[0].number <= header.number + _MAX_BLANK_ROWS + 1:
        subs = below[0] if _is_sub_headings(below[0], base, texts, flat=flat) else None
    header_rows = [header]
    if subs is not None:
        header_rows.append(below.pop(0))
    # Only workbooks have the sample row of an export, and what a spreadsheet program saved of them as CSV.
    if below and _is_sample(below[0], base, is_possible=subs is not None or not flat):
        header_rows.append(below.pop(0))
    return HeaderLayout(
        sheet=sheet,
        headings=_headings(header, texts, subs, base, scan.merged, below, flat=flat),
        header_row=header.number,
        header_rows=position + len(header_rows),
        first_data_row=header_rows[-1].number + 1,
    )


def _headings(
    header: SheetRow,
    texts: list[str],
    subs: SheetRow | None,
    base: dict[int, str],
    merged: tuple[MergedRange, ...],
    data: list[SheetRow],
    *,
    flat: bool,
) -> tuple[Heading, ...]:
    sub_texts = _texts(subs) if subs else []
    tops, shared = _spread_merged(texts, header.number, merged, max(len(texts), len(sub_texts)))
    headings = []
    left = ""
    for index, top in enumerate(tops):
        if top:
            left = "" if index in base else top
        sub = sub_texts[index] if index < len(sub_texts) else ""
        # Below a heading that is merged over several columns, a column without a sub-heading names nothing.
        is_part = index in shared and not sub and index not in base
        if is_part and subs and not any(index < len(row.cells) and row.cells[index] != "" for row in data):
            top = ""
        row = subs.number if subs and sub else header.number
        unit = split_unit(top)[1] if index in base else ""
        continued = left if flat and sub and not top else ""
        headings.append(Heading(index, top, sub, base.get(index), row, is_part, unit, continued))
    return tuple(headings)


def _possible_merges(layout: HeaderLayout) -> tuple[MergedRange, ...]:
    """Return the headings of a CSV file together with the blank ones to the right that may continue them."""
    lasts: dict[int, int] = {}
    first = 0
    for heading in layout.headings:
        if heading.top:
            first = heading.index
        elif heading.continued:
            lasts[first] = heading.index
    return tuple(
        MergedRange(layout.header_row, first + 1, layout.header_row, last + 1) for first, last in lasts.items()
    )


def _spread_merged(
    texts: list[str], row: int, merged: tuple[MergedRange, ...], width: int
) -> tuple[list[str], frozenset[int]]:
    """Return the texts with each merged heading repeated in all its columns, and the indices of these columns."""
    shared: set[int] = set()
    tops = texts + [""] * (width - len(texts))
    for area in merged:
        first, end = area.first_column - 1, min(area.last_column, width)
        # No spreadsheet program writes ranges that overlap; ignoring them visits each column once.
        is_new = first < width and shared.isdisjoint((first, end - 1))
        if is_new and area.first_row <= row <= area.last_row:
            tops[first:end] = [tops[first]] * (end - first)
            if area.last_column > area.first_column:
                shared.update(range(first, end))
    return tops, frozenset(shared)


def _is_sub_headings(row: SheetRow, base: dict[int, str], tops: list[str], *, flat: bool) -> bool:
    """Return whether a row has cells, none of them below a base heading.

    In a flat file, which has no merged headings, one of them must be below a blank heading.
    """
    filled = [index for index, cell in enumerate(row.cells) if cell != ""]
    if not filled or any(index in base for index in filled):
        return False
    return not flat or any(index >= len(tops) or not tops[index] for index in filled)


def _is_sample(row: SheetRow, base: dict[int, str], *, is_possible: bool) -> bool:
    """Return whether a row is the sample row of a template with a guide or, if that is possible, of an export.

    The latter is all text, with the sample's names or the prefixes of several groups.
    """
    filled = [(index, cell) for index, cell in enumerate(row.cells) if cell != ""]
    by_field = {base[index]: clean_text(str(cell)) for index, cell in filled if index in base}
    names = (by_field.get("element_type"), by_field.get("name"))
    if names == EXAMPLE_NAMES:
        return True
    if not is_possible or not all(isinstance(cell, str) for _, cell in filled):
        return False
    if names == _SAMPLE_NAMES:
        return True
    prefixes = {
        next((each for each in _SAMPLE_PREFIXES if clean_text(str(cell)).casefold().startswith(each)), None)
        for index, cell in filled
        if index not in base
    }
    return None not in prefixes and len(prefixes) > 1
