"""What the columns of a sheet mean: its headings matched to the project's reference data. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import islice

from rapidfuzz import fuzz, process

from precast_app.enums import Severity
from precast_app.errors import JobFailed, NoDataRows
from precast_app.importing import cell_parsing, decimal_signs, header_detection, units
from precast_app.importing.decimal_signs import DecimalSign
from precast_app.importing.header_detection import HeaderLayout, Heading
from precast_app.importing.issues import Issue
from precast_app.importing.reference_data import ReferenceData, ReferenceItem
from precast_app.importing.schema import (
    BASE_COLUMNS,
    GROUP_SPECS,
    MAX_MEASURE,
    MEASURES,
    BaseColumn,
    CellParser,
    Column,
    ColumnGroup,
    ColumnMap,
)
from precast_app.messages import Message, join_messages
from precast_app.spreadsheets import Book, Cell, MergedRange, SheetScan, column_letter
from precast_app.text import match_key, path_key

# Merged ranges with a warning of their own.
_MAX_MERGED_WARNINGS = 50
# Longer than any name in a project, including the title of its group and the separators between words.
_MAX_NAME_LENGTH = 2_000
# Characters of a heading in a message.
_SHOWN_CHARACTERS = 200
# How similar a heading and a name must be to suggest the name, in percent; and the number of pairs compared per file.
_MIN_SIMILARITY = 75
_MAX_COMPARISONS = 200_000

Target = tuple[ColumnGroup, ReferenceItem]
NameIndex = dict[str, list[Target]]


def map_columns(book: Book, reference: ReferenceData) -> tuple[ColumnMap, list[Issue]]:
    """Return the columns whose meaning is known, and a warning for each of the others.

    Raise `JobFailed` if there is no header row, or a heading names two things.
    """
    layout, scan = header_detection.detect_header(book)
    names = index_names(reference)
    layout = resolve_continued(layout, names)
    base, unit_issues = _base_columns(layout)
    columns, unknown = _group_columns(layout, names)
    columns, repeated = _drop_repeated([*base, *columns], names, layout)
    merged = merged_data_cells(layout.first_data_row, scan, columns)
    read = {column.letter for column in columns}
    unit_issues = [issue for issue in unit_issues if issue.column in read]
    issues = [*unit_issues, *unknown, *repeated, *merged_warnings(merged)]
    column_map = ColumnMap(
        layout.sheet,
        layout.first_data_row,
        tuple(columns),
        len(layout.headings),
        # A quantity for two rows may mean the sum or each of them; it is taken for the first row, with a warning.
        tuple(area for area, column in merged if column.group is ColumnGroup.BASE or not column.is_number),
        decimal_signs.file_sign(book),
    )
    return column_map, [replace(issue, sheet=layout.sheet or None) for issue in issues]


def number_reader(book: Book, layout: HeaderLayout) -> Callable[[int, Cell], Cell]:
    """Return a function that rewrites the cell at an index (from 0) with a decimal point; texts stay as they are."""
    texts = {heading.index for heading in layout.headings if heading.base and heading.base not in MEASURES}

    def read(index: int, cell: Cell) -> Cell:
        if not book.decimal_comma or index in texts or not isinstance(cell, str):
            return cell
        return decimal_signs.with_point(cell, DecimalSign.COMMA)

    return read


def count_rows(book: Book) -> tuple[str, int]:
    """Return the name of the sheet with the element types and its number of data rows, from a scan of the sheet.

    Raise `JobFailed` if there is no header row, or there are no data rows.
    """
    layout, scan = header_detection.detect_header(book)
    count = scan.row_count - layout.header_rows
    if count <= 0:
        raise NoDataRows
    return layout.sheet, count


def index_names(reference: ReferenceData) -> NameIndex:
    """Return what each match key names: items by their names, with and without the title of their group in front."""
    names: NameIndex = defaultdict(list)
    for group, spec in GROUP_SPECS.items():
        for item in reference.of(group):
            names[item.key].append((group, item))
            names[f"{match_key(spec.title)}_{item.key}"].append((group, item))
    return names


def find_targets(top: str, sub: str, names: NameIndex) -> list[Target]:
    """Return everything that a heading can mean: `top` over `sub`, one of which may be blank."""
    if len(top) + len(sub) > _MAX_NAME_LENGTH:
        return []
    if top and sub:
        # The title of a group, a tower or a product over the rest of the name.
        keys = [path_key(top, sub), match_key(f"{top}_{sub}")]
    else:
        name = top or sub
        keys = [path_key(name), match_key(name)]
    found: dict[tuple[ColumnGroup, int], Target] = {}
    for key in keys:
        for group, item in names.get(key, ()):
            found[group, item.id] = (group, item)
    return list(found.values())


def resolve_continued(layout: HeaderLayout, names: NameIndex) -> HeaderLayout:
    """Return the layout in which blank headings of a CSV file have the heading that they continue.

    A spreadsheet program that saves a merged heading as CSV keeps its text in the first column only. A sub-heading that
    names something only without the heading to its left has no heading. Raise `JobFailed` if it names something with
    that heading and something else without it.
    """
    return replace(layout, headings=tuple(_resolve_continued(heading, names) for heading in layout.headings))


def _resolve_continued(heading: Heading, names: NameIndex) -> Heading:
    if not heading.continued:
        return heading
    continued = replace(heading, top=heading.continued)
    joined, alone = find_targets(continued.top, heading.sub, names), find_targets("", heading.sub, names)
    if alone and not joined:
        return heading
    if alone and not any(target in alone for target in joined):
        raise JobFailed(_ambiguous_message(continued, [*joined, *alone]))
    return continued


def _base_columns(layout: HeaderLayout) -> tuple[list[Column], list[Issue]]:
    """Return the base columns in the order of their declaration, and the issues of their units."""
    by_field: dict[str, list[Heading]] = defaultdict(list)
    for heading in layout.headings:
        if heading.base is not None:
            by_field[heading.base].append(heading)
    columns = []
    issues = []
    for base in BASE_COLUMNS:
        for heading in by_field[base.field]:
            parse, unit, unit_issue = _parser_in_unit(base, heading)
            issues += [unit_issue] if unit_issue else []
            columns.append(
                Column(
                    index=heading.index,
                    letter=column_letter(heading.index + 1),
                    heading=heading.top,
                    group=ColumnGroup.BASE,
                    target=base.field,
                    parse=parse,
                    unit=unit,
                )
            )
    return columns, issues


def _parser_in_unit(base: BaseColumn, heading: Heading) -> tuple[CellParser, str, Issue | None]:
    """Return the parser of a column, the unit that it reads, and an issue if numbers are not stored in it."""
    if not base.unit or not heading.unit:
        return base.parse, base.unit, None
    factor = units.factor(base.unit, heading.unit)
    if factor == 1:
        return base.parse, base.unit, None
    issue = partial(Issue, row=heading.row, column=column_letter(heading.index + 1), heading=_heading_text(heading))
    if factor is None:
        message = Message(
            "The unit %(stated)s is not known for %(heading)s; the numbers were read in %(unit)s. "
            "Use one of %(units)s.",
            stated=heading.unit[:_SHOWN_CHARACTERS],
            heading=base.heading,
            unit=base.unit,
            units=", ".join(units.names(base.unit)),
        )
        return base.parse, base.unit, issue(severity=Severity.WARNING, code="unknown_unit", message=message)
    message = Message("The numbers were converted from %(stated)s to %(unit)s.", stated=heading.unit, unit=base.unit)
    parse = partial(cell_parsing.parse_converted, maximum=MAX_MEASURE, factor=factor, unit=heading.unit)
    return parse, heading.unit, issue(severity=Severity.INFO, code="unit_converted", message=message)


def _group_columns(layout: HeaderLayout, names: NameIndex) -> tuple[list[Column], list[Issue]]:
    """Return the columns whose headings name an item of the project, and a warning for each of the others."""
    columns = []
    issues = []
    suggestions = Suggestions(names)
    for heading in header_detection.item_headings(layout):
        targets = [] if heading.is_part else find_targets(heading.top, heading.sub, names)
        if len(targets) > 1:
            raise JobFailed(_ambiguous_message(heading, targets))
        if not targets:
            issues.append(_unknown_heading(heading, suggestions))
            continue
        ((group, item),) = targets
        columns.append(
            Column(
                index=heading.index,
                letter=column_letter(heading.index + 1),
                heading=_heading_text(heading),
                group=group,
                target=item.id,
                parse=GROUP_SPECS[group].parse,
            )
        )
    return columns, issues


def _heading_text(heading: Heading) -> str:
    return shown_heading(heading.top, heading.sub)


def shown_heading(top: str, sub: str) -> str:
    """Return a heading of one or two rows as messages show it."""
    text = " / ".join(filter(None, (top, sub)))
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…"


def _ambiguous_message(heading: Heading, targets: Iterable[Target]) -> str:
    names = join_messages(Message(" or "), [GROUP_SPECS[group].full_name(item.name) for group, item in targets])
    return Message(
        "The heading %(heading)s in column %(column)s names more than one thing of this project. "
        "Write %(names)s instead.",
        heading=_heading_text(heading),
        column=column_letter(heading.index + 1),
        names=names,
    )


class Suggestions:
    """Finds the name that a misspelled heading may mean, up to a number of comparisons per file."""

    def __init__(self, names: NameIndex) -> None:
        self._names = names
        self._comparisons_left = _MAX_COMPARISONS

    def nearest(self, text: str) -> str | None:
        """Return the most similar name; None if no name is similar, or too many were compared already."""
        if len(text) > _SHOWN_CHARACTERS or self._comparisons_left <= 0:
            return None
        compared = islice(self._names, self._comparisons_left)
        self._comparisons_left -= len(self._names)
        found = process.extractOne(match_key(text), compared, scorer=fuzz.ratio, score_cutoff=_MIN_SIMILARITY)
        return None if found is None else self._names[found[0]][0][1].name


def _unknown_heading(heading: Heading, suggestions: Suggestions) -> Issue:
    text = _heading_text(heading)
    nearest = suggestions.nearest(f"{heading.top}_{heading.sub}" if heading.sub else heading.top)
    hint = Message("; the nearest name that it has is %(nearest)s", nearest=nearest) if nearest else ""
    *kinds, last = (spec.reference.singular for spec in GROUP_SPECS.values())
    return Issue(
        severity=Severity.WARNING,
        code="unknown_heading",
        message=Message(
            "The project has no %(kinds)s or %(last)s called %(heading)s%(hint)s. The column was "
            "ignored. Correct the heading, or add the item to the project, and upload the file again.",
            kinds=join_messages(", ", kinds),
            last=last,
            heading=text,
            hint=hint,
        ),
        row=heading.row,
        column=column_letter(heading.index + 1),
        heading=text,
    )


def _drop_repeated(columns: list[Column], names: NameIndex, layout: HeaderLayout) -> tuple[list[Column], list[Issue]]:
    """Return the first of each set of columns with the same meaning, and a warning for each of the others."""
    seen: dict[tuple[ColumnGroup, str | int], Column] = {}
    rows = {heading.index: heading.row for heading in layout.headings}
    issues = []
    for column in columns:
        first = seen.setdefault((column.group, column.target), column)
        if first is column:
            continue
        # A heading such as Mass may also be the name of a node.
        others = names.get(match_key(column.heading), []) if column.group is ColumnGroup.BASE else []
        hints = join_messages(
            "",
            [
                Message(" Write %(name)s if you mean that.", name=GROUP_SPECS[group].full_name(item.name))
                for group, item in others
            ],
        )
        issues.append(
            Issue(
                severity=Severity.WARNING,
                code="repeated_heading",
                message=Message(
                    "The columns %(first)s (%(first_heading)s) and %(second)s (%(second_heading)s) mean the same. The "
                    "first one was read and this one ignored; delete the wrong one.%(hints)s",
                    first=first.letter,
                    first_heading=first.heading,
                    second=column.letter,
                    second_heading=column.heading,
                    hints=hints,
                ),
                row=rows[column.index],
                column=column.letter,
                heading=column.heading,
            )
        )
    return list(seen.values()), issues


def merged_data_cells(
    first_data_row: int, scan: SheetScan, columns: Iterable[Column]
) -> list[tuple[MergedRange, Column]]:
    """Return the ranges that are merged over several data rows, each with its column."""
    by_number = {column.index + 1: column for column in columns}
    return [
        (area, by_number[area.first_column])
        for area in scan.merged
        if area.first_row >= first_data_row and area.last_row > area.first_row and area.first_column in by_number
    ]


def merged_warnings(merged: Sequence[tuple[MergedRange, Column]]) -> Iterator[Issue]:
    """Yield a warning for each merged range, up to a number."""
    for area, column in merged[:_MAX_MERGED_WARNINGS]:
        is_quantity = column.group is not ColumnGroup.BASE and column.is_number
        rows = Message("for the first row only") if is_quantity else Message("for each row")
        yield Issue(
            severity=Severity.WARNING,
            code="merged_cells",
            message=Message(
                "The cells %(column)s%(first_row)s:%(column)s%(last_row)s are merged. Their value was "
                "taken %(rows)s; check that this is meant.",
                column=column.letter,
                first_row=area.first_row,
                last_row=area.last_row,
                rows=rows,
            ),
            row=area.first_row,
            column=column.letter,
            heading=column.heading,
        )
