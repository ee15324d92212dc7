"""What the columns of a sheet mean: its headings matched to the project's reference data."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from itertools import islice
from operator import attrgetter

from rapidfuzz import fuzz, process

from precast_app.enums import Severity
from precast_app.errors import JobFailed, NoDataRows
from precast_app.importing import cell_parsing, header_detection
from precast_app.importing.header_detection import HeaderLayout, Heading
from precast_app.importing.issues import Issue
from precast_app.importing.reference_data import ReferenceData, ReferenceItem
from precast_app.importing.schema import BASE_COLUMNS, CELL_PARSERS, NUMERIC_GROUPS, Column, ColumnGroup, ColumnMap
from precast_app.spreadsheets import Book, Cell, MergedRange, SheetScan, column_letter
from precast_app.text import match_key, path_key

_BASE_BY_FIELD = {column.field: column for column in BASE_COLUMNS}
# What may be written before a name that means two things, and what stands over the group in a workbook.
GROUP_TITLES = {
    ColumnGroup.DRAWINGS: "Drawing Types",
    ColumnGroup.NODES: "Hierarchy",
    ColumnGroup.STAGES: "Stages",
    ColumnGroup.BOM: "BOM",
}

_GROUP_WORDS = {
    ColumnGroup.BASE: "base columns",
    ColumnGroup.DRAWINGS: "drawing types",
    ColumnGroup.NODES: "quantities",
    ColumnGroup.STAGES: "stages",
    ColumnGroup.BOM: "materials",
}
# Columns of a group that are told of.
_MAX_LETTER_RANGES = 40
# Merged cells that are told of one by one.
_MAX_MERGED_WARNINGS = 50
# Longer than any name in a project, its group's name and what may stand between its words included.
_LONGEST_NAME = 2_000
# Of a heading, as messages show it.
_SHOWN_CHARACTERS = 200
# How alike a heading and a name must be to suggest the name, in percent; and how many pairs are compared for one file.
_ALIKE = 75
_COMPARED = 200_000

Target = tuple[ColumnGroup, ReferenceItem]
NameIndex = dict[str, list[Target]]


def map_columns(book: Book, reference: ReferenceData) -> tuple[ColumnMap, list[Issue]]:
    """The columns that mean something, and a warning for each that doesn't.

    Raises `JobFailed` where there is no header row, a base column is missing, or a heading names two things.
    """
    layout, scan = header_detection.detect_header(book)
    base = _base_columns(layout)
    names = index_names(reference)
    columns: list[Column] = []
    issues: list[Issue] = []
    suggestions = _Suggestions(names)
    for heading in layout.headings:
        if heading.base is not None or (heading.top or heading.sub) in ("", header_detection.REASON_HEADING):
            continue
        meant = [] if heading.is_part else find_targets(heading.top, heading.sub, names)
        if len(meant) > 1:
            raise JobFailed(_ambiguous_message(heading, meant))
        if not meant:
            issues.append(_unknown_heading(heading, suggestions, layout.sheet))
            continue
        ((group, named),) = meant
        columns.append(
            Column(
                heading.index,
                column_letter(heading.index + 1),
                _heading_text(heading),
                group,
                named.id,
                CELL_PARSERS[group],
            )
        )
    columns, repeated = _drop_repeated([*base, *columns], names, layout)
    merged, told = _find_merged_cells(layout, scan, columns)
    if book.decimal_comma:
        columns = [_with_decimal_comma(column) for column in columns]
    found = ColumnMap(layout.sheet, layout.first_data_row, tuple(columns), len(layout.headings), merged)
    return found, [*issues, *repeated, *told]


def _letter_ranges(columns: Sequence[Column]) -> list[str]:
    """The letters of columns in order, those that stand side by side together: A to C, E."""
    runs: list[list[Column]] = []
    for column in columns:
        if runs and column.index == runs[-1][-1].index + 1:
            runs[-1].append(column)
        else:
            runs.append([column])
    return [run[0].letter if len(run) == 1 else f"{run[0].letter} to {run[-1].letter}" for run in runs]


def describe_mapping(columns: ColumnMap) -> Issue:
    """How the sheet was understood, for a person who wonders why: where its data begin, and what its columns are."""
    groups = []
    in_order = sorted(columns.columns, key=attrgetter("index"))
    for group, words in _GROUP_WORDS.items():
        runs = _letter_ranges([column for column in in_order if column.group is group])
        if runs:
            groups.append(
                f"{words} in {', '.join(runs[:_MAX_LETTER_RANGES])}{' …' if len(runs) > _MAX_LETTER_RANGES else ''}"
            )
    sheet = f"the sheet {columns.sheet}" if columns.sheet else "the file"
    message = f"In {sheet} the data begin in row {columns.first_data_row}; {'; '.join(groups)}."
    return Issue(Severity.INFO, "layout", message, sheet=columns.sheet or None)


def _with_decimal_comma(column: Column) -> Column:
    is_number = column.group in NUMERIC_GROUPS or (
        column.group is ColumnGroup.BASE and _BASE_BY_FIELD[str(column.target)].unit
    )
    return replace(column, parse=partial(cell_parsing.parse_with_decimal_comma, column.parse)) if is_number else column


def number_reader(book: Book, layout: HeaderLayout) -> Callable[[int, Cell], Cell]:
    """What a cell under a heading (from 0) is in a file where decimals stand after a point; texts stay as they are."""
    texts = {heading.index for heading in layout.headings if heading.base in ("element_type", "name", "version")}

    def read(index: int, cell: Cell) -> Cell:
        return cell if not book.decimal_comma or index in texts else cell_parsing.with_decimal_point(cell)

    return read


def count_rows(book: Book) -> tuple[str, int]:
    """The sheet that holds the element types and its number of data rows, from a look at it alone.

    Raises `JobFailed` where there is no header row, a base column is missing, or there are no data rows.
    """
    layout, scan = header_detection.detect_header(book)
    _base_columns(layout)
    count = scan.row_count - layout.header_rows
    if count <= 0:
        raise NoDataRows
    return layout.sheet, count


def _base_columns(layout: HeaderLayout) -> list[Column]:
    found = {heading.base for heading in layout.headings}
    missing = [column.heading for column in BASE_COLUMNS if column.field not in found]
    if missing:
        raise JobFailed(
            f"The header row lacks {', '.join(missing)}. Add the column{'s' if len(missing) > 1 else ''} "
            "(cells may be blank) and upload the file again."
        )
    columns = []
    for declared in BASE_COLUMNS:
        for heading in layout.headings:
            if heading.base == declared.field:
                letter = column_letter(heading.index + 1)
                columns.append(
                    Column(heading.index, letter, heading.top, ColumnGroup.BASE, declared.field, declared.parse)
                )
    return columns


def index_names(reference: ReferenceData) -> NameIndex:
    """Every key that a heading may have, with what it names."""
    names: NameIndex = defaultdict(list)
    groups = {
        ColumnGroup.DRAWINGS: reference.drawing_types,
        ColumnGroup.NODES: reference.nodes,
        ColumnGroup.STAGES: reference.stages,
        ColumnGroup.BOM: reference.products,
    }
    for group, members in groups.items():
        for named in members:
            names[named.key].append((group, named))
            names[f"{match_key(GROUP_TITLES[group])}_{named.key}"].append((group, named))
    return names


def find_targets(top: str, sub: str, names: NameIndex) -> list[Target]:
    """What a heading can mean: `top` over `sub`, one of which may be blank."""
    if len(top) + len(sub) > _LONGEST_NAME:
        return []
    if top and sub:
        # A group's or tower's or product's name over the member's own.
        keys = [path_key(top, sub), match_key(f"{top}_{sub}")]
    else:
        name = top or sub
        keys = [path_key(*name.split(".")), match_key(name)]
    found: dict[tuple[ColumnGroup, int], Target] = {}
    for key in keys:
        for group, named in names.get(key, ()):
            found[group, named.id] = (group, named)
    return list(found.values())


def _heading_text(heading: Heading) -> str:
    shown = " / ".join(filter(None, (heading.top, heading.sub)))
    return shown if len(shown) <= _SHOWN_CHARACTERS else f"{shown[:_SHOWN_CHARACTERS]}…"


def _ambiguous_message(heading: Heading, targets: Iterable[Target]) -> str:
    ways = " or ".join(f"{GROUP_TITLES[group]}_{named.name}" for group, named in targets)
    return (
        f"The heading {_heading_text(heading)} in column {column_letter(heading.index + 1)} names more than one "
        f"thing of this "
        f"project. Write {ways} instead."
    )


class _Suggestions:
    """Finds the name that a misspelled heading may mean, until as many pairs as are worth their time are compared."""

    def __init__(self, names: NameIndex) -> None:
        self._names = names
        self._left = _COMPARED

    def nearest(self, heading: Heading) -> str | None:
        """Return the nearest name, or None if none is near or too much was compared already."""
        text = f"{heading.top}_{heading.sub}" if heading.sub else heading.top
        if len(text) > _SHOWN_CHARACTERS or self._left <= 0:
            return None
        compared = islice(self._names, self._left)
        self._left -= len(self._names)
        found = process.extractOne(match_key(text), compared, scorer=fuzz.ratio, score_cutoff=_ALIKE)
        return None if found is None else self._names[found[0]][0][1].name


def _unknown_heading(heading: Heading, suggestions: _Suggestions, sheet: str) -> Issue:
    shown = _heading_text(heading)
    nearest = suggestions.nearest(heading)
    hint = f"; the nearest name that it has is {nearest}" if nearest else ""
    message = (
        f"The project has no drawing type, node, stage or product called {shown}{hint}. The column was left out; "
        "correct its heading, or add what it names to the project, and upload the file again."
    )
    return _warning("unknown_heading", message, column_letter(heading.index + 1), shown, sheet, heading.row)


def _drop_repeated(columns: list[Column], names: NameIndex, layout: HeaderLayout) -> tuple[list[Column], list[Issue]]:
    """Of columns that mean the same the first one, and a warning for each of the others."""
    seen: dict[tuple[ColumnGroup, str | int], Column] = {}
    rows = {heading.index: heading.row for heading in layout.headings}
    issues = []
    for column in columns:
        first = seen.setdefault((column.group, column.target), column)
        if first is column:
            continue
        also = names.get(match_key(column.heading), []) if column.group is ColumnGroup.BASE else []
        ways = "".join(f" Write {GROUP_TITLES[group]}_{named.name} over it, if it is that." for group, named in also)
        message = (
            f"The columns {first.letter} ({first.heading}) and {column.letter} ({column.heading}) mean the same. The "
            f"first one was read and this one left out; delete the one that is wrong.{ways}"
        )
        row = rows[column.index]
        issues.append(_warning("repeated_heading", message, column.letter, column.heading, layout.sheet, row))
    return list(seen.values()), issues


def _find_merged_cells(
    layout: HeaderLayout, scan: SheetScan, read: list[Column]
) -> tuple[tuple[MergedRange, ...], list[Issue]]:
    """The cells that are merged over several data rows, whose value counts for each; not so what is counted in rows.

    Four pieces over two rows may be four for each, or for both: they are those of the first row, and it is told.
    """
    columns = {column.index + 1: column for column in read}
    merged = [
        area
        for area in scan.merged
        if area.first_row >= layout.first_data_row and area.last_row > area.first_row and area.first_column in columns
    ]
    issues = []
    for area in merged[:_MAX_MERGED_WARNINGS]:
        column = columns[area.first_column]
        place = f"{column.letter}{area.first_row}:{column.letter}{area.last_row}"
        taken = "only for the first row" if column.group in NUMERIC_GROUPS else "for each row"
        message = f"The cells {place} are merged; their value was taken {taken}. Look whether that is meant."
        issues.append(_warning("merged_cells", message, column.letter, column.heading, layout.sheet, area.first_row))
    return tuple(area for area in merged if columns[area.first_column].group not in NUMERIC_GROUPS), issues


def _warning(code: str, message: str, letter: str, heading: str, sheet: str, row: int) -> Issue:
    return Issue(Severity.WARNING, code, message, row=row, column=letter, heading=heading, sheet=sheet or None)
