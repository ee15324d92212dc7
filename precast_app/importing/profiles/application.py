"""What the columns of a sheet mean by an import profile; the counterpart of `importing.column_mapping`. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial

from precast_app.enums import Severity
from precast_app.errors import JobFailed
from precast_app.importing import cell_parsing, column_mapping, decimal_signs, header_detection, units
from precast_app.importing.cell_parsing import InvalidCell
from precast_app.importing.column_mapping import NameIndex
from precast_app.importing.decimal_signs import DecimalSign
from precast_app.importing.issues import Issue
from precast_app.importing.profiles import cell_values, matching
from precast_app.importing.profiles.header_search import ListHeading, headings_at
from precast_app.importing.profiles.profile import (
    UNIT_IN_CELL,
    BaseTarget,
    Blank,
    ImportProfile,
    ItemTarget,
    PlaceField,
    PlaceTarget,
    ProfileColumn,
    Shape,
    value_kind,
)
from precast_app.importing.profiles.row_preparation import RowPreparation, words_for_totals
from precast_app.importing.reference_data import ReferenceData
from precast_app.importing.schema import (
    BASE_COLUMNS,
    GROUP_SPECS,
    MAX_MEASURE,
    NO_CELL,
    BaseColumn,
    CellParser,
    Column,
    ColumnGroup,
    ColumnMap,
    Grouping,
)
from precast_app.spreadsheets import Book, SheetScan, column_letter

_MAX_PLACE_LENGTH = 500
_BASE = {column.field: column for column in BASE_COLUMNS}


@dataclass(frozen=True, slots=True)
class FoundHeadings:
    """Where a file has the headings of a profile; `columns` are those of the profile by index."""

    sheet: str
    scan: SheetScan
    headings: tuple[ListHeading, ...]
    last_header_row: int
    columns: dict[int, ProfileColumn]

    @property
    def header_rows(self) -> int:
        """The number of rows that are not blank before the data, for a profile that skips none."""
        return sum(row.number <= self.last_header_row for row in self.scan.head)


def map_columns(book: Book, profile: ImportProfile, reference: ReferenceData) -> tuple[ColumnMap, list[Issue]]:
    """Return the columns that the profile reads, and a warning for each that is not read.

    Raise `JobFailed` if the file has no column for the names, or a constant has no valid value.
    """
    found = find_headings(book, profile)
    file_sign = decimal_signs.file_sign(book)
    mapper = _Mapper(profile, found, column_mapping.index_names(reference), file_sign)
    columns = mapper.columns()
    merged = column_mapping.merged_data_cells(_first_data_row(profile, found), found.scan, columns)
    issues = [
        *mapper.issues,
        *_lacking_columns(profile, found),
        *_unknown_headings(profile, found),
        *column_mapping.merged_warnings(merged),
    ]
    column_map = ColumnMap(
        found.sheet,
        _first_data_row(profile, found),
        tuple(columns),
        len(found.headings),
        tuple(area for area, column in merged if column.group is ColumnGroup.BASE or not column.is_number),
        file_sign,
        _preparation(profile, found),
        _grouping(profile),
    )
    return column_map, [replace(issue, sheet=found.sheet or None) for issue in issues]


def find_headings(book: Book, profile: ImportProfile) -> FoundHeadings:
    """Return the rows that have most of the headings of a profile, those that it names before others.

    Raise `JobFailed` if no row has the heading of the names.
    """
    best: tuple[int, FoundHeadings] | None = None
    order = sorted(book.sheets, key=lambda name: (name != profile.sheet, name in book.hidden_sheets))
    count = len(profile.header_rows)
    used = len(profile.used_columns)
    for sheet in order:
        scan = book.scan(sheet)
        positions = sorted(range(len(scan.head)), key=lambda at: scan.head[at].number != profile.header_rows[0])
        for position in positions:
            headings = headings_at(scan, position, count)
            columns = matching.match_columns(headings, profile)
            known = sum(column.target is not None for column in columns.values())
            if known and (best is None or known > best[0]) and _has_name(columns.values(), profile):
                last = scan.head[min(position + count, len(scan.head)) - 1].number
                best = known, FoundHeadings(sheet, scan, headings, last, columns)
            if known == used and best is not None:
                return best[1]
    if best is None:
        names = [column.heading or f"column {column.column}" for column in profile.columns if _is_name(column)]
        raise JobFailed(
            f"The file has no column {names[0] if names else 'of the import profile'}, from which the import profile "
            f"{profile.name} reads the element type names. Choose another profile, or say again what the columns mean."
        )
    return best[1]


def count_rows(book: Book, profile: ImportProfile) -> tuple[str, int]:
    """Return the name of the sheet and about how many data rows it has, from a scan; raise as `map_columns`."""
    found = find_headings(book, profile)
    return found.sheet, max(0, found.scan.row_count - found.header_rows - len(profile.skip_rows))


def _is_name(column: ProfileColumn) -> bool:
    return column.target == BaseTarget("name")


def _has_name(columns: Iterable[ProfileColumn], profile: ImportProfile) -> bool:
    return "name" in profile.constants or any(map(_is_name, columns))


def _first_data_row(profile: ImportProfile, found: FoundHeadings) -> int:
    below = (profile.first_data_row or 0) - profile.header_rows[-1]
    return found.last_header_row + max(below, 1)


def _measure_parser(
    column: ProfileColumn, base: BaseColumn, sign: DecimalSign, stated_unit: str
) -> tuple[CellParser, str]:
    """Return the parser of a base column, and the unit from which it converts; "" if it doesn't."""
    if not base.unit:
        return base.parse, ""
    if column.unit == UNIT_IN_CELL:
        return partial(cell_values.parse_measure, maximum=MAX_MEASURE, unit=base.unit, sign=sign), ""
    unit = column.unit or stated_unit
    factor = units.factor(base.unit, unit)
    if factor is None or factor == 1:
        return base.parse, ""
    return partial(cell_parsing.parse_converted, maximum=MAX_MEASURE, factor=factor, unit=unit), unit


class _Mapper:
    """Turns the columns of a profile into those of `ColumnMap`, and collects the issues."""

    def __init__(
        self, profile: ImportProfile, found: FoundHeadings, names: NameIndex, file_sign: DecimalSign | None
    ) -> None:
        self._profile = profile
        self._found = found
        self._names = names
        self._file_sign = file_sign
        self._suggestions = column_mapping.Suggestions(names)
        self.issues: list[Issue] = []

    def columns(self) -> list[Column]:
        """Return the columns, base columns first and in their order; constants are columns without a cell."""
        base: dict[str, Column] = {}
        others: dict[tuple[ColumnGroup, str | int], Column] = {}
        for index, column in sorted(self._found.columns.items()):
            match column.target:
                case BaseTarget(field):
                    base[field] = self._base_column(index, column, _BASE[field])
                case ItemTarget(group, name):
                    if (id_ := self._find_item(index, column, group, name)) is not None:
                        item = self._column(index, column, group, id_, GROUP_SPECS[group].parse)
                        others.setdefault((group, id_), item)
                case PlaceTarget(field):
                    parse = GROUP_SPECS[ColumnGroup.NODES].parse if field is PlaceField.COUNT else _parse_place
                    others[ColumnGroup.NODES, field] = self._column(
                        index, column, ColumnGroup.NODES, field.value, parse
                    )
        for field, text in self._profile.constants.items():
            if field in _BASE:
                base[field] = self._constant(ColumnGroup.BASE, field, _BASE[field].heading, _BASE[field].parse, text)
            else:
                parse = GROUP_SPECS[ColumnGroup.NODES].parse if field == PlaceField.COUNT else _parse_place
                others[ColumnGroup.NODES, field] = self._constant(ColumnGroup.NODES, field, field, parse, text)
        if "element_type" not in base:
            raise JobFailed(
                f"The file has no column for the element type, which the import profile {self._profile.name} reads. "
                "Choose another profile, or say again what the columns mean."
            )
        return [*(base[field] for field in _BASE if field in base), *others.values()]

    def _column(
        self, index: int, column: ProfileColumn, group: ColumnGroup, target: str | int, parse: CellParser
    ) -> Column:
        rules = self._profile.values.get(value_kind(column.target))
        return Column(
            index=index,
            letter=column_letter(index + 1),
            heading=self._heading(index),
            group=group,
            target=target,
            parse=parse,
            sign=column.decimal or self._profile.decimal,
            replacements=cell_values.index_rules(rules) if rules else None,
            keeps_blank=(column.blank or self._profile.blank) is Blank.KEEP and target not in ("element_type", "name"),
        )

    def _heading(self, index: int) -> str:
        heading = self._found.headings[index]
        return column_mapping.shown_heading(heading.top, heading.sub)

    def _base_column(self, index: int, column: ProfileColumn, base: BaseColumn) -> Column:
        return self._column(index, column, ColumnGroup.BASE, base.field, self._measure_parser(index, column, base))

    def _measure_parser(self, index: int, column: ProfileColumn, base: BaseColumn) -> CellParser:
        heading = self._found.headings[index]
        stated = (header_detection.split_unit(text)[1] for text in (heading.sub, heading.top))
        sign = column.decimal or self._profile.decimal or self._file_sign or DecimalSign.POINT
        parse, unit = _measure_parser(column, base, sign, next(filter(None, stated), ""))
        if unit:
            message = f"The numbers were converted from {unit} to {base.unit}."
            self.issues.append(self._issue(Severity.INFO, "unit_converted", message, index))
        return parse

    def _find_item(self, index: int, column: ProfileColumn, group: ColumnGroup, name: str) -> int | None:
        ids = [item.id for found, item in column_mapping.find_targets(name, "", self._names) if found is group]
        if ids:
            return ids[0]
        nearest = self._suggestions.nearest(name)
        hint = f"; the nearest name that it has is {nearest}" if nearest else ""
        message = (
            f"The import profile {self._profile.name} reads this column as the {GROUP_SPECS[group].reference.singular} "
            f"{name}, which the project lacks{hint}. The column was ignored. Add the item to the project, or change "
            "what the column means, and upload the file again."
        )
        self.issues.append(self._issue(Severity.WARNING, "unknown_heading", message, index))
        return None

    def _constant(self, group: ColumnGroup, target: str, heading: str, parse: CellParser, text: str) -> Column:
        try:
            value = parse(text)
        except InvalidCell as invalid:
            message = f"The import profile {self._profile.name} has no valid {heading} for all rows: {invalid.message}"
            raise JobFailed(message) from invalid
        return Column(index=NO_CELL, letter="", heading=heading, group=group, target=target, parse=lambda cell: value)

    def _issue(self, severity: Severity, code: str, message: str, index: int) -> Issue:
        return Issue(
            severity=severity,
            code=code,
            message=message,
            row=self._found.last_header_row,
            column=column_letter(index + 1),
            heading=self._heading(index),
        )


def _parse_place(cell: object) -> str:
    """Return the name of a place, "" for a blank cell."""
    return cell_parsing.parse_text(cell, max_length=_MAX_PLACE_LENGTH, blank="") or ""


def _lacking_columns(profile: ImportProfile, found: FoundHeadings) -> Iterator[Issue]:
    """Yield a warning for each column that the profile reads and the file lacks."""
    matched = {id(column) for column in found.columns.values()}
    for column in profile.used_columns:
        if id(column) not in matched:
            heading = column_mapping.shown_heading(column.heading, column.sub_heading) or f"column {column.column}"
            yield Issue(
                severity=Severity.WARNING,
                code="missing_heading",
                message=f"The import profile {profile.name} reads the column {heading}, which the file lacks. What it "
                "says was left as it is.",
                heading=heading,
            )


def _unknown_headings(profile: ImportProfile, found: FoundHeadings) -> Iterator[Issue]:
    """Yield a warning for each heading that the profile doesn't know."""
    for heading in found.headings:
        text = column_mapping.shown_heading(heading.top, heading.sub)
        if not text or heading.index in found.columns or text == header_detection.REASON_HEADING:
            continue
        yield Issue(
            severity=Severity.WARNING,
            code="unknown_heading",
            message=f"The import profile {profile.name} doesn't know the column {text}. The column was ignored. If it "
            "is needed, say what it means and import the file again.",
            row=found.last_header_row,
            column=column_letter(heading.index + 1),
            heading=text,
        )


def _preparation(profile: ImportProfile, found: FoundHeadings) -> RowPreparation:
    indexes = {
        column.target.field: index for index, column in found.columns.items() if isinstance(column.target, BaseTarget)
    }
    always, continued = [], []
    for index, column in found.columns.items():
        is_count = isinstance(column.target, PlaceTarget) and column.target.field is PlaceField.COUNT
        if column.target is None:
            continue
        if column.blank is Blank.ABOVE or (
            column.blank is None and profile.blank is Blank.ABOVE and column.target == BaseTarget("name")
        ):
            always.append(index)
        elif column.blank is None and profile.blank is Blank.ABOVE and not is_count and not _is_node(column):
            continued.append(index)
    return RowPreparation(
        skipped=frozenset(found.last_header_row + position for position in profile.skip_rows),
        headings={
            index: found.headings[index].sub or found.headings[index].top
            for index, column in found.columns.items()
            if column.target is not None
        },
        name=indexes.get("name", NO_CELL),
        element_type=indexes.get("element_type", NO_CELL),
        always_above=tuple(always),
        continued=tuple(continued),
        totals_words=words_for_totals(profile.totals_words),
    )


def _is_node(column: ProfileColumn) -> bool:
    return isinstance(column.target, ItemTarget) and column.target.group is ColumnGroup.NODES


def _grouping(profile: ImportProfile) -> Grouping | None:
    if profile.shape is Shape.ELEMENT_TYPE:
        return None
    return Grouping.PIECES if profile.shape is Shape.PIECE else Grouping.COUNTS
