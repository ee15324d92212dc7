"""The columns of the element types' file, each declared once: heading, unit, how a cell becomes a value. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum, auto
from functools import partial
from typing import Any, Protocol

from precast_app.enums import Severity
from precast_app.importing import cell_parsing, reference_schema
from precast_app.importing.decimal_signs import DecimalSign
from precast_app.importing.group_formats import COUNT, DECIMAL, FLAG, TEXT, HeadingLayout, PageLayout, ValueType
from precast_app.importing.issues import Issue
from precast_app.importing.reference_schema import ReferenceSpec
from precast_app.messages import Message
from precast_app.spreadsheets import MergedRange, SheetRow

# In the unit of the column.
MAX_MEASURE = 1_000_000

CellParser = Callable[[object], object]


class ColumnGroup(StrEnum):
    """The groups of columns; the values are the names of the groups in JSON."""

    BASE = "base"
    DRAWINGS = "drawings"
    NODES = "quantities"
    STAGES = "stages"
    BOM = "bom"


@dataclass(frozen=True, slots=True)
class BaseColumn:
    """One of the ten columns that every file has; `field` is the attribute of `models.ElementType`."""

    heading: str
    field: str
    parse: CellParser
    unit: str = ""
    aliases: tuple[str, ...] = ()


def _measure(heading: str, field: str, unit: str, *aliases: str) -> BaseColumn:
    return BaseColumn(
        heading, field, partial(cell_parsing.parse_decimal, maximum=MAX_MEASURE, unit=unit), unit, aliases
    )


BASE_COLUMNS = (
    BaseColumn(
        "Element Type", "element_type", partial(cell_parsing.parse_required_text, max_length=150), aliases=("Type",)
    ),
    BaseColumn(
        "Element Type Name", "name", partial(cell_parsing.parse_required_text, max_length=150), aliases=("Name",)
    ),
    _measure("Height", "height", "mm"),
    _measure("Length", "length", "mm"),
    _measure("Thickness", "thickness", "mm"),
    _measure("Mass", "mass", "kg", "Weight"),
    _measure("Volume", "volume", "m³"),
    _measure("Area", "area", "m²"),
    _measure("Width", "width", "mm"),
    BaseColumn(
        "Element Type Version",
        "version",
        partial(cell_parsing.parse_text, max_length=150, blank="VR-1"),
        aliases=("Version",),
    ),
)
# The fields of the base columns that hold numbers.
MEASURES = tuple(column.field for column in BASE_COLUMNS if column.unit)


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupSpec:
    """A group of columns: one for each item of a kind of reference data, with a value for each element type.

    Names of tables and columns are text, so that this module needs no database; a test compares them with the models.
    """

    group: ColumnGroup
    # What the headings name.
    reference: ReferenceSpec
    # How a cell becomes a value, and what kind of value that is.
    parse: CellParser
    value_type: ValueType
    # The table of the values: the columns that refer to the item and hold the value. In a table without the latter, a
    # row means yes.
    table: str
    target_column: str
    value_column: str | None = None
    # The heading over the group in a workbook, also written in front of a name that means two things.
    title: str
    # Words for people, as in "quantities in K to M"; and what a cell says, as in "Quantity of this product: Rebar".
    words: str
    meaning: str
    # In the workbook: what the cells of the sample row begin with (any of these is read, the first is written), and the
    # group's line in the sheet Summary.
    sample_prefixes: tuple[str, ...]
    summary_label: str
    # In a template with a guide: the cell of the sample row, the note for the cells below, in which `%(unit)s` stands
    # for the item's unit if that is one of `extra_fields`, and the values to choose from, if there is such a list.
    example: Any
    note: str
    choices: tuple[str, ...] = ()
    # Whether an unknown heading without other hints can be assigned to the group because its cells are valid values.
    # Of groups with the same values, only one may do so: a heading that fits two of them is assigned to none.
    is_found_by_cells: bool = False
    heading_layout: HeadingLayout = HeadingLayout.TITLE_AND_NAME
    # The position of the group in the CSV file.
    csv_position: int
    page_layout: PageLayout = PageLayout.LIST
    # An element type in the API: the field with the item's name, columns of the item to show beside it, the order of
    # the items; and the field of the project's summary that counts the stored values.
    label_field: str
    extra_fields: tuple[str, ...] = ()
    ordering: tuple[str, ...] = ("id",)
    count_field: str

    def full_name(self, name: str) -> str:
        """Return a heading that names the item unambiguously, such as `Stages_Casting`."""
        return f"{self.title}_{name}"


# In the order of the workbook.
GROUP_SPECS: Mapping[ColumnGroup, GroupSpec] = {
    spec.group: spec
    for spec in (
        GroupSpec(
            group=ColumnGroup.DRAWINGS,
            reference=reference_schema.DRAWING_TYPES,
            parse=partial(cell_parsing.parse_text, max_length=255, blank=None),
            value_type=TEXT,
            table="element_type_drawings",
            target_column="drawing_type_id",
            value_column="file_name",
            title="Drawing Types",
            words=Message("drawing types"),
            meaning="Drawing",
            sample_prefixes=("Drw",),
            summary_label="Total Drawing Types",
            example="B-101.dwg",
            note="The file name of this drawing, for example B-101.dwg. Blank: no drawing.",
            is_found_by_cells=True,
            csv_position=2,
            page_layout=PageLayout.LINES,
            label_field="drawing_type",
            ordering=("name",),
            count_field="drawings",
        ),
        GroupSpec(
            group=ColumnGroup.NODES,
            reference=reference_schema.HIERARCHY,
            parse=partial(cell_parsing.parse_count, maximum=100_000),
            value_type=COUNT,
            table="element_type_quantities",
            target_column="node_id",
            value_column="quantity",
            title="Hierarchy",
            words=Message("quantities"),
            meaning="Pieces at this place",
            sample_prefixes=("Qty",),
            summary_label="Total Hierarchy",
            example=2,
            note="How many pieces of this element type go here: a whole number. Blank: none.",
            is_found_by_cells=True,
            heading_layout=HeadingLayout.PARENT_AND_NAME,
            csv_position=3,
            page_layout=PageLayout.PIECES,
            label_field="path",
            ordering=("path",),
            count_field="quantities",
        ),
        GroupSpec(
            group=ColumnGroup.STAGES,
            reference=reference_schema.STAGES,
            parse=cell_parsing.parse_yes_no,
            value_type=FLAG,
            table="element_type_stages",
            target_column="stage_id",
            title="Stages",
            words=Message("stages"),
            meaning="Stage",
            sample_prefixes=("Stage", "Hierarchy"),
            summary_label="Total Stages",
            example="yes",
            note="Do these pieces go through this stage? Yes: yes, y, true, 1 or x. No: no, n, false, 0, - or blank.",
            choices=("yes", "no"),
            is_found_by_cells=True,
            csv_position=1,
            label_field="stage",
            ordering=("position", "id"),
            count_field="stages",
        ),
        GroupSpec(
            group=ColumnGroup.BOM,
            reference=reference_schema.BOM_PRODUCTS,
            parse=partial(cell_parsing.parse_positive_decimal, maximum=1_000_000_000),
            value_type=DECIMAL,
            table="element_type_bom",
            target_column="product_id",
            value_column="quantity",
            title="BOM",
            words=Message("materials"),
            meaning="Quantity of this product",
            sample_prefixes=("BOM",),
            summary_label="Total BOM Types",
            example=Decimal("12.5"),
            note="The quantity of this product for one piece, in %(unit)s. Blank: none.",
            is_found_by_cells=True,
            heading_layout=HeadingLayout.NAME_PARTS,
            csv_position=4,
            page_layout=PageLayout.QUANTITIES,
            label_field="product",
            extra_fields=("unit",),
            count_field="bom_lines",
        ),
    )
}
# In the order of the pages, which is that of the kinds of reference data.
GROUPS_IN_PAGE_ORDER = tuple(
    spec
    for kind in reference_schema.REFERENCE_SPECS.values()
    for spec in GROUP_SPECS.values()
    if spec.reference is kind
)

# The index of a column that the file lacks and a profile gives one value for all rows.
NOT_IN_FILE = 1_000_000


class RowGrouping(StrEnum):
    """How rows of one element type are put together: counts of the same place are added, or rows are counted."""

    ADD_COUNTS = auto()
    COUNT_ROWS = auto()


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a file whose meaning is known.

    `index` counts from 0. `target` is the field of a base column, or the id of the item of reference data that the
    column is about. In a file whose rows are put together, a column of the nodes may have the target `place`, `tower`,
    `floor` or `count` instead.

    `unit` is the unit in which its numbers are read, "" if they have none.

    An import profile may say the decimal sign of its numbers, replacements of its cells by
    `profiles.cell_values.rule_key`, that a blank cell keeps what is stored, and that each cell names its unit.
    """

    index: int
    letter: str
    heading: str
    group: ColumnGroup
    target: str | int
    parse: CellParser
    unit: str = ""
    sign: DecimalSign | None = None
    replacements: Mapping[str, str] | None = None
    keeps_blank: bool = False
    has_unit_in_cells: bool = False

    @property
    def is_number(self) -> bool:
        """Whether the cells are numbers."""
        if self.group is ColumnGroup.BASE:
            return self.target in MEASURES
        if isinstance(self.target, str):
            return self.target == "count"
        return GROUP_SPECS[self.group].value_type.is_number

    @property
    def is_text(self) -> bool:
        """Whether the cells are texts, and numbers in them are read as they are shown."""
        if self.group is ColumnGroup.BASE:
            return self.target not in MEASURES
        return GROUP_SPECS[self.group].value_type is TEXT


class RowFilter(Protocol):
    """What an import profile does with the rows of a file before they are validated."""

    def rows(self, rows: Iterable[SheetRow]) -> Iterator[SheetRow]:
        """Yield the rows that are data or totals."""

    def is_total(self, row: SheetRow) -> bool:
        """Return whether a row says that it is a total."""


@dataclass(frozen=True, slots=True)
class ColumnMap:
    """What the columns of a sheet mean; the values of a row are in the order of `columns`, base columns first.

    `width` is the number of columns with headings, unknown ones included. `merged` are ranges merged over several data
    rows, in columns where the value counts for each of these rows. `file_sign` is the decimal sign that the form of the
    file suggests. `preparation` and `grouping` come from an import profile: what is done with the rows before they are
    validated, and whether rows of one element type are put together afterwards.
    """

    sheet: str
    first_data_row: int
    columns: tuple[Column, ...]
    width: int
    merged: tuple[MergedRange, ...] = ()
    file_sign: DecimalSign | None = None
    preparation: RowFilter | None = None
    grouping: RowGrouping | None = None

    @property
    def shown_columns(self) -> Set[int] | None:
        """Return the indices of the columns in which it matters what a cell shows of its number; None for all."""
        if self.preparation is not None:
            return None
        return frozenset(column.index for column in self.columns if column.is_text)

    def positions(self, group: ColumnGroup) -> tuple[tuple[int, str | int], ...]:
        """Return, for each column of the group, its index in the values of a row, and its target."""
        return tuple((index, column.target) for index, column in enumerate(self.columns) if column.group is group)

    def issue(
        self,
        *,
        severity: Severity,
        code: str,
        message: str,
        row: int | None = None,
        column: Column | None = None,
        value: str | None = None,
    ) -> Issue:
        """Return an issue in this sheet."""
        return Issue(
            severity=severity,
            code=code,
            message=message,
            row=row,
            column=(column.letter or None) if column else None,
            heading=column.heading if column else None,
            value=value,
            sheet=self.sheet or None,
        )
