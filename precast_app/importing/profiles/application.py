"""What the columns of a sheet mean by an import profile; the counterpart of `importing.column_mapping`. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from precast_app.enums import Severity
from precast_app.errors import JobFailed
from precast_app.importing import column_mapping, decimal_signs, header_detection
from precast_app.importing.cell_parsing import InvalidCell
from precast_app.importing.column_mapping import NameIndex
from precast_app.importing.decimal_signs import DecimalSign
from precast_app.importing.issues import Issue
from precast_app.importing.profiles import cell_values, column_parsers, matching
from precast_app.importing.profiles.column_parsers import BASE_BY_FIELD
from precast_app.importing.profiles.matching import HeaderRows
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
    GROUP_SPECS,
    NOT_IN_FILE,
    CellParser,
    Column,
    ColumnGroup,
    ColumnMap,
    RowGrouping,
)
from precast_app.messages import Message, as_message
from precast_app.spreadsheets import Book, column_letter


def map_columns(book: Book, profile: ImportProfile, reference: ReferenceData) -> tuple[ColumnMap, list[Issue]]:
    """Return the columns that the profile reads, and a warning for each that is not read.

    Raise `JobFailed` if the file has no column for the names, or a constant has no valid value.
    """
    header = matching.find_header(book, profile)
    found = matching.match_columns(header.headings, profile)
    file_sign = decimal_signs.file_sign(book)
    mapper = _Mapper(profile, header, found, column_mapping.index_names(reference), file_sign)
    columns = mapper.columns()
    first_row = first_data_row(profile, header)
    merged = column_mapping.merged_data_cells(first_row, header.scan, columns)
    issues = [
        *mapper.issues,
        *_lacking_columns(profile, found),
        *_unknown_headings(profile, header, found),
        *column_mapping.merged_warnings(merged),
    ]
    column_map = ColumnMap(
        header.sheet,
        first_row,
        tuple(columns),
        len(header.headings),
        tuple(area for area, column in merged if column.group is ColumnGroup.BASE or not column.is_number),
        file_sign,
        _preparation(profile, header, found),
        _grouping(profile),
    )
    return column_map, [replace(issue, sheet=header.sheet or None) for issue in issues]


def count_rows(book: Book, profile: ImportProfile) -> tuple[str, int]:
    """Return the name of the sheet and about how many data rows it has, from a scan; raise as `map_columns`."""
    header = matching.find_header(book, profile)
    above = sum(row.number <= header.last_row for row in header.scan.head)
    return header.sheet, max(0, header.scan.row_count - above - len(profile.skip_rows))


def first_data_row(profile: ImportProfile, header: HeaderRows) -> int:
    """Return the number of the first row below the headings that may be data, skipped rows included."""
    below = (profile.first_data_row or 0) - profile.header_rows[-1]
    return header.last_row + max(below, 1)


class _Mapper:
    """Turns the columns of a profile into those of `ColumnMap`, and collects the issues."""

    def __init__(
        self,
        profile: ImportProfile,
        header: HeaderRows,
        found: Mapping[int, ProfileColumn],
        names: NameIndex,
        file_sign: DecimalSign | None,
    ) -> None:
        self._profile = profile
        self._header = header
        self._found = found
        self._names = names
        self._file_sign = file_sign
        self._suggestions = column_mapping.Suggestions(names)
        self.issues: list[Issue] = []

    def columns(self) -> list[Column]:
        """Return the columns, base columns first and in their order; constants are columns without a cell."""
        base: dict[str, Column] = {}
        others: dict[tuple[ColumnGroup, str | int], Column] = {}
        for index, column in sorted(self._found.items()):
            match column.target:
                case BaseTarget(field):
                    base[field] = self._column(index, column, ColumnGroup.BASE, field)
                case ItemTarget(group, name):
                    if (id_ := self._find_item(index, group, name)) is not None:
                        others.setdefault((group, id_), self._column(index, column, group, id_))
                case PlaceTarget(field):
                    others[ColumnGroup.NODES, field] = self._column(index, column, ColumnGroup.NODES, field.value)
        for field, text in self._profile.constants.items():
            if known := BASE_BY_FIELD.get(field):
                base[field] = self._constant(ColumnGroup.BASE, field, known.heading, known.parse, text)
            else:
                parse = column_parsers.place_parser(field)
                others[ColumnGroup.NODES, field] = self._constant(ColumnGroup.NODES, field, field, parse, text)
        if "element_type" not in base:
            raise JobFailed(
                Message(
                    "The file has no column for the element type, which the import profile %(profile)s "
                    "reads. Choose another profile, or say again what the columns mean.",
                    profile=self._profile.name,
                )
            )
        return [*(base[field] for field in BASE_BY_FIELD if field in base), *others.values()]

    def _column(self, index: int, column: ProfileColumn, group: ColumnGroup, target: str | int) -> Column:
        rules = self._profile.values.get(value_kind(column.target))
        parse, unit = self._parser(index, column)
        return Column(
            index=index,
            letter=column_letter(index + 1),
            heading=self._heading(index),
            group=group,
            target=target,
            parse=parse,
            unit=unit,
            sign=column.decimal or self._profile.decimal,
            replacements=cell_values.index_rules(rules) if rules else None,
            keeps_blank=(column.blank or self._profile.blank) is Blank.KEEP and target not in ("element_type", "name"),
            has_unit_in_cells=column.unit == UNIT_IN_CELL,
        )

    def _heading(self, index: int) -> str:
        heading = self._header.headings[index]
        return column_mapping.shown_heading(heading.top, heading.sub)

    def _parser(self, index: int, column: ProfileColumn) -> tuple[CellParser, str]:
        """Return the parser of a column and the unit that it reads, "" if it has none."""
        sign = column.decimal or self._profile.decimal or self._file_sign or DecimalSign.POINT
        parse, unit = column_parsers.column_parser(column, self._header.headings[index], sign)
        stored = BASE_BY_FIELD[column.target.field].unit if isinstance(column.target, BaseTarget) else ""
        if unit and stored:
            message = Message("The numbers were converted from %(stated)s to %(unit)s.", stated=unit, unit=stored)
            self.issues.append(self._issue(Severity.INFO, "unit_converted", message, index))
        return parse, unit or stored

    def _find_item(self, index: int, group: ColumnGroup, name: str) -> int | None:
        ids = [item.id for found, item in column_mapping.find_targets(name, "", self._names) if found is group]
        if ids:
            return ids[0]
        nearest = self._suggestions.nearest(name)
        hint = Message("; the nearest name that it has is %(nearest)s", nearest=nearest) if nearest else ""
        message = Message(
            "The import profile %(profile)s reads this column as the %(item)s %(name)s, which "
            "the project lacks%(hint)s. The column was ignored. Add the item to the project, or "
            "change what the column means, and upload the file again.",
            profile=self._profile.name,
            item=GROUP_SPECS[group].reference.singular,
            name=name,
            hint=hint,
        )
        self.issues.append(self._issue(Severity.WARNING, "unknown_heading", message, index))
        return None

    def _constant(self, group: ColumnGroup, target: str, heading: str, parse: CellParser, text: str) -> Column:
        try:
            value = parse(text)
        except InvalidCell as invalid:
            message = Message(
                "The import profile %(profile)s has no valid %(heading)s for all rows: %(problem)s",
                profile=self._profile.name,
                heading=heading,
                problem=as_message(invalid.message),
            )
            raise JobFailed(message) from invalid
        return Column(
            index=NOT_IN_FILE, letter="", heading=heading, group=group, target=target, parse=lambda cell: value
        )

    def _issue(self, severity: Severity, code: str, message: str, index: int) -> Issue:
        return Issue(
            severity=severity,
            code=code,
            message=message,
            row=self._header.last_row,
            column=column_letter(index + 1),
            heading=self._heading(index),
        )


def _lacking_columns(profile: ImportProfile, found: Mapping[int, ProfileColumn]) -> Iterator[Issue]:
    """Yield a warning for each column that the profile reads and the file lacks."""
    matched = {id(column) for column in found.values()}
    for column in profile.used_columns:
        if id(column) not in matched:
            heading = column_mapping.shown_heading(column.heading, column.sub_heading) or f"column {column.column}"
            yield Issue(
                severity=Severity.WARNING,
                code="missing_heading",
                message=Message(
                    "The import profile %(profile)s reads the column %(heading)s, which the file lacks. What "
                    "it says was left as it is.",
                    profile=profile.name,
                    heading=heading,
                ),
                heading=heading,
            )


def _unknown_headings(
    profile: ImportProfile, header: HeaderRows, found: Mapping[int, ProfileColumn]
) -> Iterator[Issue]:
    """Yield a warning for each heading that the profile doesn't know."""
    for heading in header.headings:
        text = column_mapping.shown_heading(heading.top, heading.sub)
        if not text or heading.index in found or text == header_detection.REASON_HEADING:
            continue
        yield Issue(
            severity=Severity.WARNING,
            code="unknown_heading",
            message=Message(
                "The import profile %(profile)s doesn't know the column %(heading)s. The column was "
                "ignored. If it is needed, say what it means and import the file again.",
                profile=profile.name,
                heading=text,
            ),
            row=header.last_row,
            column=column_letter(heading.index + 1),
            heading=text,
        )


def _preparation(profile: ImportProfile, header: HeaderRows, found: Mapping[int, ProfileColumn]) -> RowPreparation:
    indexes = {column.target.field: index for index, column in found.items() if isinstance(column.target, BaseTarget)}
    always, continued = [], []
    for index, column in found.items():
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
        skipped=skipped_rows(profile, header),
        headings={
            index: header.headings[index].sub or header.headings[index].top
            for index, column in found.items()
            if column.target is not None
        },
        name=indexes.get("name", NOT_IN_FILE),
        element_type=indexes.get("element_type", NOT_IN_FILE),
        always_above=tuple(always),
        continued=tuple(continued),
        totals_words=words_for_totals(profile.totals_words),
    )


def skipped_rows(profile: ImportProfile, header: HeaderRows) -> frozenset[int]:
    """Return the numbers of the rows below the headings that the profile says are no data."""
    return frozenset(header.last_row + position for position in profile.skip_rows)


def _is_node(column: ProfileColumn) -> bool:
    return isinstance(column.target, ItemTarget) and column.target.group is ColumnGroup.NODES


def _grouping(profile: ImportProfile) -> RowGrouping | None:
    if profile.shape is Shape.ELEMENT_TYPE:
        return None
    return RowGrouping.COUNT_ROWS if profile.shape is Shape.PIECE else RowGrouping.ADD_COUNTS
