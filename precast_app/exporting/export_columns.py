"""The columns of an export, in the order and under the headings of the canonical workbook and of the flat file.

Each heading is checked with the importer's own rules; one that could mean two things gets the title of its group.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from precast_app.importing import column_mapping, hierarchy
from precast_app.importing.column_mapping import NameIndex
from precast_app.importing.group_formats import HeadingLayout
from precast_app.importing.header_detection import base_field
from precast_app.importing.reference_data import ReferenceData
from precast_app.importing.schema import GROUP_SPECS, ColumnGroup, GroupSpec
from precast_app.models import HierarchyNode


@dataclass(frozen=True, slots=True)
class ExportColumn:
    """A column behind the base columns: `top` over `sub` in a workbook, `heading` in a flat file."""

    group: ColumnGroup
    target: int
    top: str
    sub: str
    heading: str

    @property
    def sample(self) -> str:
        """The text below it in the sample row."""
        return f"{GROUP_SPECS[self.group].sample_prefixes[0]}_{self.sub or self.top}"


@dataclass(frozen=True, slots=True)
class ExportItems:
    """A project's reference data as database objects, by group and in the order of exports.

    `used_nodes` are the ids of the nodes that have quantities.
    """

    by_group: Mapping[ColumnGroup, Sequence[Any]]
    used_nodes: Set[int]


@dataclass(frozen=True, slots=True)
class _Heading:
    """The headings of an item before they are checked."""

    target: int
    top: str
    sub: str
    heading: str


def columns(items: ExportItems, reference: ReferenceData) -> tuple[ExportColumn, ...]:
    """Return the columns in the order of the workbook, group by group; nodes by tower, products by name."""
    names = column_mapping.index_names(reference)
    found = []
    for group, spec in GROUP_SPECS.items():
        full_names = {item.id: spec.full_name(item.name) for item in reference.of(group)}
        found += [
            _unambiguous_column(group, heading, full_names[heading.target], names) for heading in _headings(spec, items)
        ]
    return tuple(found)


def flat_order(found: Sequence[ExportColumn]) -> list[ExportColumn]:
    """Return the columns in the order of the flat file."""
    return sorted(found, key=lambda column: GROUP_SPECS[column.group].csv_position)


def spans(found: Sequence[ExportColumn]) -> list[tuple[str, int, int]]:
    """Return the headings over several columns: text, index of the first and of the last column."""
    wide = []
    for top, run in groupby(enumerate(found), key=lambda each: each[1].top if each[1].sub else None):
        indices = [index for index, _ in run]
        if top and len(indices) > 1:
            wide.append((top, indices[0], indices[-1]))
    return wide


def _headings(spec: GroupSpec, items: ExportItems) -> Iterator[_Heading]:
    members = items.by_group[spec.group]
    match spec.heading_layout:
        case HeadingLayout.TITLE_AND_NAME:
            for item in members:
                name = getattr(item, spec.reference.label)
                yield _Heading(item.id, spec.title, name, name)
        case HeadingLayout.NAME_PARTS:
            yield from _headings_of_name_parts(spec, members)
        case HeadingLayout.PARENT_AND_NAME:
            yield from _node_headings(members, items.used_nodes)


def _headings_of_name_parts(spec: GroupSpec, members: Sequence[Any]) -> Iterator[_Heading]:
    """Yield the headings with items of the same first part side by side, so that they share a merged heading."""
    first, second = spec.reference.name_parts
    order = {getattr(item, first): index for index, item in reversed(list(enumerate(members)))}
    for item in sorted(members, key=lambda member: order[getattr(member, first)]):
        yield _Heading(item.id, getattr(item, first), getattr(item, second), getattr(item, spec.reference.label))


def _node_headings(nodes: Sequence[HierarchyNode], used: Set[int]) -> Iterator[_Heading]:
    """Yield the headings of floors, and of towers that have pieces of their own, grouped by tower."""
    by_id = {node.id: node for node in nodes}
    paths = hierarchy.heading_paths(nodes)
    towers = {node.id: node.parent_id or node.id for node in nodes}
    parents = {node.parent_id for node in nodes}
    leaves = [node for node in nodes if node.id not in parents or node.id in used]
    first = {tower: index for index, tower in reversed(list(enumerate(towers[node.id] for node in leaves)))}
    for node in sorted(leaves, key=lambda leaf: first[towers[leaf.id]]):
        parent = by_id.get(node.parent_id or 0)
        path = paths[node.id]
        yield _Heading(node.id, *_parent_heading(node, parent, path, paths[parent.id] if parent else ""), path)


def _parent_heading(node: HierarchyNode, parent: HierarchyNode | None, path: str, parent_path: str) -> tuple[str, str]:
    """Return a tower's name over a floor's; a blank text over a node without a parent."""
    if parent is not None and parent.parent_id is None:
        return parent.name, node.name
    if parent is not None and path.startswith(f"{parent_path}."):
        return parent_path, path.removeprefix(f"{parent_path}.")
    if parent is None and path == hierarchy.heading_path(node.name, None):
        return "", node.name
    above, _, last = path.rpartition(".")
    return above, last if above or parent else node.name


def _unambiguous_column(group: ColumnGroup, heading: _Heading, full_name: str, names: NameIndex) -> ExportColumn:
    """Return the column under headings that an import maps to this item and no other."""

    def is_unambiguous(top: str, sub: str) -> bool:
        targets = column_mapping.find_targets(top, sub, names)
        return not base_field(top) and [(each, item.id) for each, item in targets] == [(group, heading.target)]

    top, sub = (heading.top, heading.sub) if is_unambiguous(heading.top, heading.sub) else (full_name, "")
    flat = heading.heading if is_unambiguous(heading.heading, "") else full_name
    return ExportColumn(group, heading.target, top, sub, flat)
