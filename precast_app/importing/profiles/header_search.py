"""Where a list in an office's own shape has its headings, and which rows below them are no data. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from precast_app.importing.column_mapping import NameIndex, find_targets
from precast_app.importing.profiles import levels, vocabulary
from precast_app.importing.profiles.column_values import shown_text
from precast_app.messages import Message
from precast_app.spreadsheets import Book, MergedRange, SheetRow, SheetScan
from precast_app.text import clean_text

# Data rows that are looked at.
MAX_SAMPLE_ROWS = 200
# Fewer rows of a wide list, so that no more cells than these are looked at.
_MAX_SAMPLE_CELLS = 20_000
_MIN_SAMPLE_ROWS = 20
# All rows are read to count element types and places, if a list has no more cells.
MAX_COUNTED_CELLS = 200_000
# Columns of a row that are compared with the words that headings consist of.
_MAX_COMPARED = 150
# Points for a heading that means something, that is known but not read, that names a floor, that is a text.
_IGNORED, _LEVEL, _TEXT = 0.3, 0.6, 0.1
_NUMBER = -0.4
# Below this a row says too little to be sure that it has the headings.
_MIN_POINTS = 1.2
_MAX_BLANK_ROWS = 2
_SHORTEST_NUMBERING = 4
_MAX_UNIT_LENGTH = 20


@dataclass(frozen=True, slots=True)
class ListHeading:
    """The heading of a column: `top` in the upper header row, repeated over a merged range, and `sub` in the lower."""

    index: int
    top: str
    sub: str

    @property
    def text(self) -> str:
        """The heading that says what the column means: the lower one, if it is more than a unit."""
        return self.sub if self.sub and not (self.top and vocabulary.plain_unit(self.sub)) else self.top


@dataclass(frozen=True, slots=True)
class ListLayout:
    """The headings of a list and its first rows.

    `header_rows` are one or two row numbers. `skip_rows` are positions below the last of them, and `units` the units
    that such a row states, by column index. `titles` are the texts above. `rows` are data rows, up to a number;
    `has_all_rows` says whether that are all. `row_count` is the number of rows below the headings.
    """

    sheet: str
    header_rows: tuple[int, ...]
    headings: tuple[ListHeading, ...]
    skip_rows: tuple[int, ...]
    units: Mapping[int, str]
    titles: tuple[str, ...]
    rows: tuple[SheetRow, ...]
    has_all_rows: bool
    row_count: int
    is_certain: bool


def guess_layout(book: Book, names: NameIndex) -> ListLayout:
    """Return the layout of the sheet and the rows whose headings say most; where none says much, the first texts."""
    best: tuple[float, str, SheetScan, int, int] | None = None
    for sheet in sorted(book.sheets, key=book.hidden_sheets.__contains__):
        if best and best[0] >= _MIN_POINTS and sheet in book.hidden_sheets:
            break
        scan = book.scan(sheet)
        for position in range(len(scan.head)):
            count = 2 if has_sub_headings(scan, position) else 1
            points = _points(scan, position, count, names)
            if best is None or points > best[0]:
                best = points, sheet, scan, position, count
    if best is None:
        return ListLayout(book.sheets[0], (1,), (), (), {}, (), (), True, 0, False)
    points, sheet, scan, position, count = best
    return read_layout(book, sheet, scan, position, count, is_certain=points >= _MIN_POINTS)


def read_layout(
    book: Book,
    sheet: str,
    scan: SheetScan,
    position: int,
    header_count: int,
    skip_rows: Collection[int] | None = None,
    *,
    is_certain: bool = True,
) -> ListLayout:
    """Return the layout of a sheet whose headings are in one or two rows from `position` of the scanned rows on.

    `skip_rows` are positions of rows that are no data; if they are not given, rows of units and numbers are found.
    """
    header = scan.head[position]
    headings = headings_at(scan, position, header_count)
    last = scan.head[min(position + header_count, len(scan.head)) - 1].number
    limit = max(_MIN_SAMPLE_ROWS, min(MAX_SAMPLE_ROWS, _MAX_SAMPLE_CELLS // max(1, len(headings))))
    rows, has_all = _data_rows(book, sheet, last, limit)
    skipped, units = _rows_to_skip(rows, last, headings)
    if skip_rows is not None:
        units = units if set(skipped) <= set(skip_rows) else {}
        skipped = tuple(sorted(skip_rows))
    rows_skipped = sum(row.number - last in skipped for row in rows)
    return ListLayout(
        sheet=sheet,
        header_rows=tuple(row.number for row in scan.head[position : position + header_count]),
        headings=headings,
        skip_rows=skipped,
        units=units,
        titles=tuple(text for row in scan.head[:position] for text in _texts(row) if text)[:10],
        rows=tuple(row for row in rows if row.number - last not in skipped and not _repeats(row, headings)),
        has_all_rows=has_all,
        row_count=max(0, scan.row_count - position - header_count - rows_skipped),
        is_certain=is_certain and bool(header.cells),
    )


def iterate_data_rows(book: Book, layout: ListLayout) -> Iterator[SheetRow]:
    """Yield all data rows of a list, or only its first ones if it has more than 200 000 cells."""
    if layout.has_all_rows or layout.row_count * len(layout.headings) > MAX_COUNTED_CELLS:
        yield from layout.rows
        return
    last = layout.header_rows[-1]
    for row in book.rows(layout.sheet):
        is_skipped = row.number <= last or row.number - last in layout.skip_rows
        if not is_skipped and not _repeats(row, layout.headings):
            yield row


def headings_at(scan: SheetScan, position: int, header_count: int) -> tuple[ListHeading, ...]:
    """Return the headings in one or two scanned rows from `position` on; columns without a heading have blank ones."""
    header = scan.head[position]
    tops = _texts(header)
    has_subs = header_count > 1 and position + 1 < len(scan.head)
    subs = _texts(scan.head[position + 1]) if has_subs else []
    width = max(len(tops), len(subs))
    if has_subs:
        tops = spread_merged(tops, header.number, scan.merged, width)
    tops += [""] * (width - len(tops))
    subs += [""] * (width - len(subs))
    return tuple(ListHeading(index, top, sub) for index, (top, sub) in enumerate(zip(tops, subs, strict=True)))


def spread_merged(texts: Sequence[str], row: int, merged: Sequence[MergedRange], width: int) -> list[str]:
    """Return the texts of a row with each merged one repeated in all its columns."""
    spread = [*texts, *[""] * (width - len(texts))]
    for area in merged:
        first, end = area.first_column - 1, min(area.last_column, width)
        if area.first_row <= row <= area.last_row and first < end:
            spread[first:end] = [spread[first]] * (end - first)
    return spread


def has_sub_headings(scan: SheetScan, position: int) -> bool:
    """Return whether the row below a header row continues it: it has texts, all of them below blank or merged cells."""
    below = scan.head[position + 1 : position + 2]
    header = scan.head[position]
    if not below or below[0].number > header.number + _MAX_BLANK_ROWS + 1:
        return False
    subs = _texts(below[0])
    tops = _texts(header)
    shared = {
        column - 1
        for area in scan.merged
        if area.first_row <= header.number <= area.last_row and area.last_column > area.first_column
        for column in range(area.first_column, min(area.last_column, len(subs)) + 1)
    }
    filled = [index for index, text in enumerate(subs) if text]
    own = [
        index
        for index in filled
        if index < len(tops) and tops[index] and index not in shared and not _continues_heading(subs[index])
    ]
    # A flat file can't merge cells: the first sub-heading stands below the heading that they share.
    is_below_shared = all(index + 1 in filled and (index + 1 >= len(tops) or not tops[index + 1]) for index in own)
    is_text = all(isinstance(below[0].cells[index], str) or index in shared for index in filled)
    continues = bool(filled) and len(filled) > len(own) and is_text and is_below_shared and not _is_units(subs)
    # The row above is no title: it has headings of its own, or stands over some of the columns.
    return continues and (min(shared, default=0) > 0 or any(map(_is_top_heading, *_padded(tops, subs))))


def _continues_heading(text: str) -> bool:
    """Return whether a text below a heading belongs to it: a unit, or a word of a heading, such as Mark below Piece."""
    return bool(vocabulary.plain_unit(text) or vocabulary.plain_meanings(text))


def _padded(tops: Sequence[str], subs: Sequence[str]) -> tuple[list[str], list[str]]:
    width = max(len(tops), len(subs))
    return [*tops, *[""] * (width - len(tops))], [*subs, *[""] * (width - len(subs))]


def _is_top_heading(top: str, sub: str) -> bool:
    """Return whether an upper cell is the heading of a column without a sub-heading, or a tower above a floor."""
    kinds = {meaning.kind for meaning in vocabulary.meanings(top)} - {"ignored", "other_list", "serial"}
    return (not sub and bool(kinds)) or ("tower" in kinds and levels.is_level(sub))


def _points(scan: SheetScan, position: int, count: int, names: NameIndex) -> float:
    """Return how much one or two rows look like headings."""
    row = scan.head[position]
    below = scan.head[position + count :]
    texts = [heading.text for heading in headings_at(scan, position, count)[:_MAX_COMPARED]]
    filled = [text for text in texts if text]
    if len(filled) < 2:
        return 0.0
    points = 0.0
    seen: set[str] = set()
    for index, text in enumerate(texts):
        if not text:
            continue
        if index < len(row.cells) and not isinstance(row.cells[index], str):
            points += _NUMBER
            continue
        points += _TEXT * (len(text) <= vocabulary.MAX_HEADING_LENGTH) + _heading_points(text, seen, names)
    # A row of units has the words of some headings; the headings stand above it.
    return points * (0.5 if _is_units(texts) else 1.0) if below or points > _MIN_POINTS else 0.0


def _heading_points(text: str, seen: set[str], names: NameIndex) -> float:
    if find_targets(text, "", names):
        return 1.0
    if levels.is_level(text):
        return _LEVEL
    for meaning in vocabulary.plain_meanings(text):
        if meaning.kind in ("ignored", "other_list", "serial", "piece_status"):
            return _IGNORED
        if meaning.kind not in seen:
            seen.add(meaning.kind)
            return meaning.confidence
    return 0.0


def _repeats(row: SheetRow, headings: Sequence[ListHeading]) -> bool:
    """Return whether a row repeats the headings, as long reports do on each page."""
    texts = _texts(row)
    return any(texts) and all(
        not text or (index < len(headings) and text == (headings[index].sub or headings[index].top))
        for index, text in enumerate(texts)
    )


def _data_rows(book: Book, sheet: str, last_header_row: int, limit: int) -> tuple[list[SheetRow], bool]:
    """Return the first rows below the headings, and whether there are no more."""
    rows: list[SheetRow] = []
    for row in book.rows(sheet):
        if row.number <= last_header_row:
            continue
        if len(rows) == limit:
            return rows, False
        rows.append(row)
    return rows, True


def _rows_to_skip(
    rows: Sequence[SheetRow], last_header_row: int, headings: Sequence[ListHeading]
) -> tuple[tuple[int, ...], dict[int, str]]:
    """Return the positions of rows of units or of column numbers right below the headings, and the units by index."""
    skipped = []
    units: dict[int, str] = {}
    for row in rows[:2]:
        texts = _texts(row)
        if _is_units(texts):
            units.update((index, unit) for index, text in enumerate(texts) if (unit := vocabulary.plain_unit(text)))
        elif not _is_numbering(texts, headings):
            break
        skipped.append(row.number - last_header_row)
    return tuple(skipped), units


def _is_units(texts: Sequence[str]) -> bool:
    """Return whether all texts are short and most are units or words for pieces, at least one of them a unit."""
    filled = [text for text in texts if text]
    if not filled or max(map(len, filled)) > _MAX_UNIT_LENGTH or any(text.isdigit() for text in filled):
        return False
    pieces = vocabulary.load().words["piece"]
    units = sum(vocabulary.plain_unit(text) is not None for text in filled)
    others = sum(vocabulary.squash(text) in pieces or text in ("-", "–", "%") for text in filled)
    return units > 0 and units + others >= 0.75 * len(filled)


def _is_numbering(texts: Sequence[str], headings: Sequence[ListHeading]) -> bool:
    filled = [text for text in texts if text]
    named = sum(1 for heading in headings if heading.top or heading.sub)
    return len(filled) >= max(_SHORTEST_NUMBERING, named - 1) and filled == [str(n) for n in range(1, len(filled) + 1)]


def _texts(row: SheetRow) -> list[str]:
    return [shown_text(cell) for cell in row.cells]


def title_of(layout: ListLayout) -> str:
    """Return the title above the headings, else the name of the sheet, else the first headings."""
    for title in (*layout.titles, layout.sheet):
        if title.strip():
            return clean_text(title)[:100]
    headings = [heading.text for heading in layout.headings if heading.text]
    if not headings:
        return Message("List")
    return Message("List with %(headings)s", headings=", ".join(headings[:3])[:90])
