"""The columns of an export, in the order and under the headings of the canonical workbook and of the flat file.

Headings are tried by the importer's own rules: one that could mean two things is written with its group before it.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass
from itertools import groupby

from precast_app.importing import column_mapping
from precast_app.importing.column_mapping import GROUP_TITLES, NameIndex
from precast_app.importing.header_detection import base_field
from precast_app.importing.reference_data import ReferenceData, ReferenceItem
from precast_app.importing.schema import ColumnGroup
from precast_app.models import BomProduct, DrawingType, HierarchyNode, Stage

_SAMPLES = {ColumnGroup.DRAWINGS: "Drw", ColumnGroup.NODES: "Qty", ColumnGroup.STAGES: "Stage", ColumnGroup.BOM: "BOM"}
_FLAT_ORDER = (ColumnGroup.STAGES, ColumnGroup.DRAWINGS, ColumnGroup.NODES, ColumnGroup.BOM)


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
        """What the sample row shows under it."""
        return f"{_SAMPLES[self.group]}_{self.sub or self.top}"


@dataclass(frozen=True, slots=True)
class Members:
    """What a project's columns are about, each group in its order."""

    drawing_types: Sequence[DrawingType]
    nodes: Sequence[HierarchyNode]
    stages: Sequence[Stage]
    products: Sequence[BomProduct]
    used_nodes: Set[int]


def columns(members: Members, reference: ReferenceData) -> tuple[ExportColumn, ...]:
    """The columns in the order of the workbook: drawing types, nodes by tower, stages, products by name."""
    by_id = {node.id: node for node in members.nodes}
    towers = {node.id: node.parent_id or node.id for node in members.nodes}
    parents = {node.parent_id for node in members.nodes}
    # Floors, and towers that have pieces of their own.
    leaves = [node for node in members.nodes if node.id not in parents or node.id in members.used_nodes]
    first = {tower: place for place, tower in reversed(list(enumerate(towers[node.id] for node in leaves)))}
    leaves.sort(key=lambda node: first[towers[node.id]])
    over = GROUP_TITLES[ColumnGroup.DRAWINGS]
    named = [(ColumnGroup.DRAWINGS, each.id, over, each.name, each.name) for each in members.drawing_types]
    named += [(ColumnGroup.NODES, node.id, *_ancestor_heading(node, by_id), node.path) for node in leaves]
    named += [
        (ColumnGroup.STAGES, each.id, GROUP_TITLES[ColumnGroup.STAGES], each.name, each.name) for each in members.stages
    ]
    products = {each.product_name: place for place, each in reversed(list(enumerate(members.products)))}
    for each in sorted(members.products, key=lambda product: products[product.product_name]):
        named.append((ColumnGroup.BOM, each.id, each.product_name, each.product_type, each.name_id))
    names = column_mapping.index_names(reference)
    full = {
        (group, one.id): f"{GROUP_TITLES[group]}_{one.name}"
        for group in ColumnGroup
        for one in _named(group, reference)
    }
    return tuple(_unambiguous_column(*each, full[each[0], each[1]], names) for each in named)


def flat_order(found: Sequence[ExportColumn]) -> list[ExportColumn]:
    """The same columns in the order of the flat file."""
    return [column for group in _FLAT_ORDER for column in found if column.group is group]


def spans(found: Sequence[ExportColumn]) -> list[tuple[str, int, int]]:
    """The headings that stand over several columns: text, first and last place among the columns."""
    wide = []
    for top, run in groupby(enumerate(found), key=lambda each: each[1].top if each[1].sub else None):
        places = [place for place, _ in run]
        if top and len(places) > 1:
            wide.append((top, places[0], places[-1]))
    return wide


def _ancestor_heading(node: HierarchyNode, by_id: dict[int, HierarchyNode]) -> tuple[str, str]:
    """A tower's name over a floor's; a node without a parent under a blank heading."""
    parent = by_id.get(node.parent_id or 0)
    if parent is not None and parent.parent_id is None:
        return parent.name, node.name
    above, _, last = node.path.rpartition(".")
    return above, last if above or parent else node.name


def _unambiguous_column(
    group: ColumnGroup, target: int, top: str, sub: str, heading: str, full: str, names: NameIndex
) -> ExportColumn:
    """The column under headings that mean it and nothing else; `full` is its name with its group's before it."""

    def means_it(over: str, under: str) -> bool:
        meant = column_mapping.find_targets(over, under, names)
        return not base_field(over) and [(each, named.id) for each, named in meant] == [(group, target)]

    if not means_it(top, sub):
        top, sub = full, ""
    return ExportColumn(group, target, top, sub, heading if means_it(heading, "") else full)


def _named(group: ColumnGroup, reference: ReferenceData) -> tuple[ReferenceItem, ...]:
    members = {
        ColumnGroup.DRAWINGS: reference.drawing_types,
        ColumnGroup.NODES: reference.nodes,
        ColumnGroup.STAGES: reference.stages,
        ColumnGroup.BOM: reference.products,
    }
    return members.get(group, ())
