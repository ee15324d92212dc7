"""Sample cells as an import profile reads them. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from precast_app.importing import decimal_signs
from precast_app.importing.cell_parsing import InvalidCell
from precast_app.importing.decimal_signs import DecimalSign
from precast_app.importing.profiles import cell_values, column_parsers
from precast_app.importing.profiles.column_values import shown_text
from precast_app.importing.profiles.header_search import ListHeading
from precast_app.importing.profiles.profile import ImportProfile, ProfileColumn, value_kind
from precast_app.messages import Message
from precast_app.spreadsheets import Cell

_CHARACTERS = 120


@dataclass(frozen=True, slots=True)
class Sample:
    """A cell as its sheet shows it and as it is read, in the unit of the base column, or why it can't be read."""

    text: str
    read_as: str | None = None
    problem: str | None = None


def read_sample(
    cell: Cell, column: ProfileColumn, heading: ListHeading, profile: ImportProfile, sign: DecimalSign
) -> Sample:
    """Return a cell of a column as a profile reads it; `sign` decides numbers if the profile doesn't."""
    text = shown_text(cell)[:_CHARACTERS]
    if column.target is None:
        return Sample(text)
    sign = column.decimal or profile.decimal or sign
    rules = cell_values.index_rules(profile.values.get(value_kind(column.target), {}))
    value = rules.get(cell_values.rule_key(text), cell)
    if isinstance(value, str) and column_parsers.is_number(column.target):
        value = decimal_signs.with_point(value, sign)
    parse, _ = column_parsers.column_parser(column, heading, sign)
    try:
        return Sample(text, _shown(parse(value)))
    except InvalidCell as invalid:
        return Sample(text, problem=invalid.message)


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return Message("yes") if value else Message("no")
    return "" if value is None else str(value)[:_CHARACTERS]
