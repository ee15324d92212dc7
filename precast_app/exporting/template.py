"""Choices for a template: which columns it has, and whether it explains itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from precast_app.errors import RequestError
from precast_app.exporting.export_columns import ExportColumn, ExportItems
from precast_app.exporting.row_cells import Cell
from precast_app.importing.header_detection import EXAMPLE_NAMES
from precast_app.importing.schema import BASE_COLUMNS, GROUP_SPECS, ColumnGroup, GroupSpec
from precast_app.messages import Message

# A beam of 500 × 300 mm and 6 m, in the order of the base columns. An import recognizes the row by its names.
EXAMPLE: tuple[Cell, ...] = (*EXAMPLE_NAMES, 500, 6000, 300, 2250, Decimal("0.9"), 3, 300, "VR-1")
_TEXT_NOTES = {
    "element_type": "The kind of piece, such as WALL, BEAM or COLUMN. Required.",
    "name": "The mark or number of the element type on the drawings, such as W-101. Required.",
    "version": "The version of the element type. VR-1 if it stays blank.",
}


@dataclass(frozen=True, slots=True)
class TemplateOptions:
    """The columns of a template by group, as ids of items; a group that is missing has all its columns.

    An id of a node stands for the nodes below it too. With `guide` the headings state units, and the sample row is a
    realistic element type; in a workbook the cells of each column also say what they take.
    """

    chosen: Mapping[ColumnGroup, Set[int]] = field(default_factory=dict)
    guide: bool = False


@dataclass(frozen=True, slots=True)
class ColumnGuide:
    """What a column of a template with a guide shows: its cell in the sample row, and a note for the cells below.

    `choices` are the values to choose from; empty if the cells take anything.
    """

    example: Cell
    title: str
    note: str
    choices: tuple[str, ...] = ()


def limit_columns(
    columns: Sequence[ExportColumn], items: ExportItems, options: TemplateOptions
) -> tuple[ExportColumn, ...]:
    """Return the columns that were chosen; raise `RequestError` for an id that the project does not have."""
    wanted: dict[ColumnGroup, Set[int]] = {}
    for group, ids in options.chosen.items():
        members = {item.id: item for item in items.by_group[group]}
        if unknown := sorted(ids - members.keys()):
            words = GROUP_SPECS[group].reference.singular
            raise RequestError(
                Message("The project has no %(item)s %(id)s. Choose from those that it has.", item=words, id=unknown[0])
            )
        wanted[group] = {key for key in members if not ids.isdisjoint(_with_ancestors(key, members, group))}
    return tuple(column for column in columns if column.group not in wanted or column.target in wanted[column.group])


def base_headings(options: TemplateOptions) -> list[str]:
    """Return the headings of the base columns, with their units if the template has a guide."""
    return [
        f"{column.heading} ({column.unit})" if column.unit and options.guide else column.heading
        for column in BASE_COLUMNS
    ]


def column_guides(columns: Sequence[ExportColumn], items: ExportItems) -> list[ColumnGuide]:
    """Return the guide of each column, base columns first."""
    guides = []
    by_id = {group: {item.id: item for item in members} for group, members in items.by_group.items()}
    for base, example in zip(BASE_COLUMNS, EXAMPLE, strict=True):
        note = _TEXT_NOTES.get(base.field) or f"A number in {base.unit}, for example {example}. May stay blank."
        guides.append(ColumnGuide(example, base.heading, note))
    for column in columns:
        name = f"{column.top} – {column.sub}" if column.sub else column.top
        guides.append(_group_guide(GROUP_SPECS[column.group], name, by_id[column.group][column.target]))
    return guides


def _group_guide(spec: GroupSpec, title: str, item: Any) -> ColumnGuide:
    note = spec.note % {name: getattr(item, name) for name in spec.extra_fields}
    return ColumnGuide(spec.example, title, note, spec.choices)


def _with_ancestors(key: int, members: Mapping[int, object], group: ColumnGroup) -> set[int]:
    """Return the id of an item and, of a node, those of the nodes above it."""
    found: set[int] = set()
    current: int | None = key
    while current is not None and current not in found:
        found.add(current)
        current = getattr(members.get(current), "parent_id", None) if group is ColumnGroup.NODES else None
    return found
