"""New values of one element type that a user enters, validated as the cells of a file are. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from precast_app.enums import Severity
from precast_app.importing import decimal_signs, piece_limits, row_validation
from precast_app.importing.decimal_signs import DecimalSign
from precast_app.importing.piece_limits import PieceLimits
from precast_app.importing.reference_data import ReferenceData
from precast_app.importing.row_validation import Row
from precast_app.importing.schema import BASE_COLUMNS, GROUP_SPECS, Column, ColumnGroup, ColumnMap
from precast_app.messages import Message
from precast_app.spreadsheets import SheetRow, escape_formula

# The type is part of the codes of the pieces, which never change.
EDITABLE_FIELDS = tuple(column.field for column in BASE_COLUMNS[1:])
# The number of the only row; it is in no file.
_ROW = 0

# The path of a field in the request: `("height",)` or `("quantities", "12")`.
FieldPath = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ElementTypeEdit:
    """New values: base columns by field, those of a group by the id of their item. None clears a value."""

    base: Mapping[str, str | None] = field(default_factory=dict)
    groups: Mapping[ColumnGroup, Mapping[int, str | bool | None]] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return the edit as JSON, which `from_json` reads."""
        groups = {
            group.value: {str(id_): value for id_, value in values.items()} for group, values in self.groups.items()
        }
        return {**self.base, **groups}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> ElementTypeEdit:
        """Return the edit that `to_json` has written."""
        groups = {group: stored[group.value] for group in GROUP_SPECS if group.value in stored}
        return cls(
            {name: stored[name] for name in EDITABLE_FIELDS if name in stored},
            {group: {int(id_): value for id_, value in values.items()} for group, values in groups.items()},
        )


@dataclass(frozen=True, slots=True)
class ValidatedEdit:
    """The columns that are edited, after the two names, and the row of new values; or what is wrong, by field."""

    columns: ColumnMap
    row: Row | None
    problems: Mapping[FieldPath, str]


def validate(
    edit: ElementTypeEdit, element_type: str, name: str, reference: ReferenceData, limits: PieceLimits
) -> ValidatedEdit:
    """Validate new values of the element type with these two names, with the parsers of an import."""
    fields = [
        replace(each, column=replace(each.column, index=index))
        for index, each in enumerate(_fields(edit, element_type, name, reference))
    ]
    columns = piece_limits.limited(ColumnMap("", 0, tuple(each.column for each in fields), len(fields)), limits)
    problems = dict(_unknown_items(edit, reference))
    cells = [each.cell for each in fields]
    found = list(row_validation.validate_rows(lambda: [SheetRow(_ROW, cells)], columns))
    row = found[0] if found and not found[0].skipped else None
    paths = {each.column.heading: each.path for each in fields}
    for issue in row.issues if row else ():
        if issue.severity is Severity.ERROR:
            problems.setdefault(paths[issue.heading or ""], issue.message)
    problems |= {each.path: message for each in fields if (message := _unclear_number(each))}
    if row is None:
        problems.setdefault(
            ("name",), Message("A file would take this name for an example or a total. Enter another name.")
        )
    return ValidatedEdit(columns, None if problems else row, problems)


@dataclass(frozen=True, slots=True)
class _Field:
    path: FieldPath
    column: Column
    cell: str | bool


def _fields(edit: ElementTypeEdit, element_type: str, name: str, reference: ReferenceData) -> Iterator[_Field]:
    """Yield the two names and the edited fields, each with its path as the heading of its column."""
    names = {"element_type": element_type, "name": name}
    for base in BASE_COLUMNS:
        if base.field not in names and base.field not in edit.base:
            continue
        value = edit.base.get(base.field, names.get(base.field)) or ""
        yield _field((base.field,), ColumnGroup.BASE, base.field, base.parse, value)
    for group, values in edit.groups.items():
        known = {item.id for item in reference.of(group)}
        for id_, cell in values.items():
            if id_ in known:
                yield _field((group.value, str(id_)), group, id_, GROUP_SPECS[group].parse, cell)


def _field(path: FieldPath, group: ColumnGroup, target: str | int, parse: Any, value: str | bool | None) -> _Field:
    cell = escape_formula(value) if isinstance(value, str) else bool(value) if value is not None else ""
    # A number without a comma has a decimal point, as the API writes it. One with a comma must be clear.
    sign = None if isinstance(cell, str) and "," in cell else DecimalSign.POINT
    return _Field(path, Column(-1, "", ".".join(path), group, target, parse, sign=sign), cell)


def _unclear_number(given: _Field) -> str | None:
    """Return what is wrong with a number that can be read in two ways, as it has no other rows to compare with."""
    text, column = given.cell, given.column
    if not isinstance(text, str) or not column.is_number or column.sign or decimal_signs.evidence(text) != "either":
        return None
    return Message(
        "The comma may be a decimal sign or separate thousands. Write the number without thousands separators."
    )


def _unknown_items(edit: ElementTypeEdit, reference: ReferenceData) -> Iterator[tuple[FieldPath, str]]:
    for group, values in edit.groups.items():
        known = {item.id for item in reference.of(group)}
        for id_ in values:
            if id_ not in known:
                singular = GROUP_SPECS[group].reference.singular
                yield (group.value, str(id_)), f"The project has no {singular} {id_}. Read the list again."
