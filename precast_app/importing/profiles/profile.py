"""An import profile: what the columns, rows and values of an office's own file mean. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from precast_app.importing import units
from precast_app.importing.decimal_signs import DecimalSign
from precast_app.importing.schema import BASE_COLUMNS, GROUPS_IN_PAGE_ORDER, ColumnGroup
from precast_app.messages import Message

# The unit of a column whose cells name the unit themselves, as in `4318 mm`.
UNIT_IN_CELL = "cell"


class Shape(StrEnum):
    """What a row of the file describes."""

    ELEMENT_TYPE = "element_type"
    ELEMENT_TYPE_AND_PLACE = "element_type_and_node"
    PIECE = "piece"
    # A piece that exists, and what has happened to it.
    PIECE_STATUS = "piece_status"


class Blank(StrEnum):
    """What a blank cell means: no value, the value that is stored, or the value of the row above."""

    CLEAR = "clear"
    KEEP = "keep"
    ABOVE = "above"


class PlaceField(StrEnum):
    """A column that says where the pieces of a row go, or how many of them."""

    PLACE = "place"
    TOWER = "tower"
    FLOOR = "floor"
    COUNT = "count"


class PieceStatusField(StrEnum):
    """A column of a list of pieces with their statuses."""

    PIECE = "piece"
    STATUS = "status"
    STAGE = "stage"
    DATE = "date"
    NOTE = "note"
    REASON = "reason"


@dataclass(frozen=True, slots=True)
class BaseTarget:
    """A base column; `field` is one of `BASE_FIELDS`."""

    field: str


@dataclass(frozen=True, slots=True)
class ItemTarget:
    """An item of reference data, such as a node, by its name; the project may lack it."""

    group: ColumnGroup
    name: str


@dataclass(frozen=True, slots=True)
class PlaceTarget:
    """The place of a row, a part of it, or the number of its pieces."""

    field: PlaceField


@dataclass(frozen=True, slots=True)
class PieceStatusTarget:
    """The code of a piece, or a part of what has happened to it."""

    field: PieceStatusField


Target = BaseTarget | ItemTarget | PlaceTarget | PieceStatusTarget

BASE_FIELDS = tuple(column.field for column in BASE_COLUMNS)
# The keys of `ImportProfile.values` and of item targets in JSON, by group.
GROUP_KEYS: Mapping[ColumnGroup, str] = {spec.group: spec.reference.profile_key for spec in GROUPS_IN_PAGE_ORDER}
_BASE_UNITS = {column.field: column.unit for column in BASE_COLUMNS if column.unit}
# What people call a target that is missing, and what is needed for it.
_MISSING_MESSAGES = {
    "name": Message("Nothing says the element type name: choose the column with the marks or positions."),
    "element_type": Message("Nothing says the element type: choose a column or type one for all rows."),
    "place": Message("Nothing says where the pieces go: choose a column for the place, or for the tower or the floor."),
    "count": Message("Nothing says how many pieces a row stands for: choose the column with the count."),
    "piece": Message("Nothing says which piece a row is about: name the column with the codes of the pieces."),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileColumn:
    """What a column of the file means; a column without a target is ignored.

    The column is found by its headings, not by its position. `column`, its letter when the profile was made, is only
    for people and for columns without a heading. `unit` is that of the cells: None for the unit that the heading or the
    base column has, `UNIT_IN_CELL` if each cell names its own. `decimal` and `blank` overrule those of the profile.
    """

    heading: str
    sub_heading: str = ""
    column: str | None = None
    target: Target | None = None
    unit: str | None = None
    decimal: DecimalSign | None = None
    blank: Blank | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportProfile:
    """How a file in an office's own shape is read.

    `header_rows` are one or two row numbers; where the file has its headings in another row, that row is found by them.
    `skip_rows` are positions below the last header row, 1 for the row right below it. `constants` are texts by base
    field, or by "tower" and "floor", for what the file has no column for. `values` are replacements of cells by kind of
    target (a base field, a place field, or one of `GROUP_KEYS`), compared by `match_key`.
    """

    name: str
    sheet: str | None = None
    header_rows: tuple[int, ...] = (1,)
    first_data_row: int | None = None
    skip_rows: tuple[int, ...] = ()
    totals_words: tuple[str, ...] = ()
    shape: Shape = Shape.ELEMENT_TYPE
    columns: tuple[ProfileColumn, ...] = ()
    constants: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    blank: Blank = Blank.CLEAR
    encoding: str | None = None
    delimiter: str | None = None
    decimal: DecimalSign | None = None

    @property
    def used_columns(self) -> tuple[ProfileColumn, ...]:
        """The columns that are read."""
        return tuple(column for column in self.columns if column.target is not None)

    def missing(self) -> dict[str, str]:
        """Return what neither a column nor a constant says although an import needs it: a message by target."""
        said = {value_kind(column.target) for column in self.columns if not isinstance(column.target, ItemTarget)}
        said |= {name for name, text in self.constants.items() if text.strip()}
        return {name: _MISSING_MESSAGES[name] for name in self._needed(said)}

    def _needed(self, said: set[str]) -> Iterator[str]:
        if self.shape is Shape.PIECE_STATUS:
            yield from () if PieceStatusField.PIECE in said else ("piece",)
            return
        yield from (name for name in ("name", "element_type") if name not in said)
        if self.shape is not Shape.ELEMENT_TYPE and not said & {PlaceField.PLACE, PlaceField.TOWER, PlaceField.FLOOR}:
            yield "place"
        if self.shape is Shape.ELEMENT_TYPE_AND_PLACE and PlaceField.COUNT not in said:
            yield "count"


def value_kind(target: Target | None) -> str:
    """Return the key of a target's replacements in `ImportProfile.values`; "" for an ignored column."""
    match target:
        case BaseTarget(name):
            return name
        case PlaceTarget(name) | PieceStatusTarget(name):
            return name.value
        case ItemTarget(group):
            return GROUP_KEYS[group]
    return ""


def possible_units(target: Target | None) -> tuple[str, ...]:
    """Return the units that the cells of a target can have, `UNIT_IN_CELL` last; none if it has no unit."""
    if not isinstance(target, BaseTarget) or target.field not in _BASE_UNITS:
        return ()
    return (*units.names(_BASE_UNITS[target.field]), UNIT_IN_CELL)
